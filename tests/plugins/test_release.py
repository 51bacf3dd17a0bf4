"""A release appears whole or not at all, and a fault wheel never where users are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from release import ReleaseRefused, install, switch, wheel_hash


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A file that stands for a wheel; what pip and the probe do with it is played."""
    path = tmp_path / "coinjecture-4.0.0-cp311-abi3-linux_x86_64.whl"
    path.write_bytes(b"wheel")
    return path


def played(features: Sequence[str] = (), pip_fails: bool = False) -> Callable[..., str]:
    """A pip that unpacks one file, and a native module built with ``features``."""

    def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
        if "install" not in command:
            assert (Path(environment["PYTHONPATH"]) / "coinjecture.py").exists()
            return json.dumps({"version": "4.0.0", "features": list(features)})
        (Path(command[command.index("--target") + 1]) / "coinjecture.py").touch()
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
    assert (releases / sha256 / wheel.name).read_bytes() == b"wheel"
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
