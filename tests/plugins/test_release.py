"""A release appears whole or not at all, and a fault wheel never where users are."""

from __future__ import annotations

import json
import os
import pwd
import stat
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import wheel_file
from ansible_collections.coinjecture.migration.plugins.module_utils.installed import compare
from ansible_collections.coinjecture.migration.plugins.module_utils.release import (
    BUILD_PROBE,
    TAGS_PROBE,
    Interpreter,
    ReleaseRefusedError,
    install,
    switch,
    wheel_hash,
)

from .conftest import give_to_nobody
from .test_modules import run as run_module
from .wheels import DIST_INFO, RECORD, record, write_wheel

IN_THE_WHEEL = {
    "coinjecture.py": b"RUST = 1\n",
    "coinjecture/_core.abi3.so": b"native",
    f"{DIST_INFO}/WHEEL": b"Wheel-Version: 1.0\n",
}
NAME = "coinjecture-4.0.0-cp311-abi3-linux_x86_64.whl"
TAG = "cp311-abi3-linux_x86_64"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel that no interpreter can import; what the probes say of it is played."""
    return write_wheel(tmp_path / NAME, IN_THE_WHEEL)


def played(features: Sequence[str] = (), tags: Sequence[str] = (TAG,), fails: bool = False) -> Interpreter:
    """An interpreter that takes such wheels, and a native module built with ``features``."""

    def run(command: Sequence[str]) -> str:
        if TAGS_PROBE in command:
            return json.dumps(list(tags))
        assert BUILD_PROBE in command
        assert (Path(command[-1]) / "coinjecture.py").exists()
        if fails:
            raise ReleaseRefusedError("import failed: disk full")
        return json.dumps({"version": "4.0.0", "features": list(features)})

    return Interpreter("python", "", run)


def test_given_a_wheel_then_it_is_installed_under_its_hash_and_kept_beside(
    wheel: Path, tmp_path: Path
) -> None:
    releases, sha256 = tmp_path / "releases", wheel_hash(wheel)
    installed, build = install(wheel, sha256, releases, played(), False)
    assert installed
    assert build["version"] == "4.0.0"
    assert (releases / sha256 / wheel.name).read_bytes() == wheel.read_bytes()
    assert install(wheel, sha256, releases, played(), False)[0] is False


def test_given_other_bytes_then_the_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseRefusedError, match="recorded is 000"):
        install(wheel, "0" * 64, tmp_path / "releases", played(), False)


@pytest.mark.parametrize("feature", ["faults", "wrong-rules"])
def test_given_the_fault_wheel_on_a_real_network_then_it_is_refused(
    feature: str, wheel: Path, tmp_path: Path
) -> None:
    releases, sha256 = tmp_path / "releases", wheel_hash(wheel)
    with pytest.raises(ReleaseRefusedError, match="not marked as a test network"):
        install(wheel, sha256, releases, played([feature]), False)
    assert list(releases.iterdir()) == []
    assert install(wheel, sha256, releases, played([feature]), True)[0]
    with pytest.raises(ReleaseRefusedError, match="not marked as a test network"):
        install(wheel, sha256, releases, played([feature]), False)


def test_given_a_wheel_that_does_not_say_how_it_was_built_then_it_is_refused(
    wheel: Path, tmp_path: Path
) -> None:
    def run(command: Sequence[str]) -> str:
        return json.dumps([TAG]) if TAGS_PROBE in command else '{"version": "4.0.0"}'

    with pytest.raises(ReleaseRefusedError, match="does not say how it was built"):
        install(wheel, wheel_hash(wheel), tmp_path / "releases", Interpreter("python", "", run), True)


@pytest.fixture
def release(wheel: Path, tmp_path: Path) -> Path:
    """An installed release."""
    install(wheel, wheel_hash(wheel), tmp_path / "releases", played(), False)
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
    assert install(wheel, release.name, release.parent, played(), False)[0]
    assert compare(release)["differs"] == []
    assert [path.name for path in release.parent.iterdir() if path.name != "moved.py"] == [release.name]


def test_given_a_link_in_the_place_of_a_release_then_it_is_no_release_and_its_target_stays(
    wheel: Path, release: Path, tmp_path: Path
) -> None:
    release.rename(tmp_path / "elsewhere")
    release.symlink_to(tmp_path / "elsewhere")
    assert compare(release)["differs"] == [f"{release} is a link"]
    assert install(wheel, release.name, release.parent, played(), False)[0]
    assert not release.is_symlink()
    assert (tmp_path / "elsewhere/coinjecture.py").exists()


@pytest.fixture
def open_place(open_folder: Path) -> Path:
    """A folder that every user can enter, with one of the user nobody in it."""
    (open_folder / "nodes").mkdir()
    if os.geteuid() == 0:
        give_to_nobody(open_folder / "nodes")
    return open_folder


def the_wheel_of_this_clone() -> Path:
    wheel = next((Path(__file__).resolve().parents[2] / "build/wheels/local").glob("*.whl"), None)
    if wheel is None:
        pytest.skip("make setup builds a wheel")
    return wheel


def through_the_module(wheel: Path, place: Path, python: str, user: str) -> dict[str, Any]:
    return run_module(
        "wheel_release", wheel=str(wheel), sha256=wheel_hash(wheel), releases=str(place / "releases"),
        current=str(place / "current"), python=python, user=user,
    )  # fmt: skip


def test_given_the_wheel_of_this_clone_then_the_module_installs_the_very_wheel_for_a_real_interpreter(
    tmp_path: Path,
) -> None:
    wheel = the_wheel_of_this_clone()
    said = through_the_module(wheel, tmp_path, sys.executable, "root")
    assert said["changed"] is True, said
    assert said["build"]["features"] == []
    release = tmp_path / "releases" / wheel_hash(wheel)
    assert compare(release) == {"wheel": str(release / wheel.name), "differs": []}
    assert (tmp_path / "current").readlink() == release
    modes = {stat.S_IMODE(path.stat().st_mode) for path in release.rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert through_the_module(wheel, tmp_path, sys.executable, "root")["changed"] is False


FAKE = """#!/bin/sh
id -u >> {nodes}/ran_as
touch {place}/given_away 2>/dev/null
case "$*" in
*sys_tags*) echo '["{tag}"]' ;;
*) echo '{{"version": "4.0.0", "features": []}}' ;;
esac
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a program of another user is made as root")
def test_given_an_interpreter_of_the_nodes_user_then_it_is_never_run_by_root(
    wheel: Path, open_place: Path
) -> None:
    python = open_place / "nodes/python"
    python.write_text(FAKE.format(nodes=python.parent, place=open_place, tag=TAG))
    python.chmod(0o755)
    for _ in ("installed", "there already"):
        said = through_the_module(wheel, open_place, str(python), "nobody")
        assert said["build"]["version"] == "4.0.0", said
    ran_as = set((python.parent / "ran_as").read_text().split())
    assert ran_as == {str(pwd.getpwnam("nobody").pw_uid)}
    assert not (open_place / "given_away").exists()
    owners = {path.stat().st_uid for path in (open_place / "releases").rglob("*")}
    assert owners == {0}


