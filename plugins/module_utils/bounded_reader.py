"""Reading what another user may have laid down, without being led, held up or flooded by it.

Root reads files here that lie in a folder of the node's user. Such a file may be a link, a pipe, a
device, endless, or JSON that breaks a parser; each of these is one error, `UnreadableError`, which names the
file. Folders are opened one inside the other by descriptor, so no name is looked up twice.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_NAMES = 100_000
MAX_SECONDS = 20.0
CHUNK = 1024 * 1024

_MAX_LINKS = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class UnreadableError(Exception):
    """What lies there is not read; the message names it and says why."""


@contextmanager
def folder(path: Path, met: list[os.stat_result] | None = None) -> Iterator[int]:
    """Open a folder by descriptor; a link on the way counts only where no other user can have laid it.

    Args:
        path: The folder.
        met: Gets what every folder on the way is, the root of the file system first.

    Raises:
        FileNotFoundError: It is not there.
        UnreadableError: Something on the way is no folder, or a link that somebody else may have laid.
    """
    handle = os.open("/", _FOLDER)
    names = list(reversed(path.absolute().parts[1:]))
    links = 0
    met = [] if met is None else met
    try:
        while names:
            met.append(os.fstat(handle))
            name = names.pop()
            try:
                inner = os.open(name, _FOLDER, dir_fd=handle)
            except FileNotFoundError:
                raise
            except OSError as error:
                target = _trusted_link(handle, name) if links < _MAX_LINKS else None
                if target is None:
                    raise UnreadableError(f"{path}: {name} is no folder ({error.strerror})") from error
                links += 1
                names += reversed([part for part in Path(target).parts if part != "/"])
                inner = os.open("/" if target.startswith("/") else ".", _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        met.append(os.fstat(handle))
        yield handle
    finally:
        os.close(handle)


def read_bytes(
    path: Path, limit: int = MAX_BYTES, seconds: float = MAX_SECONDS, owner: int | None = None
) -> bytes:
    """The content of a regular file.

    Args:
        path: The file.
        limit: Bytes that it may have.
        seconds: How long reading it may take.
        owner: Whose it has to be, where that is known.

    Raises:
        FileNotFoundError: It is not there.
        UnreadableError: It is a link, no regular file, too large, too slow, or not of its folder's owner.
    """
    with folder(path.parent) as handle:
        return read_at(handle, path.name, path, limit, seconds, owner)


def read_at(
    handle: int,
    name: str,
    path: Path,
    limit: int = MAX_BYTES,
    seconds: float = MAX_SECONDS,
    owner: int | None = None,
) -> bytes:
    """As `read_bytes`, of a file by its name in an open folder; ``path`` is for messages."""
    content = bytearray()
    stream(handle, name, path, content.extend, limit, seconds, owner)
    return bytes(content)


def stream(
    handle: int,
    name: str,
    path: Path,
    take: Callable[[bytes], Any],
    limit: int = MAX_BYTES,
    seconds: float = MAX_SECONDS,
    owner: int | None = None,
) -> os.stat_result:
    """Hand the content of a file to ``take`` piece by piece; returns what the file was when it was opened.

    Raises:
        FileNotFoundError: As `read_bytes`.
        UnreadableError: As `read_bytes`.
    """
    try:
        descriptor = os.open(name, _FILE, dir_fd=handle)
    except FileNotFoundError:
        raise
    except OSError as error:
        why = "it is a link" if error.errno == errno.ELOOP else str(error.strerror)
        raise UnreadableError(f"{path}: {why}; it is not read") from error
    try:
        found = os.fstat(descriptor)
        _check(os.fstat(handle), found, path, limit)
        if owner not in (None, found.st_uid):
            raise UnreadableError(
                f"{path}: it belongs to user {found.st_uid} instead of {owner}; it is not read"
            )
        deadline, total = time.monotonic() + seconds, 0
        while piece := os.read(descriptor, CHUNK):
            total += len(piece)
            if total > limit:
                raise UnreadableError(f"{path}: more than {limit} bytes; it is not read")
            if time.monotonic() > deadline:
                raise UnreadableError(f"{path}: reading it takes more than {seconds:g} s")
            take(piece)
        return found
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from error
    finally:
        os.close(descriptor)


def read_text(path: Path, limit: int = MAX_BYTES, owner: int | None = None) -> str:
    """The text of a regular file in UTF-8.

    Raises:
        FileNotFoundError: As `read_bytes`.
        UnreadableError: As `read_bytes`; also where it is no text.
    """
    try:
        return read_bytes(path, limit, owner=owner).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: it is no text ({error.reason} at byte {error.start})") from error


def read_json(path: Path, limit: int = MAX_BYTES, depth: int = MAX_DEPTH) -> Any:
    """The JSON value in a regular file.

    Raises:
        FileNotFoundError: As `read_bytes`.
        UnreadableError: As `read_bytes`; also where it is no JSON as `parse_json` takes it.
    """
    return parse_json(read_bytes(path, limit), str(path), depth)


def read_object(path: Path, limit: int = MAX_BYTES, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The JSON object in a regular file; anything else there is unreadable too."""
    value = read_json(path, limit, depth)
    if not isinstance(value, dict):
        raise UnreadableError(f"{path}: it is no JSON object")
    return value


