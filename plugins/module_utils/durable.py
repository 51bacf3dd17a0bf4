"""Writing what must survive a power cut: whole or not at all, and on the disk when a call returns.

A file is written beside its place, brought to the disk, renamed, and then its folder is brought to the
disk too: a rename that is not, is forgotten. No link is followed, neither to the file nor to the one beside.

Pure standard library without any import of its own siblings: the wrapper on a node has this very file, and
any other program can be given it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FRESH = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = b"\0" * 65_536

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What a disk says that is full, or full for this user."""


class NotSettledError(OSError):
    """What was asked is done, but the folder refused to say that it will be so after a power cut."""


def replace(path: Path, content: bytes | str, mode: int = 0o644, reserve: Path | None = None) -> None:
    """Give a file this content; whoever reads it meanwhile sees the old one or the new one.

    Args:
        path: The file; its folder is there.
        content: Bytes, or text that becomes UTF-8.
        mode: Its permissions.
        reserve: A file that is given up where there is no room for this one, see `keep_reserve`.

    Raises:
        NotSettledError: The new content is there, and perhaps not after a power cut.
        OSError: The disk refused; the old file stands, and nothing else is left behind.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _replace(path, data, mode)
    except OSError as error:
        if reserve is None or error.errno not in NO_ROOM or not remove(reserve):
            raise
        _replace(path, data, mode)


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """As `replace`, for content that is written piece by piece; an exception leaves the old file.

    Raises:
        NotSettledError: As `replace`.
        OSError: As `replace`.
    """
    beside = f".{path.name}.new"
    with _opened(path.parent) as folder:
        with suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=folder)  # of a run that was cut off
        try:
            with os.fdopen(os.open(beside, _FRESH, 0o600, dir_fd=folder), "w+b") as file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            os.rename(beside, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise
        _settle(folder, path)


def link(path: Path, target: Path | str) -> None:
    """Point a link there; whoever follows it meanwhile comes to the old place or the new one."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    rename(beside, path)


def rename(old: Path, new: Path) -> None:
    """Give a file or folder another name, for good."""
    old.rename(new)
    sync(new.parent)
    if old.parent != new.parent:
        sync(old.parent)


def remove(path: Path) -> bool:
    """Take a file away, for good; says whether there was one.

    Raises:
        NotSettledError: It is gone, and perhaps back after a power cut.
        OSError: The disk refused; the file stands.
    """
    with _opened(path.parent) as folder:
        try:
            os.unlink(path.name, dir_fd=folder)
        except FileNotFoundError:
            return False
        _settle(folder, path)
    return True


def make_folder(path: Path) -> None:
    """Make a folder, if there is none, so that it is there after a power cut.

    Raises:
        OSError: The disk refused, or something else has that name.
    """
    try:
        path.mkdir(0o755)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    sync(path.parent)


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    with _opened(folder) as handle:
        os.fsync(handle)


def read(path: Path, limit: int) -> bytes:
    """The content of a regular file; no link is followed, and nothing else in its place is waited for.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read, is no regular file, or has more than `limit` bytes.
    """
    with reading(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
    return content


@contextmanager
def reading(path: Path, limit: int) -> Iterator[BinaryIO]:
    """As `read`, for content that is read piece by piece. It may grow beyond the limit meanwhile.

    Raises:
        FileNotFoundError, OSError: As `read`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        if found.st_size > limit:
            raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
        yield file


def appending(path: Path) -> int:
    """A descriptor for writing behind the end of a file, for this process alone until it is closed.

    Raises:
        BlockingIOError: Another process has it.
        OSError: There is none, or it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def set_aside(path: Path, aside: Path) -> None:
    """Give what is there another name, in place of what had that one, for good; a link is moved itself."""
    path.rename(aside)
    sync(aside.parent)


def keep_reserve(path: Path, size: int) -> bool:
    """Have a file of so many bytes that `replace` may give up on a full disk; says whether it is there.

    It holds real bytes. Where there is no room for it, nothing is left of the attempt.
    """
    try:
        if path.stat().st_size >= size:
            return True
    except FileNotFoundError:
        pass
    try:
        with replacing(path, 0o600) as file:
            for _ in range(0, size, len(_PIECE)):
                file.write(_PIECE)
    except OSError as error:
        if error.errno in NO_ROOM:
            return False
        raise
    return True


def _replace(path: Path, data: bytes, mode: int) -> None:
    with replacing(path, mode) as file:
        file.write(data)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, _FOLDER)
    try:
        yield handle
    finally:
        os.close(handle)


def _settle(folder: int, path: Path) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        raise NotSettledError(error.errno, f"not settled: {error.strerror}", str(path)) from error
