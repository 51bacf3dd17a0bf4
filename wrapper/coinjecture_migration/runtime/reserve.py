"""Room kept free on a disk, for what must still be written when it is full.

Pure standard library without any import of its own siblings, so that any program can carry a copy of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from coinjecture_migration.runtime import durable

SIZE = 512 * 1024
STEP = 64 * 1024
"""Given back at once: a mode file, or one transaction of the evidence with its log."""
BLOCK = 4096

Result = TypeVar("Result")


class Reserve:
    """A file of real bytes that gives way, step by step, to what has to be written.

    No method raises: a reserve that cannot be had is one that is empty.

    Args:
        path: The file; nothing else uses it.
        size: Bytes kept when there is room.
    """

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path, self._size = path, size

    @property
    def held(self) -> int:
        """Bytes kept now."""
        try:
            return self._path.lstat().st_size
        except OSError:
            return 0

    def fill(self) -> bool:
        """Take room up to the whole size, as far as there is any; returns whether it is whole."""
        if self.held >= self._size:
            return True
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, 0o600)
        except OSError:
            return False
        try:
            while (missing := self._size - os.fstat(descriptor).st_size) > 0:
                os.write(descriptor, os.urandom(min(missing, BLOCK)))  # zeros may take no room
            os.fsync(descriptor)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def spend(self) -> bool:
        """Give back one step, at last the file itself; returns False where nothing was left."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            if (held := os.fstat(descriptor).st_size) == 0:
                self._path.unlink()
                return True
            os.ftruncate(descriptor, max(held - STEP, 0))
            os.fsync(descriptor)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def make_room_for(self, work: Callable[[], Result], is_full: Callable[[Exception], bool]) -> Result:
        """Do a piece of work; where the disk is full, again with one more step given back.

        Args:
            work: What writes; it may be done several times, and each time but the last it raised.
            is_full: Whether what it raised means a full disk.

        Raises:
            Exception: What the work raised, with nothing left to give back or for another reason.
        """
        try:
            while True:
                try:
                    return work()
                except Exception as error:
                    if not (is_full(error) and self.spend()):
                        raise
        finally:
            self.fill()  # what the work did not need


def no_room(error: Exception) -> bool:
    """Whether an error of the system says that the disk is full."""
    return isinstance(error, OSError) and error.errno in durable.NO_ROOM
