"""A node's database as replay reads it: a consistent copy, so the node's own file is never written to."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from coinjecture.replay.errors import BadInputError

ROWS_AT_ONCE, TRIES, PAGES = 500, 3, 4096
LIMIT, HOLD = 1800.0, 2.0
"""Seconds a copy may take, and those for which a node with a rollback journal may wait to commit."""
COLUMNS = ("seq", "hash", "raw", "received_at")
BEFORE_ALL = -(2**63)
"""Before the first sequence: a log may hold rows at and below 0, which a node reads too."""
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
        BadInputError: There is no such database, or it cannot be read.
    """
    if not database.is_file():
        raise BadInputError(f"{database}: no such file; name a node's chain.db")
    with tempfile.TemporaryDirectory(prefix="coinjecture-replay-") as folder:
        copy = Path(folder) / "chain.db"
        try:
            _copy(database, copy)
        except sqlite3.Error as error:
            raise BadInputError(f"{database}: cannot be copied: {error}; {MEND}") from error
        yield copy


def _copy(database: Path, copy: Path) -> None:
    """Copy what is committed, as of one moment, in the way that leaves the database's folder untouched.

    A database that nobody has open is read without any lock, and the copy is only believed if nothing of
    it has moved meanwhile. One with a log is read as its node reads it; a journal that a killed writer left
    is rolled back in a copy of both files.
    """
    for _ in range(TRIES):
        before = _traces(database)
        log, journal = before[1:]
        if _filled(journal):
            if _read(f"{database.resolve().as_uri()}?mode=ro", copy, may_fail=True):
                return
            with tempfile.TemporaryDirectory(prefix="coinjecture-replay-", dir=copy.parent) as folder:
                moved = Path(folder) / database.name
                shutil.copyfile(database, moved)
                with suppress(FileNotFoundError):
                    shutil.copyfile(_beside(database, "-journal"), _beside(moved, "-journal"))
                if _traces(database) == before:
                    _read(moved.as_uri(), copy)
                    return
        elif _filled(log):
            _read(f"{database.resolve().as_uri()}?mode=ro", copy)
            return
        else:
            _read(f"{database.resolve().as_uri()}?immutable=1", copy)
            if _traces(database) == before:
                return
    if not _read(f"{database.resolve().as_uri()}?mode=ro", copy, may_fail=True):
        raise BadInputError(
            f"{database}: it changed while it was copied, {TRIES} times; stop what writes to it"
        )


def _read(uri: str, copy: Path, *, may_fail: bool = False) -> bool:
    """Copy what a connection sees, in one read transaction; False where it cannot be opened so."""
    copy.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            _in_time(source, target, HOLD if "mode=ro" in uri and _holds_up(source) else LIMIT)
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        if not may_fail:
            raise
        return False
    return True


def _holds_up(source: sqlite3.Connection) -> bool:
    """Whether a node cannot commit while this connection reads."""
    return str(source.execute("PRAGMA journal_mode").fetchone()[0]) != "wal"


def _in_time(source: sqlite3.Connection, target: sqlite3.Connection, limit: float) -> None:
    """Copy in one read transaction, so that nobody's commit begins it anew, within so many seconds."""
    end = time.monotonic() + limit

    def look(_status: int, remaining: int, total: int) -> None:
        if remaining and time.monotonic() > end:
            raise BadInputError(
                f"the copy was stopped after {limit:g} s with {total - remaining} of {total} pages done: the"
                " node could not commit meanwhile; replay a copy of its database, or stop what writes to it"
                if limit == HOLD
                else f"the copy was stopped after {limit:g} s, {total - remaining} of {total} pages done"
            )

    source.isolation_level = None
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # it has its moment from here on
    source.backup(target, pages=PAGES, progress=look)
    source.execute("COMMIT")


def _beside(database: Path, what: str) -> Path:
    return database.with_name(database.name + what)


def _traces(database: Path) -> list[tuple[int, ...] | None]:
    """What tells that somebody has written: identity, size and time of the database, its log, its journal."""
    found: list[tuple[int, ...] | None] = []
    for path in (database, _beside(database, "-wal"), _beside(database, "-journal")):
        try:
            known = path.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((known.st_ino, known.st_size, known.st_mtime_ns))
    return found


def _filled(trace: tuple[int, ...] | None) -> bool:
    return trace is not None and trace[1] > 0


def count(copy: Path, database: Path) -> int:
    """How many blocks the log has; ``database`` is named in errors.

    Raises:
        BadInputError: It is no node's database.
    """
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as connection:
            columns = {row[1] for row in connection.execute("PRAGMA table_info(blocks)")}
            if columns and (missing := sorted(set(COLUMNS) - columns)):
                raise BadInputError(
                    f"{database}: its table blocks has no {', '.join(missing)}, only"
                    f" {', '.join(sorted(columns))}: it is whole, but of another schema than replay reads"
                    f" ({', '.join(COLUMNS)})"
                )
            rows: int = connection.execute("SELECT COUNT(*) FROM blocks").fetchone()[0]
    except sqlite3.Error as error:
        raise BadInputError(f"{database}: no log of blocks in it: {error}; name a node's chain.db") from error
    return rows


def rows(copy: Path, database: Path, stop: int | None = None) -> Iterator[Row]:
    """The blocks of a copy in the order of their sequence, at most ``stop`` of them.

    Raises:
        BadInputError: It is damaged; the message names the block by its sequence.
    """
    last, read = BEFORE_ALL, 0
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
                raise BadInputError(f"{database}: block {bad} is damaged: {error}; {MEND}") from error
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
    def damaged(what: str) -> BadInputError:
        return BadInputError(f"{database}: block {sequence} is damaged: {what}; {MEND}")

    if not isinstance(raw, bytes) or not isinstance(received_at, float | int):
        raise damaged("it has no bytes or no receipt time")
    try:
        block = json.loads(raw.decode())
        if json.dumps(block["block_hash"]) != named:
            raise damaged("it is stored under another hash than it has")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(f"its bytes are no block ({error!r})") from error
    return Row(sequence, raw, float(received_at))
