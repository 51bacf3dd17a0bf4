"""In whose folder a file lies, and changing it with no more rights than that.

Root changes files beside the node, in folders that may belong to the node's user. Whoever owns a folder on
the way to a file decides where its name leads, so the change is made with the rights of that user alone: it
can reach what that user can reach, and nothing of root's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import as_user, durable
from .bounded_reader import UnreadableError, folder

LONGEST_CHANGE = 60.0
"""Seconds that one change may take."""


def rights(place: Path) -> tuple[int, int] | None:
    """The user and group of the first folder on the way to ``place``, itself included, that is not root's.

    None where all of them are root's, and where we are not root.

    Raises:
        OSError: One of root's may be changed by a group or by everybody, so nobody knows whose it is.
    """
    if os.geteuid() != 0:
        return None
    met: list[os.stat_result] = []
    try:
        with folder(place, met):
            pass
    except (FileNotFoundError, UnreadableError):
        pass  # what lies further on is that owner's to make, and the change itself fails where it is not
    for found in met:
        if found.st_uid != 0:
            return found.st_uid, found.st_gid
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX:
            raise OSError(f"a folder on the way to {place} can be changed by others than its owner, root")
    return None


def act(place: Path, change: Callable[[], Any]) -> Any:
    """What ``change``, which works in the folder ``place``, returns; a value of JSON.

    Raises:
        OSError: The disk refused, or the folder's owner may not do it.
    """
    who = rights(place)
    if who is None:
        return change()
    try:
        return as_user.call_as(who, change, LONGEST_CHANGE)
    except as_user.NotDoneError as error:
        raise OSError(f"{place}, as user {who[0]}: {error}") from error


def of_root(place: Path) -> None:
    """Refuse a place in which root is to keep what nobody else may change.

    Raises:
        OSError: A folder on the way to it belongs to another user, who could change what root keeps there.
    """
    if (who := rights(place)) is not None:
        raise OSError(
            f"{place} lies in a folder of user {who[0]}, who could change what root keeps there;"
            " give that folder to root, or name another one in the inventory"
        )


def rewrite(path: Path, content: bytes, model: Path | None = None) -> None:
    """Replace a file with its folder's owner's rights; its mode stays, and its owner as far as we may say.

    Args:
        path: The file.
        content: Its new content.
        model: Whose mode and owner a file gets that is not there yet; without one only its owner reads it.

    Raises:
        OSError: The disk refused; the old file stands.
    """
    kept = None if model is None else model.stat()

    def change() -> None:
        found = path.stat() if path.is_file() and not path.is_symlink() else kept
        with durable.replacing(path, found.st_mode & 0o7777 if found else 0o600) as file:
            file.write(content)
            if found and os.geteuid() == 0:
                os.fchown(file.fileno(), found.st_uid, found.st_gid)

    act(path.parent, change)
