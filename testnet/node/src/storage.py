"""The node's database: the append-only block log, the work index, the tip and the transactions.

SQLite with a write-ahead log and `synchronous=FULL`: what a commit has answered survives a crash. Hashes,
heights and sums are stored as JSON text, since a block hash can be any JSON value and a sum can exceed
SQLite's integers.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL, raw BLOB NOT NULL, received_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS blocks_by_hash ON blocks (hash);
CREATE TABLE IF NOT EXISTS work_index (hash TEXT PRIMARY KEY, height TEXT NOT NULL, cumulative TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tip (
    only INTEGER PRIMARY KEY CHECK (only = 1), hash TEXT NOT NULL, cumulative TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, received_at REAL NOT
    NULL);
"""
ROWS_AT_ONCE = 500
BUSY_TIMEOUT_S = 10.0


class StorageError(Exception):
    """The database cannot be opened, or holds something else than this node writes."""


class TransactionConflictError(Exception):
    """A transaction's id is taken by another transaction."""


@dataclass(frozen=True)
class StoredBlock:
    """A row of the block log: `raw` is the block as it was received, `received_at` is in seconds."""

    raw: bytes
    received_at: float


class Storage:
    """Safe to use from several threads; writes take turns, and reads do not wait for a commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.RLock()
        self._reading = threading.Lock()
        self._depth = 0
        try:
            self._writer = self._connect()
            mode = self._writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            if mode != "wal":
                raise StorageError(
                    f"{path}: the file system allows no write-ahead log (got {mode!r}), move data_dir"
                )
            self._writer.execute("PRAGMA synchronous=FULL")
            self._writer.executescript(SCHEMA)
            self._reader = self._connect()
        except sqlite3.Error as error:
            raise StorageError(
                f"{path}: {error}; restore it from a backup or check the folder's owner"
            ) from error

    def _connect(self) -> sqlite3.Connection:
        # Transactions are begun and ended here, by hand; the locks of this class keep threads apart.
        return sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )

    def close(self) -> None:
        """Close the database. Nothing is lost without it."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become durable together when it ends, or none if it raises. May be nested.

        An inner transaction that raises undoes its own writes; the outer one may go on.
        """
        with self._writing:
            begin, commit, undo = (
                ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
                if self._depth == 0
                else ("SAVEPOINT inner", "RELEASE inner", ("ROLLBACK TO inner", "RELEASE inner"))
            )
            self._writer.execute(begin)
            self._depth += 1
            try:
                yield
                self._writer.execute(commit)
            except BaseException:
                if self._writer.in_transaction:  # a full disk makes SQLite roll back by itself
                    for statement in undo:
                        self._writer.execute(statement)
                raise
            finally:
                self._depth -= 1

    # What an engine writes and reads

    def store_work_index(self, height: Any, cumulative: int, block_hash: Any) -> None:
        """Note a block's height and sum, as of its last insertion."""
        with self.transaction():
            self._writer.execute(
                "INSERT OR REPLACE INTO work_index (hash, height, cumulative) VALUES (?, ?, ?)",
                (json.dumps(block_hash), json.dumps(height), json.dumps(cumulative)),
            )

    def store_tip(self, block_hash: Any, cumulative: int) -> None:
        """Note the block inserted last, on the best chain or not: this is what engines write."""
        with self.transaction():
            self._writer.execute(
                "INSERT OR REPLACE INTO tip (only, hash, cumulative) VALUES (1, ?, ?)",
                (json.dumps(block_hash), json.dumps(cumulative)),
            )

    def iter_blocks(self) -> Iterator[tuple[bytes, float]]:
        """The log in sequence order: raw block and receipt time. The genesis is not in it."""
        last = 0
        while True:
            rows = self._read(
                "SELECT seq, raw, received_at FROM blocks WHERE seq > ? ORDER BY seq LIMIT ?",
                last,
                ROWS_AT_ONCE,
            )
            if not rows:
                return
            for last, raw, received_at in rows:  # noqa: B007 - the last row's number starts the next page
                yield raw, received_at

    # Blocks

    def append_block(self, raw: bytes, received_at: float) -> None:
        """Append a block to the log; one that is there already gets a second row."""
        block_hash = json.dumps(json.loads(raw)["block_hash"])
        with self.transaction():
            self._writer.execute(
                "INSERT INTO blocks (hash, raw, received_at) VALUES (?, ?, ?)", (block_hash, raw, received_at)
            )

    def block(self, block_hash: Any) -> StoredBlock | None:
        """The row last appended for a hash."""
        rows = self._read(
            "SELECT raw, received_at FROM blocks WHERE hash = ? ORDER BY seq DESC LIMIT 1",
            json.dumps(block_hash),
        )
        return StoredBlock(*rows[0]) if rows else None

    def count_blocks(self) -> int:
        """Rows in the log, blocks sent again counted again."""
        count: int = self._read("SELECT COUNT(*) FROM blocks")[0][0]
        return count

    def work(self, block_hash: Any) -> tuple[Any, int] | None:
        """Height and integer sum of a block, as the engine wrote them last."""
        rows = self._read("SELECT height, cumulative FROM work_index WHERE hash = ?", json.dumps(block_hash))
        return (json.loads(rows[0][0]), json.loads(rows[0][1])) if rows else None

    def last_tip(self) -> tuple[Any, int] | None:
        """Hash and integer sum of the block inserted last."""
        rows = self._read("SELECT hash, cumulative FROM tip")
        return (json.loads(rows[0][0]), json.loads(rows[0][1])) if rows else None

    # Transactions

    def add_transaction(self, tx_id: str, body: str, received_at: float) -> bool:
        """Store a transaction durably. Returns whether it is new; the same one again changes nothing.

        Raises:
            TransactionConflictError: The id is taken by another body.
        """
        with self.transaction():
            row = self._writer.execute("SELECT body FROM transactions WHERE id = ?", (tx_id,)).fetchone()
            if row is None:
                self._writer.execute(
                    "INSERT INTO transactions (id, body, received_at) VALUES (?, ?, ?)",
                    (tx_id, body, received_at),
                )
                return True
        if row[0] != body:
            raise TransactionConflictError(
                f"transaction {tx_id!r} exists with other content, choose another id"
            )
        return False

    def transactions(self) -> list[tuple[str, str]]:
        """Every acknowledged transaction in the order of arrival: id and JSON text."""
        return [(tx_id, body) for tx_id, body in self._read("SELECT id, body FROM transactions ORDER BY seq")]

    def _read(self, statement: str, *values: Any) -> list[Any]:
        with self._reading:
            return self._reader.execute(statement, values).fetchall()