def test_given_an_interpreter_that_prints_without_end_then_the_wheel_is_refused(
    wheel: Path, tmp_path: Path
) -> None:
    endless = tmp_path / "python"
    endless.write_text("#!/bin/sh\nexec cat /dev/zero\n")
    endless.chmod(0o755)
    with pytest.raises(ReleaseRefusedError, match="said too much"):
        install(wheel, wheel_hash(wheel), tmp_path / "releases", Interpreter(str(endless), ""), False)
    assert list((tmp_path / "releases").iterdir()) == []


def test_given_a_wheel_for_another_interpreter_then_it_is_refused(wheel: Path, tmp_path: Path) -> None:
    other = played(tags=["cp312-cp312-linux_x86_64", "py3-none-any"])
    with pytest.raises(ReleaseRefusedError, match=f"is made for {TAG}, which python does not take"):
        install(wheel, wheel_hash(wheel), tmp_path / "releases", other, False)
    assert list((tmp_path / "releases").iterdir()) == []


def test_given_a_wheel_for_several_platforms_then_one_that_is_taken_is_enough() -> None:
    name = "coinjecture-4.0.0-1-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    assert wheel_file.tags(name) == {"cp311-abi3-manylinux_2_17_x86_64", "cp311-abi3-manylinux2014_x86_64"}
    for wrong in ("coinjecture.whl", "coinjecture-4.0.0-cp311-abi3-linux.zip", "a-b-c--e.whl"):
        with pytest.raises(wheel_file.WheelRefusedError, match="no name of a wheel"):
            wheel_file.tags(wrong)


