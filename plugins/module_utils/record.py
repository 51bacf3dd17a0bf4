"""What a node keeps of its migration, packed by root into one archive before it is taken away.

The state folder belongs to the node's user, so every file of it is read as a stranger's: what is no plain
file, or too large, stays out and is named.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

from .bounded_reader import UnreadableError, folder, names, read_at

MAX_FILE = 256 * 1024 * 1024
MAX_TOTAL = 1024 * 1024 * 1024
MAX_DEPTH = 4


def pack(places: list[Path], archive: Path, leave_out: tuple[str, ...]) -> list[str]:
    """Pack folders with their files into a ``.tar.gz`` that only root reads.

    Args:
        places: The folders; one that is not there is left out.
        archive: A file that does not exist yet.
        leave_out: Names of files and folders that stay out.

    Returns:
        What was not packed, and why.

    Raises:
        OSError: The archive cannot be written.
    """
    left: list[str] = []
    handle = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    room = MAX_TOTAL
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
        waiting = [(place, place.name, 0) for place in places]
        while waiting:
            place, name, depth = waiting.pop(0)
            try:
                with folder(place) as inner:
                    for entry in names(inner, place):
                        if entry in leave_out:
                            continue
                        found = os.stat(entry, dir_fd=inner, follow_symlinks=False)
                        if stat.S_ISDIR(found.st_mode) and depth < MAX_DEPTH:
                            waiting.append((place / entry, f"{name}/{entry}", depth + 1))
                            continue
                        try:
                            content = read_at(inner, entry, place / entry, min(MAX_FILE, room), 120)
                        except (FileNotFoundError, UnreadableError) as error:
                            left.append(str(error))
                            continue
                        room -= len(content)
                        tar.addfile(_entry(f"{name}/{entry}", content, found.st_mtime), io.BytesIO(content))
            except FileNotFoundError:
                continue
            except UnreadableError as error:
                left.append(str(error))
    return left


def _entry(name: str, content: bytes, changed: float) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(content), int(changed), 0o644
    return entry
