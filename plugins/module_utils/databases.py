"""Which SQLite files a node keeps, what tables they have, and whether one of them is a log of raw blocks.

Read without a lock and without a write: where nothing waits in a write-ahead log the file is opened as one
that does not change. What is asked for runs with the rights of the node's user, under a limit of time.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from .bounded_reader import UnreadableError, folder, parse_json
from .chain_store import quoted

MAGIC = b"SQLite format 3\0"
ENDINGS = (".db", ".sqlite", ".sqlite3")
MAX_DATABASES = 20
MAX_TABLES = 200
MAX_NAMES = 5000
MAX_DEPTH = 3
MAX_RAW = 1024 * 1024
SECONDS = 5.0
OF_A_CHAIN = ("blocks", "headers")
"""Tables of which a chain's database has one."""
LEFT_OUT = ("__pycache__", "node_modules", "site-packages", "venv", "lib", "lib64")


def candidates(places: Sequence[Path], opened: Iterable[Path]) -> list[Path]:
    """SQLite files in some folders and below, and those that processes have open, each once.

    Args:
        places: Folders.
        opened: Files that are open.
    """
    found = [path for path in opened if _is_database(path)]
    for place in places:
        found += [path for path in sorted(_below(place)) if path not in found and _is_database(path)]
    return list(dict.fromkeys(found))[:MAX_DATABASES]


def _below(place: Path) -> Iterable[Path]:
    waiting, left = [(place, 0)], MAX_NAMES
    while waiting:
        here, depth = waiting.pop(0)
        try:
            with folder(here) as handle, os.scandir(handle) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        return
                    if entry.is_dir(follow_symlinks=False):
                        hidden = entry.name.startswith(".") or entry.name in LEFT_OUT
                        if depth < MAX_DEPTH and not hidden:
                            waiting.append((here / entry.name, depth + 1))
                    elif entry.name.endswith(ENDINGS) and entry.is_file(follow_symlinks=False):
                        yield here / entry.name
        except (OSError, UnreadableError):
            continue


def _is_database(path: Path) -> bool:
    try:
        with folder(path.parent) as handle:
            descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
            try:
                return os.read(descriptor, len(MAGIC)) == MAGIC
            finally:
                os.close(descriptor)
    except (OSError, UnreadableError):
        return False


def described(path: Path) -> dict[str, Any]:
    """A database.

    Returns:
        ``path``, ``tables`` (name, columns and ``rows``, None where counting takes too long), ``log_query``
        (gives sequence and raw bytes of each block; empty where no table is a log of them), ``log_why`` (what
        was seen of that), ``bytes`` and ``error`` (empty where it could be read).
    """
    found: dict[str, Any] = {"path": str(path), "tables": [], "log_query": "", "log_why": "", "error": ""}
    try:
        found["bytes"] = path.stat().st_size
        with closing(_open(path)) as connection:
            found["tables"] = _tables(connection)
            found["log_query"], found["log_why"] = _log(connection, found["tables"])
    except (sqlite3.Error, OSError) as error:
        found["error"] = f"{path}: {error}"
    return found


def _open(path: Path) -> sqlite3.Connection:
    """Open a database without a lock where that is safe; what waits in a log is read along with it."""
    try:
        waits = path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:  # the node has just closed it
        waits = 0
    fixed = "" if waits else "&immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{fixed}", uri=True, timeout=SECONDS)
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA trusted_schema = 0")
    end = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    return connection


def _named(connection: sqlite3.Connection, name: str) -> str:
    """A name for a query that people read: as it is where SQL takes it so, else quoted."""
    try:
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            connection.execute(f"EXPLAIN SELECT 1 AS {name}")
            return name
    except sqlite3.OperationalError:
        pass
    return quoted(name)


def _tables(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' LIMIT ?"
    rows = sorted(connection.execute(query, (MAX_TABLES,)).fetchall())
    found = []
    for (name,) in rows:
        columns = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
        found.append(
            {
                "name": name,
                "columns": [[str(one[1]), str(one[2]).upper(), bool(one[5])] for one in columns],
                "rows": _count(connection, name),
            }
        )
    return found


def _count(connection: sqlite3.Connection, table: str) -> int | None:
    try:
        return int(connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0])  # noqa: S608
    except sqlite3.Error:
        return None


def _log(connection: sqlite3.Connection, tables: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """The query of the one table that is a log of raw blocks, and what was seen of it."""
    found, near = [], []
    for table in tables:
        order = [name for name, kind, key in table["columns"] if key and kind == "INTEGER"]
        held = [name for name, kind, key in table["columns"] if not key and kind in ("BLOB", "TEXT")]
        for column in held if len(order) == 1 else ():
            place, by, raw = (_named(connection, name) for name in (table["name"], order[0], column))
            seen = _holds_blocks(connection, place, by, raw)
            query = f"SELECT {by}, {raw} FROM {place} ORDER BY {by}"  # noqa: S608
            if seen:
                found.append(query)
            elif seen is None and table["name"] in OF_A_CHAIN:
                near.append(query)
    if len(found) == 1:
        return found[0], "the first and the last row hold a whole block as JSON"
    if found:
        return "", f"several could be a log of blocks: {'; '.join(found)}; choose one"
    if len(near) == 1:
        return near[0], "it has no rows yet, so only its columns speak for it"
    return "", "no table numbers its rows and holds a whole block in each"


def _holds_blocks(connection: sqlite3.Connection, table: str, by: str, column: str) -> bool | None:
    """Whether the first and last row hold a block as JSON; None where there are no rows."""
    for order in ("ASC", "DESC"):
        query = f"SELECT substr({column}, 1, ?) FROM {table} ORDER BY {by} {order} LIMIT 1"  # noqa: S608
        row = connection.execute(query, (MAX_RAW + 1,)).fetchone()
        if row is None:
            return None
        if not _is_block(row[0]):
            return False
    return True


def _is_block(raw: Any) -> bool:
    if not isinstance(raw, str | bytes) or len(raw) > MAX_RAW:
        return False
    try:
        value = parse_json(raw, "a row")
    except UnreadableError:
        return False
    return (
        isinstance(value, dict) and "previous_hash" in value and bool({"problem", "block_hash"} & set(value))
    )
