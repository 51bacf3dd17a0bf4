"""Reading and saving what a node stores, without ever changing it.

The log of the reference node is append-only: sequence, raw bytes, receipt time. Another node may keep no
log of blocks; then its tables are counted and nothing is said of a chain. The database is opened read-only
through SQLite's own interface, so a running node is not disturbed, and a copy is taken by SQLite's online
backup, never by copying files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from .parity_domain import out_of_domain

LISTED_AT_MOST = 20
ROOM_LEFT = 64 * 2**20
"""Bytes that a copy leaves free on its disk."""


_SQLITE = b"SQLite format 3\0"
_TRIES, _PAUSE = 5, 0.2


class ChainUnreadableError(Exception):
    """The database is missing, damaged or of another shape; the message says which."""


def open_read_only(database: Path) -> sqlite3.Connection:
    """Open the database so that nothing can be written to it."""
    if not database.is_file():
        raise ChainUnreadableError(f"{database} is not there")
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        connection.execute("PRAGMA query_only = 1")
    except sqlite3.Error as error:
        raise ChainUnreadableError(f"{database} cannot be opened: {error}") from error
    return connection


def check(database: Path, log_query: str, needs: Sequence[str] = ()) -> dict[str, Any]:
    """Check the database's integrity and every stored block against the parity domain.

    Args:
        database: The chain database.
        log_query: Gives (sequence, raw bytes) of every stored block in order; empty where the node keeps no
            log of blocks.
        needs: Fields without which a row is no block: nobody could rebuild one from it.

    Returns:
        ``rows``, ``integrity`` (``ok``, or what SQLite says), ``out_of_domain`` (how many)
        and ``examples`` (at most 20 of them with their sequence and reason). Without a log ``tables``, the
        rows of every table.

    Raises:
        ChainUnreadableError: It cannot be read to its end, or the query does not fit its tables.
    """
    rows, outside, examples = 0, 0, []
    with closing(open_read_only(database)) as connection:
        try:
            integrity = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            if not log_query:
                nothing = {"rows": 0, "out_of_domain": 0, "examples": []}
                return {**nothing, "integrity": integrity, "tables": _row_counts(connection)}
            _check_query(connection, database, log_query)
            for sequence, raw in _log(connection, log_query):
                rows += 1
                if reason := out_of_domain(raw) or _lacks(raw, needs):
                    outside += 1
                    examples += (
                        [{"sequence": sequence, "reason": reason}] if outside <= LISTED_AT_MOST else []
                    )
        except sqlite3.Error as error:
            raise ChainUnreadableError(
                f"{database} is damaged after {rows} stored blocks: {error}"
            ) from error
    return {"rows": rows, "integrity": integrity, "out_of_domain": outside, "examples": examples}


def keep(path: Path, copy: Path, limit: float = 1800.0, hold: float = 2.0) -> dict[str, Any]:
    """Copy a file of a running node: a database through SQLite (`back_up`), any other byte for byte.

    Raises:
        ChainUnreadableError: As `back_up`, or the file changes each time it is read.
    """
    try:
        with path.open("rb") as handle:
            is_database = handle.read(len(_SQLITE)) == _SQLITE
    except FileNotFoundError:
        raise ChainUnreadableError(f"{path} is not there") from None
    if is_database:
        return back_up(path, copy, limit, hold)
    _check_room(path, copy)
    for _ in range(_TRIES):
        before, content, after = path.stat(), path.read_bytes(), path.stat()
        is_one = (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        if is_one and len(content) == after.st_size:
            copy.write_bytes(content)
            return {"rows": {}, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        time.sleep(_PAUSE)
    raise ChainUnreadableError(
        f"{path} was changed each of the {_TRIES} times that it was read; run it again"
    )


def back_up(
    database: Path, copy: Path, limit: float = 1800.0, hold: float = 2.0, pages: int = 4096
) -> dict[str, Any]:
    """Copy the database while the node runs, and verify the copy before it gets its name.

    The whole copy is one read transaction, so what the node commits meanwhile never begins it anew. With a
    write-ahead log that holds nobody up. With a rollback journal the node cannot commit while it lasts, so it
    may last only as long as a node bears to wait; a longer one is refused.

    Args:
        database: The chain database.
        copy: Where the copy goes.
        limit: Seconds that copying and verifying may take.
        hold: Seconds for which commits of a node with a rollback journal may be held up.
        pages: So many pages are copied between two looks at the time.

    Returns:
        ``rows`` of every table in the copy, its ``sha256`` and ``bytes``.

    Raises:
        ChainUnreadableError: There is no room or no time for it, or the copy is damaged or lacks rows.
    """
    _check_room(database, copy)
    partial = copy.with_name(copy.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        with closing(open_read_only(database)) as source, closing(sqlite3.connect(partial)) as target:
            before = _copy_at_once(source, target, Deadline(limit, database), hold, pages)
            deadline = Deadline(limit, database)
            target.set_progress_handler(deadline.is_over, 100_000)
            integrity = str(target.execute("PRAGMA integrity_check(1)").fetchone()[0])
            rows = _row_counts(target)
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        why = f"verifying took longer than {limit:g} s" if "interrupted" in str(error) else str(error)
        raise ChainUnreadableError(f"the backup of {database} failed: {why}") from error
    except ChainUnreadableError:
        partial.unlink(missing_ok=True)
        raise
    if integrity != "ok" or rows != before:
        partial.unlink(missing_ok=True)
        raise ChainUnreadableError(f"the backup is not whole: {integrity}; rows {rows}, before {before}")
    with partial.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        os.fsync(handle.fileno())
    partial.chmod(0o640)
    partial.replace(copy)
    return {"rows": rows, "sha256": digest, "bytes": copy.stat().st_size}


class Deadline:
    """When a copy has to be done.

    Args:
        seconds: From now on.
        database: Named in errors.
        why: Why no longer.
    """

    def __init__(self, seconds: float, database: Path, why: str = "") -> None:
        self._end, self._seconds = time.monotonic() + seconds, seconds
        self._database, self._why = database, why

    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._end

    def look(self, _status: int, remaining: int, total: int) -> None:
        """Stop a copy whose time is up; as `sqlite3.Connection.backup` calls it."""
        if remaining and self.is_over():
            raise ChainUnreadableError(
                f"the copy of {self._database} was stopped after {self._seconds:g} s with"
                f" {total - remaining} of {total} pages done{self._why}; nothing was left behind"
            )


def _check_room(database: Path, copy: Path) -> None:
    """Refuse a copy for which the disk has no room."""
    if not database.is_file():
        raise ChainUnreadableError(f"{database} is not there")
    log = database.with_name(database.name + "-wal")
    needed = database.stat().st_size + (log.stat().st_size if log.exists() else 0)
    free = shutil.disk_usage(copy.parent).free
    if free < needed + ROOM_LEFT:
        raise ChainUnreadableError(
            f"{copy.parent} has {free:,} bytes free; the copy of {database} needs {needed:,}, and"
            f" {ROOM_LEFT:,} stay free for the node: make room, then run the same command again"
        )


def _copy_at_once(
    source: sqlite3.Connection, target: sqlite3.Connection, deadline: Deadline, hold: float, pages: int
) -> dict[str, int]:
    """Copy everything within one read transaction; the rows of every table as they are in it."""
    mode = str(source.execute("PRAGMA journal_mode").fetchone()[0])
    if mode != "wal":
        deadline = Deadline(
            hold,
            Path(source.execute("PRAGMA database_list").fetchone()[2]),
            f"; with its journal in mode {mode} the node cannot commit meanwhile, so it may last no longer."
            " Stop the node for the copy, or let it use a write-ahead log (PRAGMA journal_mode=WAL)",
        )
    source.isolation_level = None
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # now the transaction has its snapshot
    source.backup(target, pages=pages, progress=deadline.look)
    if mode != "wal":  # the node has waited long enough: what was copied is counted by itself
        source.execute("COMMIT")
        return _row_counts(target)
    before = _row_counts(source)
    source.execute("COMMIT")
    return before


def _check_query(connection: sqlite3.Connection, database: Path, query: str) -> None:
    """Tell another schema from damage, before a row is read.

    Raises:
        ChainUnreadableError: The query cannot be carried out; the tables that are there are named.
    """
    try:
        connection.execute(f"EXPLAIN {query}").fetchone()
    except sqlite3.OperationalError as error:
        if not any(sign in str(error) for sign in ("no such", "syntax error", "incomplete input")):
            raise
        tables = connection.execute(
            "SELECT name, (SELECT group_concat(name, ', ') FROM pragma_table_info(m.name))"
            " FROM sqlite_master m WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        found = "; ".join(f"{name} ({columns})" for name, columns in tables) or "none"
        raise ChainUnreadableError(
            f"coinjecture_log_query does not fit {database}, which is not damaged: {error}. Its tables:"
            f" {found}. State the query that gives (sequence, raw bytes) of every stored block in order, or"
            " an empty one where the node keeps no log of blocks"
        ) from error


def _lacks(raw: bytes, needs: Sequence[str]) -> str:
    """Why no block can be made of a row's bytes again; empty where one can."""
    block = json.loads(raw) if needs else {}
    missing = [name for name in needs if name not in block]
    return f"no block: it lacks {', '.join(missing)}" if missing else ""


def _log(connection: sqlite3.Connection, query: str) -> Iterator[tuple[int, bytes]]:
    for row in connection.execute(query):
        if len(row) != 2 or not isinstance(row[0], int) or not isinstance(row[1], str | bytes):
            kinds = ", ".join(type(value).__name__ for value in row)
            raise ChainUnreadableError(
                f"coinjecture_log_query gives ({kinds}), and not a sequence number and the bytes of a block"
            )
        yield row[0], row[1].encode("utf-8") if isinstance(row[1], str) else row[1]


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows of every table, in one read transaction."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    counts = {}
    for (name,) in names:
        counts[name] = int(connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0])  # noqa: S608
    return counts


def quoted(name: str) -> str:
    """A name of a table or column for a statement, whatever it is."""
    return '"' + name.replace('"', '""') + '"'
