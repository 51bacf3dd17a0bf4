"""Every file that root reads beside the node's user: laid down as a trap, it hangs and breaks no play."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import append
from ansible_collections.coinjecture.migration.plugins.module_utils.journal_file import (
    JournalBrokenError,
    JournalFile,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.node_state import (
    read_mode_file,
    read_replay,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_lock import LockFile
from ansible_collections.coinjecture.migration.plugins.module_utils.pending_operation import (
    read as read_operation,
)


def a_deep_one(path: Path) -> None:
    path.write_text("[" * 60_000)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def an_endless_one(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_large_one(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**10)


def one_of_numbers_that_are_none(path: Path) -> None:
    path.write_text('{"since": 1e999, "pid": NaN}')


def damage(folder: OperatorFolder) -> str:
    """What is wrong with the open operation."""
    return str((read_operation(folder) or {})["damaged"])


def broken(folder: OperatorFolder) -> bool:
    """Whether the journal is called broken and no play writes to it."""
    journal = JournalFile(folder)
    if folder.old is None and not (folder.path / "journal.jsonl").exists():
        line = append("", {"at": 1.0, "who": "x", "why": "x", "what": "restart", "node": "x"})
        (folder.path / "journal.jsonl").write_text(line)
    with pytest.raises(JournalBrokenError):
        journal.append({"at": 1.0, "who": "x", "why": "x", "what": "restart", "node": "x"})
    return journal.read()["broken"] is not None


TRAPS = [a_deep_one, a_pipe, an_endless_one, a_large_one, one_of_numbers_that_are_none]
READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "mode file": ("mode.json", lambda path: read_mode_file(path)[0] is None and read_mode_file(path)[1]),
    "replay": ("replay.json", lambda path: str(path) in read_replay(path)),
    "operation": ("operation.json", lambda path: str(path) in damage(OperatorFolder(path.parent))),
    "operation in the old place": (
        "operation.json",
        lambda path: str(path) in damage(OperatorFolder(path.parent / "operator", path.parent)),
    ),
    "journal": ("journal.jsonl", lambda path: broken(OperatorFolder(path.parent))),
    "journal in the old place": (
        "journal.jsonl",
        lambda path: broken(OperatorFolder(path.parent / "operator", path.parent)),
    ),
    "its head": ("journal.jsonl.head", lambda path: broken(OperatorFolder(path.parent))),
    "lock": ("lock.json", lambda path: LockFile(path.parent).read() is None),
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("what", READERS)
def test_given_a_trap_in_its_place_then_it_is_unreadable_and_nothing_more(
    tmp_path: Path, what: str, trap: Callable[[Path], None]
) -> None:
    name, is_refused = READERS[what]
    trap(tmp_path / name)
    assert is_refused(tmp_path / name)
