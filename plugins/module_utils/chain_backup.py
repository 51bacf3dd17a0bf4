"""A copy of the chain in root's own folder, of a database that belongs to the node's user.

The database is opened and copied with the rights of the node's user, into a folder of its own. What root then
takes from there are bytes: read by descriptor, without following a link, and only those that were verified.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Any

from . import as_user, durable
from .bounded_reader import UnreadableError, folder, names, stream
from .chain_store import ChainUnreadableError, keep
from .operator_folder import BACKUPS, OperatorFolder

MAX_SECONDS = 3600.0
MAX_BYTES = 2**40


def take(
    database: Path, name: str, operator: OperatorFolder, user: str, limit: float = 1800.0, hold: float = 2.0
) -> dict[str, Any] | None:
    """Keep a verified copy of the chain as ``backups/<name>``; None where one is there already.

    Args:
        database: The chain database of the node's user, or another file of its data.
        name: The copy's name.
        operator: Where root writes on the node; made where it is missing.
        user: The node's user.
        limit: Seconds that copying, and then verifying, may take.
        hold: Seconds for which commits of a node with a rollback journal may be held up.

    Returns:
        ``rows`` of every table in the copy, its ``sha256`` and ``bytes``.

    Raises:
        ChainUnreadableError: The copy is damaged, not whole, or another one than was verified.
        OSError: The disk refused, or there is no such user.
    """
    operator.make()
    copy = operator.path / BACKUPS / name
    if copy.exists():
        return None
    scratch = Path(tempfile.mkdtemp(prefix=".chain-", dir=operator.path))
    try:
        if os.geteuid() == 0 and user:
            account = pwd.getpwnam(user)
            os.chown(scratch, account.pw_uid, account.pw_gid)
        made: dict[str, Any] = as_user.call(
            user, lambda: keep(database, scratch / name, limit, hold), 2 * limit + 60
        )
        found = _bring(scratch, name, copy)
        if found != made["sha256"]:
            copy.unlink()
            raise ChainUnreadableError(
                f"the backup of {database} was changed while it was taken; run it again"
            )
    except (as_user.NotDoneError, KeyError, UnreadableError) as error:
        raise ChainUnreadableError(f"no backup of {database}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return made


def progress(database: Path, name: str, operator: OperatorFolder) -> str:
    """How far a copy is that is being taken, by what lies there; empty where none is under way."""
    whole = _size(database) + _size(database.with_name(f"{database.name}-wal"))
    if brought := _size(operator.path / BACKUPS / f".{name}.new"):
        return f"taking over {_mb(brought)} of {_mb(whole)} MB, verified"
    for scratch in operator.path.glob(".chain-*"):
        if copied := _size(scratch / f"{name}.part"):
            done = copied >= _size(database)
            return f"verifying {_mb(copied)} MB" if done else f"copied {_mb(copied)} of {_mb(whole)} MB"
    return ""


def bring_old(operator: OperatorFolder) -> list[str]:
    """Copy backups over that lie in the folder of the node's user; says why the others were left there."""
    operator.make()
    left: list[str] = []
    if operator.old is None:
        return left
    place = operator.old / BACKUPS
    try:
        with folder(place) as handle:
            found = names(handle, place)
    except FileNotFoundError:
        return left
    except UnreadableError as error:
        return [str(error)]
    for name in found:
        try:
            if not (operator.path / BACKUPS / name).exists():
                _bring(place, name, operator.path / BACKUPS / name)
        except (OSError, UnreadableError) as error:
            left.append(str(error))
    return left


def _size(path: Path) -> int:
    """Bytes of a file, 0 where there is none; no link is followed."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"


def _bring(place: Path, name: str, copy: Path) -> str:
    """Copy a file out of a folder of the node's user; returns the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with folder(place) as handle, durable.replacing(copy, 0o600) as file:

        def take_piece(piece: bytes) -> None:
            digest.update(piece)
            file.write(piece)

        stream(handle, name, place / name, take_piece, MAX_BYTES, MAX_SECONDS)
    return digest.hexdigest()
