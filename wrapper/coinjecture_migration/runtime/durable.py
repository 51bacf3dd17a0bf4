"""Files that must survive power: written whole or not at all, and on the disk before anybody relies on them.

Pure standard library without any import of its own siblings, so that any program can carry a copy of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What a disk says that is full, or full for this user."""


class NotSettled(OSError):
    """The new content is in place, but the folder refused to say that it will be after a power cut."""


def replace(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Make a file hold this content: after a power cut it is the old file or the new one, whole.

    Nothing is followed: a link in the way, of the new file or of the old, is replaced and not written
    through.

    Args:
        path: The file; its folder must exist.
        content: All of it.
        mode: Permissions of the new file, whatever the umask.

    Raises:
        NotSettled: The new content is there, and perhaps not after a power cut.
        OSError: The disk refused; the old file stands, and nothing else is left behind.
    """
    new = path.name + ".new"
    with _folder(path.parent) as folder:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)  # of a process that was killed here
        try:
            _write_new(folder, new, content, mode)
            os.replace(new, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(new, dir_fd=folder)
            raise
        _settle(folder, path)


def remove(path: Path) -> None:
    """Take a file away for good, if it is there.

    Raises:
        NotSettled: It is gone, and perhaps back after a power cut.
        OSError: The disk refused; the file stands.
    """
    with _folder(path.parent) as folder:
        try:
            os.unlink(path.name, dir_fd=folder)
        except FileNotFoundError:
            return
        _settle(folder, path)


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
    with _folder(path.parent) as folder:
        os.fsync(folder)


def read(path: Path, limit: int) -> bytes:
    """The content of a regular file; no link is followed, and nothing else in its place is waited for.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read, is no regular file, or has more than `limit` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
    return content


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_new(folder: int, name: str, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def _settle(folder: int, path: Path) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        raise NotSettled(error.errno, f"not settled: {error.strerror}", str(path)) from error