def test_given_many_differences_then_the_first_are_named_and_the_rest_counted(release: Path) -> None:
    for number in range(9):
        (release / f"extra{number}.py").touch()
    assert len(compare(release)["differs"]) == 6
    assert compare(release)["differs"][-1] == "and 4 more"


def test_given_an_interrupted_installation_then_the_next_one_begins_anew(wheel: Path, tmp_path: Path) -> None:
    releases, sha256 = tmp_path / "releases", wheel_hash(wheel)
    with pytest.raises(ReleaseRefusedError, match="disk full"):
        install(wheel, sha256, releases, played(fails=True), False)
    assert not (releases / sha256).exists()
    assert install(wheel, sha256, releases, played(), False)[0]
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
    with pytest.raises(ReleaseRefusedError, match="is not a link"):
        switch(tmp_path / "current", tmp_path / "one")


def crafted(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], listed: dict[str, bytes]) -> Path:
    """A wheel with such entries beside its own, and a record that lists ``listed``."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in IN_THE_WHEEL.items():
            archive.writestr(name, content)
        for entry, content in entries:
            archive.writestr(entry, content)
        archive.writestr(RECORD, record(IN_THE_WHEEL | listed))
    return path


def special(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


CRAFTED: dict[str, tuple[list[tuple[str | zipfile.ZipInfo, bytes]], dict[str, bytes], str]] = {
    "a name from the root": ([("/etc/evil", b"x")], {"/etc/evil": b"x"}, "leads out of the folder"),
    "a name that goes up": ([("../evil", b"x")], {"../evil": b"x"}, "leads out of the folder"),
    "a name that goes up inside": ([("a/../../evil", b"x")], {}, "leads out of the folder"),
    "a name with an empty part": ([("a//evil", b"x")], {}, "leads out of the folder"),
    "a backslash": ([("..\\evil", b"x")], {}, "is no name of a file"),
    "a control character": ([("a\nb", b"x")], {}, "is no name of a file"),
    "a link": ([(special("evil", stat.S_IFLNK | 0o777), b"/etc")], {"evil": b"/etc"}, "is a link"),
    "a device": ([(special("evil", stat.S_IFCHR | 0o666), b"")], {"evil": b""}, "no plain file"),
    "a name twice": ([("coinjecture.py", b"EVIL")], {}, "is in the wheel twice"),
    "a file that is a folder": ([("coinjecture.py/evil", b"x")], {}, "is a file and a folder"),
    "a script": ([("coinjecture-4.0.0.data/scripts/evil", b"x")], {}, "only an installer can place"),
    "a file that is not listed": ([("evil.py", b"x")], {}, "do not name the same files: evil.py"),
    "a listed file that is not there": ([], {"gone.py": b"x"}, "do not name the same files: gone.py"),
    "another file than is listed": ([("a.py", b"x")], {"a.py": b"y"}, "a.py is not what the wheel's RECORD"),
    "a second record": ([("b.dist-info/RECORD", b"")], {}, "2 RECORDs instead of one"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", CRAFTED)
def test_given_a_crafted_wheel_then_it_is_refused_and_nothing_is_left(what: str, tmp_path: Path) -> None:
    entries, listed, words = CRAFTED[what]
    wheel = crafted(tmp_path / NAME, *entries, listed=listed)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ReleaseRefusedError, match=words):
        install(wheel, wheel_hash(wheel), tmp_path / "releases", played(), False)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "releases"])


def test_given_a_wheel_that_unpacks_to_more_than_a_disk_bears_then_it_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel_file, "MAX_BYTES", 10)
    with pytest.raises(ReleaseRefusedError, match="holds more than"):
        install(wheel, wheel_hash(wheel), tmp_path / "releases", played(), False)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\5\6" + b"\0" * 10])
def test_given_no_archive_then_it_is_refused(content: bytes, tmp_path: Path) -> None:
    wheel = tmp_path / NAME
    wheel.write_bytes(content)
    with pytest.raises(ReleaseRefusedError, match="no wheel that can be read"):
        install(wheel, wheel_hash(wheel), tmp_path / "releases", played(), False)


def test_given_a_tight_umask_then_the_nodes_user_can_still_read_the_release(
    wheel: Path, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    try:
        install(wheel, wheel_hash(wheel), tmp_path / "releases", played(), False)
    finally:
        os.umask(before)
    release = tmp_path / "releases" / wheel_hash(wheel)
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [release, *release.rglob("*")]}
    assert modes == {(True, 0o755), (False, 0o644)}
