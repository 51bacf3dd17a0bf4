"""Reading and saving a node's chain database without ever changing it.

The log of the reference node is append-only: sequence, raw bytes, receipt time. The
database is opened read-only through SQLite's own interface, so a running node is not
disturbed, and a copy is taken by SQLite's online backup, never by copying files.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

try:
    from ansible.module_utils.parity_domain import out_of_domain
except ImportError:  # outside of Ansible, in the tests
    from parity_domain import out_of_domain

LISTED_AT_MOST = 20


class ChainUnreadable(Exception):
    """The database is missing or damaged; the message says where."""


def open_read_only(database: Path) -> sqlite3.Connection:
    """Open the database so that nothing can be written to it."""
    if not database.is_file():
        raise ChainUnreadable(f"{database} is not there")
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        connection.execute("PRAGMA query_only = 1")
    except sqlite3.Error as error:
        raise ChainUnreadable(f"{database} cannot be opened: {error}") from error
    return connection


def check(database: Path, log_query: str) -> dict[str, Any]:
    """Check the database's integrity and every stored block against the parity domain.

    Args:
        database: The chain database.
        log_query: Gives (sequence, raw bytes) of every stored block in order.

    Returns:
        ``rows``, ``integrity`` (``ok``, or what SQLite says), ``out_of_domain`` (how many)
        and ``examples`` (at most 20 of them with their sequence and reason).

    Raises:
        ChainUnreadable: It cannot be read to its end.
    """
    rows, outside, examples = 0, 0, []
    with closing(open_read_only(database)) as connection:
        try:
            integrity = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            for sequence, raw in _log(connection, log_query):
                rows += 1
                if reason := out_of_domain(raw):
                    outside += 1
                    examples += (
                        [{"sequence": sequence, "reason": reason}] if outside <= LISTED_AT_MOST else []
                    )
        except sqlite3.Error as error:
            raise ChainUnreadable(f"{database} is damaged after {rows} stored blocks: {error}") from error
    return {"rows": rows, "integrity": integrity, "out_of_domain": outside, "examples": examples}


def back_up(database: Path, copy: Path) -> dict[str, Any]:
    """Copy the database while the node runs, and verify the copy before it gets its name.

    Returns:
        ``rows`` of every table in the copy, its ``sha256`` and ``bytes``.

    Raises:
        ChainUnreadable: The copy is damaged or lacks rows that were there when it began.
    """
    partial = copy.with_name(copy.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        with closing(open_read_only(database)) as source, closing(sqlite3.connect(partial)) as target:
            before = _row_counts(source)
            source.backup(target, pages=4096)
            integrity = str(target.execute("PRAGMA integrity_check(1)").fetchone()[0])
            rows = _row_counts(target)
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise ChainUnreadable(f"the backup of {database} failed: {error}") from error
    if integrity != "ok" or any(rows.get(table, -1) < count for table, count in before.items()):
        partial.unlink(missing_ok=True)
        raise ChainUnreadable(f"the backup is not whole: {integrity}; rows {rows}, before {before}")
    with partial.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        os.fsync(handle.fileno())
    partial.chmod(0o640)
    partial.replace(copy)
    return {"rows": rows, "sha256": digest, "bytes": copy.stat().st_size}


def _log(connection: sqlite3.Connection, query: str) -> Iterator[tuple[int, bytes]]:
    for sequence, raw in connection.execute(query):
        yield int(sequence), raw.encode("utf-8") if isinstance(raw, str) else bytes(raw)


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows of every table, in one read transaction."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    counts = {}
    for (name,) in names:
        quoted = '"' + name.replace('"', '""') + '"'
        counts[name] = int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])  # noqa: S608
    return counts