def parse_json(text: str | bytes, where: str, depth: int = MAX_DEPTH, finite: bool = True) -> Any:
    """Parse JSON of a stranger: every way in which that fails is one error.

    Args:
        text: The JSON.
        where: Where it comes from, for messages.
        depth: How deep arrays and objects may lie in each other.
        finite: Whether NaN and infinities, which Python writes, are refused.

    Raises:
        UnreadableError: It is no JSON, too deep, or holds a number that is none or is too long.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant if finite else None)
    except (ValueError, RecursionError, MemoryError) as error:
        why = str(error) if isinstance(error, ValueError) else "too deep or too large"
        raise UnreadableError(f"{where}: not JSON ({why})") from None
    if not _is_plain(value, depth, finite):
        raise UnreadableError(f"{where}: its JSON lies more than {depth} deep, or holds an infinite number")
    return value


def names(handle: int, path: Path, suffix: str = "") -> list[str]:
    """Names in an open folder that end so, sorted; hidden ones are left out.

    Raises:
        UnreadableError: There are more than `MAX_NAMES`.
    """
    found: list[str] = []
    with os.scandir(handle) as entries:
        for number, entry in enumerate(entries):
            if number >= MAX_NAMES:
                raise UnreadableError(f"{path} holds more than {MAX_NAMES} names; move some away")
            if entry.name.endswith(suffix) and not entry.name.startswith("."):
                found.append(entry.name)
    return sorted(found)


def _check(parent: os.stat_result, found: os.stat_result, path: Path, limit: int) -> None:
    """Refuse what is no regular file, what is too large, and what its folder's owner could not read.

    The last is a file that came there by another name, such as a hard link: root would tell its content.
    """
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableError(f"{path}: it is no regular file; it is not read")
    if found.st_size > limit:
        raise UnreadableError(f"{path}: {found.st_size} bytes, at most {limit} are read")
    readable = (
        parent.st_uid in (0, found.st_uid)
        or found.st_mode & stat.S_IROTH
        or (found.st_gid == parent.st_gid and found.st_mode & stat.S_IRGRP)
    )
    if not readable:
        raise UnreadableError(f"{path}: it is not the folder's owner's to read; it is not read")


def _trusted_link(handle: int, name: str) -> str | None:
    """Where a link leads that only root, or who reads here, can have laid there; None for anything else."""
    place = os.fstat(handle)
    if place.st_uid not in (0, os.geteuid()) or place.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    try:
        return os.readlink(name, dir_fd=handle)
    except OSError:
        return None


def _is_plain(value: Any, depth: int, finite: bool) -> bool:
    """Whether JSON is not too deep and every number in it is finite; level by level, without recursion."""
    level = [value]
    for _ in range(depth + 1):
        inner: list[Any] = []
        for item in level:
            if finite and isinstance(item, float) and not math.isfinite(item):
                return False
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return True
        level = inner
    return False


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
