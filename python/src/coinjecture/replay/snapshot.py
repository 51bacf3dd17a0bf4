"""A node's database as replay reads it: a consistent copy, so the node's own file is never written to."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from coinjecture.replay.errors import BadInput

ROWS_AT_ONCE = 500
MEND = "restore it from a backup and run again"


@dataclass(frozen=True, slots=True)
class Row:
    """A block of the log: its sequence, its bytes, and when it was received (seconds since the epoch)."""

    sequence: int
    raw: bytes
    received_at: float


@contextmanager
def snapshot(database: Path) -> Iterator[Path]:
    """Copy a database, which may be in use, into a temporary file, for as long as the context lasts.

    Raises:
        BadInput: There is no such database, or it cannot be read.
    """
    if not database.is_file():
        raise BadInput(f"{database}: no such file; name a node's chain.db")
    with tempfile.TemporaryDirectory(prefix="coinjecture-replay-") as folder:
        copy = Path(folder) / "chain.db"
        try:
            with closing(_read_only(database)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as error:
            raise BadInput(f"{database}: cannot be copied: {error}; {MEND}") from error
        yield copy


def _read_only(database: Path) -> sqlite3.Connection:
    """Open without the right to write, the log of a node that is running included."""
    uri = database.resolve().as_uri()
    log = database.with_name(database.name + "-wal")
    if log.exists() and log.stat().st_size:
        return sqlite3.connect(f"{uri}?mode=ro", uri=True)
    # Nobody has a log open: without it a read-only folder would do, and no file is made beside the database.
    return sqlite3.connect(f"{uri}?immutable=1", uri=True)


def count(copy: Path, database: Path) -> int:
    """How many blocks the log has; ``database`` is named in errors.

    Raises:
        BadInput: It is no node's database.
    """
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as connection:
            rows: int = connection.execute("SELECT COUNT(*) FROM blocks").fetchone()[0]
    except sqlite3.Error as error:
        raise BadInput(f"{database}: no log of blocks in it: {error}; name a node's chain.db") from error
    return rows


def rows(copy: Path, database: Path, stop: int | None = None) -> Iterator[Row]:
    """The blocks of a copy in the order of their sequence, at most ``stop`` of them.

    Raises:
        BadInput: It is damaged; the message names the block by its sequence.
    """
    last = read = 0
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as connection:
        while stop is None or read < stop:
            limit = ROWS_AT_ONCE if stop is None else min(ROWS_AT_ONCE, stop - read)
            try:
                page = connection.execute(
                    "SELECT seq, hash, raw, received_at FROM blocks WHERE seq > ? ORDER BY seq LIMIT ?",
                    (last, limit),
                ).fetchall()
            except sqlite3.Error as error:
                bad = _first_unreadable(connection, last)
                raise BadInput(f"{database}: block {bad} is damaged: {error}; {MEND}") from error
            if not page:
                return
            for last, named, raw, received_at in page:
                yield _checked(database, last, named, raw, received_at)
            read += len(page)


def _first_unreadable(connection: sqlite3.Connection, last: int) -> int:
    """Sequence of the first block after ``last`` that cannot be read."""
    while True:
        try:
            row = connection.execute(
                "SELECT seq, hash, raw, received_at FROM blocks WHERE seq > ? ORDER BY seq LIMIT 1", (last,)
            ).fetchone()
        except sqlite3.Error:
            return last + 1
        if row is None:
            return last + 1
        last = row[0]


def _checked(database: Path, sequence: int, named: object, raw: object, received_at: object) -> Row:
    def damaged(what: str) -> BadInput:
        return BadInput(f"{database}: block {sequence} is damaged: {what}; {MEND}")

    if not isinstance(raw, bytes) or not isinstance(received_at, float | int):
        raise damaged("it has no bytes or no receipt time")
    try:
        block = json.loads(raw.decode())
        if json.dumps(block["block_hash"]) != named:
            raise damaged("it is stored under another hash than it has")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(f"its bytes are no block ({error!r})") from error
    return Row(sequence, raw, float(received_at))
