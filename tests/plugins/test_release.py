"""A release appears whole or not at all, and a fault wheel never where users are."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from installed import compare
from release import ReleaseRefused, install, switch, wheel_hash

DIST_INFO = "coinjecture-4.0.0.dist-info"
IN_THE_WHEEL = {
    "coinjecture.py": "RUST = 1\n",
    "coinjecture/_core.abi3.so": "native",
    f"{DIST_INFO}/RECORD": "its own\n",
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A file that stands for a wheel; what pip and the probe do with it is played."""
    path = tmp_path / "coinjecture-4.0.0-cp311-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in IN_THE_WHEEL.items():
            archive.writestr(name, text)
    return path


def played(features: Sequence[str] = (), pip_fails: bool = False) -> Callable[..., str]:
    """A pip that unpacks the wheel and adds its own notes, and a native module built with ``features``."""

    def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
        if "install" not in command:
            assert (Path(environment["PYTHONPATH"]) / "coinjecture.py").exists()
            return json.dumps({"version": "4.0.0", "features": list(features)})
        target = Path(command[command.index("--target") + 1])
        with zipfile.ZipFile(command[-1]) as archive:
            archive.extractall(target)
        (target / f"{DIST_INFO}/INSTALLER").write_text("pip\n")
        (target / f"{DIST_INFO}/RECORD").write_text("another\n")
        if pip_fails:
            raise ReleaseRefused("pip failed: disk full")
        return ""

    return run


def test_given_a_wheel_then_it_is_installed_under_its_hash_and_kept_beside(
    wheel: Path, tmp_path: Path
) -> None:
    releases, sha256 = tmp_path / "releases", wheel_hash(wheel)
    installed, build = install(wheel, sha256, releases, "python", False, played())
    assert installed
    assert build["version"] == "4.0.0"
    assert (releases / sha256 / wheel.name).read_bytes() == wheel.read_bytes()
    assert install(wheel, sha256, releases, "python", False, played())[0] is False


def test_given_other_bytes_then_the_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseRefused, match="recorded is 000"):
        install(wheel, "0" * 64, tmp_path / "releases", "python", False, played())


@pytest.mark.parametrize("feature", ["faults", "wrong-rules"])
def test_given_the_fault_wheel_on_a_real_network_then_it_is_refused(
    feature: str, wheel: Path, tmp_path: Path
) -> None:
    releases, sha256 = tmp_path / "releases", wheel_hash(wheel)
    with pytest.raises(ReleaseRefused, match="not marked as a test network"):
        install(wheel, sha256, releases, "python", False, played([feature]))
    assert list(releases.iterdir()) == []
    assert install(wheel, sha256, releases, "python", True, played([feature]))[0]
    with pytest.raises(ReleaseRefused, match="not marked as a test network"):
        install(wheel, sha256, releases, "python", False, played([feature]))


def test_given_a_wheel_that_does_not_say_how_it_was_built_then_it_is_refused(
    wheel: Path, tmp_path: Path
) -> None:
    def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
        return "" if "install" in command else '{"version": "4.0.0"}'

    with pytest.raises(ReleaseRefused, match="does not say how it was built"):
        install(wheel, wheel_hash(wheel), tmp_path / "releases", "python", True, run)


@pytest.fixture
def release(wheel: Path, tmp_path: Path) -> Path:
    """An installed release."""
    install(wheel, wheel_hash(wheel), tmp_path / "releases", "python", False, played())
    return tmp_path / "releases" / wheel_hash(wheel)


def flip_a_byte(release: Path) -> None:
    native = release / "coinjecture/_core.abi3.so"
    native.write_bytes(bytes([native.read_bytes()[0] ^ 1]) + native.read_bytes()[1:])


def link_a_file(release: Path) -> None:
    source = release / "coinjecture.py"
    source.rename(release.parent / "moved.py")
    source.symlink_to(release.parent / "moved.py")


