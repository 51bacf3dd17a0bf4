"""Evidence: what a soak has seen, kept on the disk by a thread of its own.

Judging touches counters in memory only. A disk that is full or read-only costs evidence, never a block.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coinjecture_migration.counters import Counters

log = logging.getLogger("coinjecture.migration")

SCHEMA = 1
MAX_SOAKS = 100
MAX_PAST = 16
EVER = ("divergence", "rust_error", "legacy_error")
COMPLAINT_SECONDS = 60.0
_TABLES = """
CREATE TABLE IF NOT EXISTS soak (
    id INTEGER PRIMARY KEY AUTOINCREMENT, started REAL NOT NULL, mode TEXT NOT NULL, identity TEXT NOT NULL,
    restarts INTEGER NOT NULL, counters TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ever (outcome TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""


@dataclass
class Soak:
    """Continuous time in one mode with one release, configuration and Python; `started` in epoch seconds."""

    mode: str
    identity: Mapping[str, str | None]
    counters: Counters
    started: float
    restarts: int = 0
    row: int | None = None


class Evidence:
    """The durable record of the soaks of a node.

    No method raises for a fault of the disk: it is logged (at most once a minute) and tried again at the
    next flush.

    Args:
        path: The SQLite file; its folder must exist.
        node: Name of the node.
        identity: `release, python, libc, config_fingerprint`: a change of one of them begins a new soak.
        flush_seconds: Time between two flushes.
    """

    def __init__(
        self, path: Path, node: str, identity: Mapping[str, str | None], flush_seconds: float = 0.5
    ) -> None:
        self._path = path
        self._node = node
        self._identity = dict(identity)
        self._flush_seconds = flush_seconds
        self._disk = threading.Lock()
        self._ended = threading.Event()
        self._complained = float("-inf")
        self._ever_before: dict[str, int] = dict.fromkeys(EVER, 0)
        self._past: list[Soak] = []
        self.soak = Soak("", self._identity, Counters(), time.time())
        self._thread = threading.Thread(target=self._flush_often, name="evidence", daemon=True)

    def last_mode(self) -> str | None:
        """The mode of the last soak on the disk, None where there is none or it cannot be read."""
        row = self._try(lambda db: db.execute("SELECT mode FROM soak ORDER BY id DESC LIMIT 1").fetchone())
        return str(row[0]) if row else None

    def open(self, mode: str, identity: Mapping[str, str | None]) -> Soak:
        """Go on with the last soak if its mode and identity are the same, else begin one."""
        self._identity = dict(identity)
        self._try(self._load_ever)
        self.soak = self._try(lambda db: self._resumed(db, mode)) or self._new(mode)
        self._thread.start()
        return self.soak

    def begin(self, mode: str, identity: Mapping[str, str | None]) -> Soak:
        """End the soak that is running and begin one in `mode`; nothing is written here."""
        self._identity = dict(identity)
        self._past.append(self.soak)
        if len(self._past) > MAX_PAST:  # long ended: no call can still be counted there
            for name, count in self._past.pop(0).counters.snapshot()["outcomes"].items():
                if name in EVER:
                    self._ever_before[name] += count
        self.soak = self._new(mode)
        return self.soak

    def report(self) -> dict[str, Any]:
        """The evidence of the running soak, as `status` gives it."""
        soak = self.soak
        counted = soak.counters.snapshot()
        return {
            "schema": SCHEMA,
            "node": self._node,
            "now": time.time(),
            "mode": soak.mode,
            "soak_started": soak.started,
            **counted,
            "restarts": soak.restarts,
            **soak.identity,
            "ever": self._ever(counted["outcomes"]),
        }

    def flush(self) -> bool:
        """Write what is in memory; False where the disk refused."""
        return self._try(self._write) is True

    def close(self) -> None:
        """Stop the thread and write what is in memory."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def _new(self, mode: str) -> Soak:
        return Soak(mode, self._identity, Counters(), time.time())

    def _ever(self, running: Mapping[str, int]) -> dict[str, int]:
        """Counts since installation: what was on the disk at the start and what this process saw."""
        past = [soak.counters.snapshot()["outcomes"] for soak in list(self._past)]
        return {
            name: self._ever_before[name] + sum(p[name] for p in past) + running.get(name, 0) for name in EVER
        }

    def _load_ever(self, db: sqlite3.Connection) -> bool:
        self._ever_before.update(dict(db.execute("SELECT outcome, count FROM ever").fetchall()))
        return True

    def _resumed(self, db: sqlite3.Connection, mode: str) -> Soak | None:
        row = db.execute(
            "SELECT id, started, mode, identity, restarts, counters FROM soak ORDER BY id DESC LIMIT 1"
        ).fetchone()
        if row is None or row[2] != mode or json.loads(row[3]) != self._identity:
            return None
        counters = Counters(json.loads(row[5]))
        for name, count in counters.snapshot()["outcomes"].items():
            if name in EVER:
                self._ever_before[name] -= count  # the resumed soak brings them again
        return Soak(mode, self._identity, counters, row[1], restarts=row[4] + 1, row=row[0])

    def _write(self, db: sqlite3.Connection) -> bool:
        with db:
            running = self.soak
            for soak in [*self._past, running]:
                if soak.mode:
                    self._write_soak(db, soak)
            ever = self._ever(running.counters.snapshot()["outcomes"])
            db.executemany("INSERT OR REPLACE INTO ever VALUES (?, ?)", ever.items())
            db.execute(
                "DELETE FROM soak WHERE id NOT IN (SELECT id FROM soak ORDER BY id DESC LIMIT ?)",
                (MAX_SOAKS,),
            )
        return True

    def _write_soak(self, db: sqlite3.Connection, soak: Soak) -> None:
        if soak.row is None:
            soak.row = db.execute(
                "INSERT INTO soak (started, mode, identity, restarts, counters) VALUES (?, ?, ?, ?, '{}')",
                (soak.started, soak.mode, json.dumps(soak.identity), soak.restarts),
            ).lastrowid
        db.execute(
            "INSERT OR REPLACE INTO soak (id, started, mode, identity, restarts, counters)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                soak.row,
                soak.started,
                soak.mode,
                json.dumps(soak.identity),
                soak.restarts,
                json.dumps(soak.counters.snapshot()),
            ),
        )

    def _flush_often(self) -> None:
        while not self._ended.wait(self._flush_seconds):
            self.flush()

    def _try(self, work: Any) -> Any:
        """Do one piece of work on a fresh connection; None where the disk refuses or holds something else."""
        try:
            with self._disk:
                db = sqlite3.connect(self._path, timeout=1.0)
                try:
                    db.execute("PRAGMA journal_mode=WAL")
                    db.execute("PRAGMA synchronous=NORMAL")
                    db.executescript(_TABLES)
                    return work(db)
                finally:
                    db.close()
        except Exception as error:
            if time.monotonic() - self._complained > COMPLAINT_SECONDS:
                self._complained = time.monotonic()
                log.error("evidence is not being written: %s: %s; judging goes on", self._path, error)
            return None
