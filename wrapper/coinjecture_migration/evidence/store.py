"""The evidence on the disk: one SQLite file with a write-ahead log, bounded in size.

A killed process or a reboot loses at most the last half second, and never the file; a power cut may take
more, but nothing of a durable batch. Nothing here is called on the path of a block, but for a demotion.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coinjecture_migration.evidence.soak import Gap
from coinjecture_migration.runtime.reserve import no_room

INTERVAL_SECONDS = 60
MAX_SOAKS = 100
MAX_INTERVALS = 7 * 24 * 60  # a week, the longest soak
MAX_GAPS = 1000
MOST_AT_ONCE = 400  # rows of two values: SQLite of old takes 999 values in a statement
MAX_PAGES = 16_384  # of 4 KiB: the limits above stay far below it
WAL_BYTES = 4 * 2**20
MAX_WAL_BYTES = 16 * WAL_BYTES  # the log cannot be emptied while somebody reads; beyond this it does not grow

TABLES = """
CREATE TABLE IF NOT EXISTS soak (
    id INTEGER PRIMARY KEY AUTOINCREMENT, started REAL NOT NULL, mode TEXT NOT NULL, identity TEXT NOT NULL,
    restarts INTEGER NOT NULL, counters TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS total (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS interval (
    started INTEGER NOT NULL, mode TEXT NOT NULL, soak INTEGER NOT NULL, counts TEXT NOT NULL,
    PRIMARY KEY (started, mode, soak)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gap (
    id INTEGER PRIMARY KEY AUTOINCREMENT, began REAL NOT NULL, ended REAL NOT NULL, why TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
"""`soak.counters` is the whole report of a soak; `total` only ever grows; `fact.value` is JSON."""


@dataclass
class StoredSoak:
    """A row of the table of soaks; `row` is None where it has none yet."""

    row: int | None
    report: dict[str, Any]
    identity: Mapping[str, Any]


@dataclass
class Batch:
    """What one flush writes, all or nothing.

    Attributes:
        soaks: Each with the counters by name that have come since the last flush.
        counts: Totals to add that belong to no soak.
        gaps: New gaps.
        facts: JSON values to replace.
        now: Seconds since the epoch.
        durable: A power cut must not take it.
    """

    now: float
    soaks: list[tuple[StoredSoak, dict[str, float]]] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    durable: bool = False


class EvidenceStore:
    """Reads and writes the file. Every method raises `sqlite3.Error` or `OSError` where the disk refuses.

    Not safe for several threads; the caller takes turns.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._log_waits = False
        self._durable: bool | None = None  # of the connection; None where it has not been said yet

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        db, self._db, self._durable = self._db, None, None
        if db is not None:
            db.close()

    def last_soak(self) -> StoredSoak | None:
        """The soak written last."""
        row = (
            self._open()
            .execute("SELECT id, identity, counters FROM soak ORDER BY id DESC LIMIT 1")
            .fetchone()
        )
        return StoredSoak(row[0], json.loads(row[2]), json.loads(row[1])) if row else None

    def totals(self) -> dict[str, float]:
        """Every total since installation, by name."""
        return dict(self._open().execute("SELECT name, value FROM total").fetchall())

    def facts(self) -> dict[str, Any]:
        """Every fact, by name."""
        rows = self._open().execute("SELECT name, value FROM fact").fetchall()
        return {name: json.loads(value) for name, value in rows}

    def write(self, batch: Batch) -> None:
        """Write a batch in one transaction; a soak without a row gets its number.

        Raises:
            OSError: Somebody has kept the file open in a reading for so long that its log is full. What
                has to survive a power cut is written all the same.
        """
        db = self._open()
        if not batch.durable:
            self._keep_the_log_short(db)
        numbers = []
        self._set_durable(db, batch.durable)
        with db:
            db.execute("BEGIN IMMEDIATE")
            totals = dict(batch.counts)
            for soak, new in batch.soaks:
                number = _write_soak(db, soak)
                numbers.append(number)
                _write_interval(db, batch.now, soak, number, new)
                for name, value in new.items():
                    totals[name] = totals.get(name, 0) + value
            for gap in batch.gaps:
                totals["gaps"] = totals.get("gaps", 0) + 1
                totals["gap_seconds"] = totals.get("gap_seconds", 0) + max(gap.ended - gap.began, 0.0)
            _add_totals(db, totals)
            db.executemany(
                "INSERT INTO gap (began, ended, why) VALUES (?, ?, ?)",
                [(gap.began, gap.ended, gap.why) for gap in batch.gaps],
            )
            db.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?)",
                [(name, json.dumps(value, default=repr)) for name, value in batch.facts.items()],
            )
        for (soak, _), number in zip(batch.soaks, numbers, strict=True):
            soak.row = number
        self._log_waits |= batch.durable

    def _set_durable(self, db: sqlite3.Connection, durable: bool) -> None:
        if durable != self._durable:
            db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def shorten_log(self) -> None:
        """Take what durable batches have left in the log into the file, so that the log begins anew.

        Not part of writing them: they are on the disk, and this has the disk write twice more.
        """
        if self._log_waits:
            self._log_waits = False
            with contextlib.suppress(sqlite3.Error):
                self._open().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _keep_the_log_short(self, db: sqlite3.Connection) -> None:
        """Empty a log that has become long; a reader that stays at one moment of the file is in the way."""
        if self._log_bytes() <= MAX_WAL_BYTES:
            return
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if (size := self._log_bytes()) > MAX_WAL_BYTES:
            raise OSError(
                f"{self._path}-wal has {size} bytes and cannot be emptied while somebody reads {self._path}; "
                "who has it open?"
            )

    def _log_bytes(self) -> int:
        try:
            return Path(f"{self._path}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def trim(self) -> None:
        """Forget what is older than the limits."""
        db = self._open()
        with db:
            for table, key, most in (("soak", "id", MAX_SOAKS), ("gap", "id", MAX_GAPS)):
                db.execute(
                    f"DELETE FROM {table} WHERE {key} <= (SELECT max({key}) FROM {table}) - ?",  # noqa: S608
                    (most,),
                )
            db.execute(
                "DELETE FROM interval WHERE started <="
                " (SELECT started FROM interval ORDER BY started DESC LIMIT 1 OFFSET ?)",
                (MAX_INTERVALS,),
            )

    def _open(self) -> sqlite3.Connection:
        """The connection; a new one where the file is not the one it was opened on."""
        if self._db is not None and self._file != self._identity():
            self.close()
        if self._db is None:
            db = sqlite3.connect(self._path, timeout=1.0, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
                db.execute(f"PRAGMA max_page_count={MAX_PAGES}")
                db.executescript(TABLES)
            except BaseException:
                db.close()
                raise
            self._db, self._file = db, self._identity()
        return self._db

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def is_full(error: Exception) -> bool:
    """Whether what SQLite raised may mean a full disk: its shared memory then fails as an I/O error."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    full = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return code & 0xFF in full or no_room(error)


def _add_totals(db: sqlite3.Connection, totals: Mapping[str, float]) -> None:
    """Add to totals by one statement: with each the interpreter's lock is given away, and waited for."""
    items = list(totals.items())
    for first in range(0, len(items), MOST_AT_ONCE):
        some = items[first : first + MOST_AT_ONCE]
        places = ", ".join(["(?, ?)"] * len(some))
        db.execute(
            f"INSERT INTO total VALUES {places}"  # noqa: S608
            " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            [part for total in some for part in total],
        )


def _write_soak(db: sqlite3.Connection, soak: StoredSoak) -> int:
    """Insert or replace a soak's row; returns its number."""
    report = soak.report
    values = (
        report["soak_started"],
        report["mode"],
        json.dumps(soak.identity),
        report["restarts"],
        json.dumps(report, default=repr),
    )
    columns = "started, mode, identity, restarts, counters"
    if soak.row is None:
        return int(
            db.execute(f"INSERT INTO soak ({columns}) VALUES (?, ?, ?, ?, ?)", values).lastrowid or 0  # noqa: S608
        )
    db.execute(
        f"INSERT OR REPLACE INTO soak (id, {columns}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
        (soak.row, *values),
    )
    return soak.row


def _write_interval(
    db: sqlite3.Connection, now: float, soak: StoredSoak, number: int, new: Mapping[str, float]
) -> None:
    """Add new counts to the minute in which they are written."""
    if not new:
        return
    key: Sequence[Any] = (int(now // INTERVAL_SECONDS) * INTERVAL_SECONDS, soak.report["mode"], number)
    row = db.execute(
        "SELECT counts FROM interval WHERE started = ? AND mode = ? AND soak = ?", key
    ).fetchone()
    counts: dict[str, float] = json.loads(row[0]) if row else {}
    for name, value in new.items():
        counts[name] = counts.get(name, 0) + value
    db.execute("INSERT OR REPLACE INTO interval VALUES (?, ?, ?, ?)", (*key, json.dumps(counts)))