def replace_the_wheel(release: Path) -> None:
    (wheel,) = release.glob("*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more.py", "")
    (release / "more.py").touch()


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a flipped byte": (flip_a_byte, "coinjecture/_core.abi3.so has other bytes"),
    "a missing file": (lambda release: (release / "coinjecture.py").unlink(), "coinjecture.py is missing"),
    "a file too much": (
        lambda release: (release / "sitecustomize.py").touch(),
        "sitecustomize.py does not belong",
    ),
    "a compiled file": (
        lambda release: (
            (release / "__pycache__").mkdir(),
            (release / "__pycache__/a.cpython-311.pyc").touch(),
        ),
        "__pycache__/a.cpython-311.pyc does not belong there",
    ),
    "a link": (link_a_file, "coinjecture.py is a link"),
    "another wheel": (replace_the_wheel, "is not the wheel that the release is named after"),
    "no wheel": (lambda release: next(release.glob("*.whl")).unlink(), "keeps 0 wheels"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_given_a_release_that_is_not_its_wheel_any_more_then_the_file_is_named_and_it_is_installed_anew(
    wheel: Path, release: Path, damage: str
) -> None:
    assert compare(release) == {"wheel": str(release / wheel.name), "differs": []}
    change, words = DAMAGES[damage]
    change(release)
    assert words in compare(release)["differs"][0]
    assert install(wheel, release.name, release.parent, "python", False, played())[0]
    assert compare(release)["differs"] == []
    assert [path.name for path in release.parent.iterdir() if path.name != "moved.py"] == [release.name]


def test_given_a_link_in_the_place_of_a_release_then_it_is_no_release_and_its_target_stays(
    wheel: Path, release: Path, tmp_path: Path
) -> None:
    release.rename(tmp_path / "elsewhere")
    release.symlink_to(tmp_path / "elsewhere")
    assert compare(release)["differs"] == [f"{release} is a link"]
    assert install(wheel, release.name, release.parent, "python", False, played())[0]
    assert not release.is_symlink()
    assert (tmp_path / "elsewhere/coinjecture.py").exists()


def test_given_the_wheel_of_this_clone_then_what_its_installer_leaves_is_the_wheel_and_nothing_else(
    tmp_path: Path,
) -> None:
    wheel = next((Path(__file__).resolve().parents[2] / "build/wheels/local").glob("*.whl"), None)
    if wheel is None:
        pytest.skip("make setup builds a wheel")
    assert install(wheel, wheel_hash(wheel), tmp_path, sys.executable, False)[0]
    assert compare(tmp_path / wheel_hash(wheel))["differs"] == []


def test_given_many_differences_then_the_first_are_named_and_the_rest_counted(release: Path) -> None:
    for number in range(9):
        (release / f"extra{number}.py").touch()
    assert len(compare(release)["differs"]) == 6
    assert compare(release)["differs"][-1] == "and 4 more"


def test_given_an_interrupted_installation_then_the_next_one_begins_anew(wheel: Path, tmp_path: Path) -> None:
    releases, sha256 = tmp_path / "releases", wheel_hash(wheel)
    with pytest.raises(ReleaseRefused, match="disk full"):
        install(wheel, sha256, releases, "python", False, played(pip_fails=True))
    assert not (releases / sha256).exists()
    assert install(wheel, sha256, releases, "python", False, played())[0]
    assert [path.name for path in releases.iterdir()] == [sha256]


def test_given_a_release_then_current_points_to_it_in_one_step(tmp_path: Path) -> None:
    current = tmp_path / "current"
    assert switch(current, tmp_path / "one")
    assert switch(current, tmp_path / "two")
    assert not switch(current, tmp_path / "two")
    assert current.readlink() == tmp_path / "two"
    assert [path.name for path in tmp_path.iterdir()] == ["current"]


def test_given_a_folder_in_the_place_of_the_link_then_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    with pytest.raises(ReleaseRefused, match="is not a link"):
        switch(tmp_path / "current", tmp_path / "one")
