"""Every file that root reads beside the node's user: laid down as a trap, it hangs and breaks no play."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from node_state import read_mode_file, read_replay
from operation import read as read_operation
from operator_lock import LockFile


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


TRAPS = [a_deep_one, a_pipe, an_endless_one, a_large_one, one_of_numbers_that_are_none]
READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "mode file": ("mode.json", lambda path: read_mode_file(path)[0] is None and read_mode_file(path)[1]),
    "replay": ("replay.json", lambda path: str(path) in read_replay(path)),
    "operation": ("operation.json", lambda path: str(path) in (read_operation(path) or {})["damaged"]),
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
