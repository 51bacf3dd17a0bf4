"""Every file of the wrapper that must survive power is written whole, by one helper, and on the disk."""

import ast
import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.runtime import durable

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, genesis_block
from tests.wrapper.test_hostile_engines import WrongRule

WRAPPER = Path(__file__).parents[2] / "wrapper"
OTHERWISE = {
    "evidence.db": "SQLite syncs it",
    "evidence.db-wal": "SQLite syncs it",
    "evidence.db-shm": "SQLite makes it anew",
    "reserve": "what is in it does not matter; its room is synced",
}
"""Files of the state folder that are not written by the helper, and why."""


class Recorder:
    """What is asked of the system while a file is written, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        real_fsync, real_rename = os.fsync, os.rename

        def fsync(descriptor: int) -> None:
            self.calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
            real_fsync(descriptor)

        def rename(*args: Any, **kwargs: Any) -> None:
            self.calls.append("rename")
            real_rename(*args, **kwargs)

        monkeypatch.setattr(durable.os, "fsync", fsync)
        monkeypatch.setattr(durable.os, "rename", rename)


def test_given_all_that_a_node_writes_when_its_folder_is_listed_then_each_file_is_written_by_the_helper(
    place: Place, rust: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    real = durable.replace

    def replace(path: Path, content: bytes, **more: Any) -> None:
        written.append(str(path.relative_to(place.state)))
        real(path, content, **more)

    monkeypatch.setattr(durable, "replace", replace)
    place.state = place.folder / "state"
    place.state.mkdir()
    place.settings(peers=["http://127.0.0.1:1"])
    rust(WrongRule)
    wrapper = place.start("rust")
    for block in [*chain(25), sealed(genesis_block(), tag=666)]:
        place.judge(wrapper, block)
    sentinel = wrapper._manager.watchers.sentinel
    theirs = {"hash": "ff" * 32, "depth": 10**6, "block": {"index": 0}}
    monkeypatch.setattr(sentinel, "_fetch", lambda _: theirs)
    sentinel.look()
    sentinel.look()
    assert sentinel.latched is not None
    wrapper._manager.evidence.flush()
    found = {str(p.relative_to(place.state)) for p in place.state.rglob("*") if p.is_file()}
    by_helper = found - set(OTHERWISE)
    assert {Path(name).parts[0] for name in by_helper} == {"mode.json", "captures", "forks"}
    assert by_helper == set(written)


def test_given_the_wrapper_s_sources_when_read_then_nothing_but_the_helper_and_the_reserve_writes_files() -> (
    None
):
    writes = {"write_text", "write_bytes", "mkdir", "makedirs", "rename", "touch", "symlink_to"}
    found = []
    for source in sorted(WRAPPER.rglob("*.py")):
        if source.name in ("durable.py", "reserve.py"):
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            opens = name in ("open", "io.open", "os.open", "os.fdopen") and "os.devnull" not in ast.unparse(
                node
            )
            if name.split(".")[-1] in writes or opens or name in ("os.replace", "os.link"):
                found.append(f"{source.name}: {ast.unparse(node)}")
    assert found == []


@pytest.mark.parametrize("there_already", [False, True])
def test_given_a_file_when_replaced_then_content_name_and_folder_are_synced_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there_already: bool
) -> None:
    path = tmp_path / "kept.json"
    if there_already:
        path.write_bytes(b"old")
    recorder = Recorder(monkeypatch)
    durable.replace(path, b"new")
    assert recorder.calls == ["file", "rename", "folder"]
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o644)
    assert [one.name for one in tmp_path.iterdir()] == ["kept.json"]


@pytest.mark.parametrize("in_the_way", ["kept.json", ".kept.json.new"])
def test_given_a_link_in_the_way_when_replaced_then_what_it_points_to_is_not_touched(
    tmp_path: Path, in_the_way: str
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"somebody's")
    (tmp_path / in_the_way).symlink_to(other)
    durable.replace(tmp_path / "kept.json", b"new")
    assert other.read_bytes() == b"somebody's"
    assert (tmp_path / "kept.json").read_bytes() == b"new"
    assert not (tmp_path / "kept.json").is_symlink()


@pytest.mark.parametrize("refuses", ["write", "file", "rename"])
def test_given_a_disk_that_refuses_when_replaced_then_the_old_file_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(b"old")

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable.os, {"write": "fdopen", "file": "fsync", "rename": "rename"}[refuses], refuse)
    with pytest.raises(OSError, match="No space") as refused:
        durable.replace(path, b"new")
    assert not isinstance(refused.value, durable.NotSettledError)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("kept.json", b"old")]


@pytest.mark.parametrize("what", ["replace", "remove"])
def test_given_a_folder_that_cannot_be_synced_when_a_file_changes_then_that_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(b"old")
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(durable.os, "fsync", fsync)
    with pytest.raises(durable.NotSettledError):
        durable.replace(path, b"new") if what == "replace" else durable.remove(path)


@pytest.mark.parametrize("what", ["fifo", "folder", "link", "large"])
def test_given_something_else_than_a_small_file_when_read_then_it_is_refused_at_once(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "kept.json"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to(tmp_path / "other")
        (tmp_path / "other").write_bytes(b"{}")
    else:
        path.write_bytes(b"x" * 101)
    with pytest.raises(OSError):
        durable.read(path, 100)


def test_given_no_folder_when_made_then_the_one_above_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    durable.make_folder(tmp_path / "captures")
    durable.make_folder(tmp_path / "captures")
    assert ((tmp_path / "captures").is_dir(), recorder.calls) == (True, ["folder"])
