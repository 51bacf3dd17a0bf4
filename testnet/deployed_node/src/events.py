"""What the API of form B has taken in and its consensus service has not looked at: a second SQLite file.

The kinds are `mined` and `received` (a block), `want` (a peer asks for blocks) and `chain` (what we asked).
"""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

TABLE = """CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, body BLOB,
received_at REAL)"""
KINDS = ("mined", "received", "want", "chain")


class Event(NamedTuple):
    """A row; `received_at` is epoch seconds."""

    number: int
    kind: str
    body: Any
    received_at: float


class Events:
    """The file. The API appends, the service takes away.

    Args:
        path: `data/events.db`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(TABLE)

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=10)
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    def append(self, kind: str, body: Any) -> None:
        """Take something in."""
        assert kind in KINDS
        row = (kind, json.dumps(body).encode(), time.time())
        with closing(self._connect()) as database, database:
            database.execute("INSERT INTO events (kind, body, received_at) VALUES (?, ?, ?)", row)

    def pending(self, kinds: tuple[str, ...] = KINDS) -> list[Event]:
        """What of these kinds is still to be looked at, oldest first, a hundred at most."""
        marks = ", ".join("?" * len(kinds))
        statement = f"SELECT * FROM events WHERE kind IN ({marks}) ORDER BY id LIMIT 100"  # noqa: S608 - marks
        with closing(self._connect()) as database, database:
            rows = database.execute(statement, kinds).fetchall()
        return [Event(number, kind, json.loads(body), at) for number, kind, body, at in rows]

    def done(self, event: Event) -> None:
        """Forget one that has been looked at."""
        with closing(self._connect()) as database, database:
            database.execute("DELETE FROM events WHERE id = ?", (event.number,))
