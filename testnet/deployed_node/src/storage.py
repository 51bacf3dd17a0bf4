"""Storage of this node: SQLite tables under byte keys, a connection for each call, and a content store.

As on the deployed node no received block is kept in an order, nor its receipt time, and `complexity` is not
stored: a block that was judged cannot be rebuilt from here.
"""

import hashlib
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from blocks import Block

TABLES = """
CREATE TABLE IF NOT EXISTS headers (header_hash BLOB PRIMARY KEY, header_bytes BLOB, height INTEGER,
timestamp REAL); CREATE TABLE IF NOT EXISTS blocks (block_hash BLOB PRIMARY KEY, block_bytes BLOB,
header_hash BLOB); CREATE TABLE IF NOT EXISTS tips (tip_hash BLOB PRIMARY KEY, cumulative_work INTEGER, seen
REAL); CREATE TABLE IF NOT EXISTS work_index (height INTEGER, cumulative_work INTEGER, block_hash BLOB);
CREATE TABLE IF NOT EXISTS commit_index (commitment BLOB PRIMARY KEY, block_hash BLOB); CREATE TABLE IF NOT
EXISTS peer_index (peer BLOB PRIMARY KEY, seen REAL);
"""


class ContentStore:
    """Where proof bundles go: a folder of files named by their content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def health_check(self) -> bool:
        """Whether it can be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return True

    def add(self, content: bytes) -> str:
        """Keep some bytes; returns their content id."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = "b" + hashlib.sha256(content).hexdigest()
        (self.folder / name).write_bytes(content)
        return name


class StorageManager:
    """The node's storage.

    Args:
        data_dir: Its folder, `data/` below the working directory.
    """

    def __init__(self, data_dir: str | Path = "data") -> None:
        self.data_dir = Path(data_dir)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.path = self.data_dir / "blockchain.db"
        self.ipfs_client = ContentStore(self.data_dir / "content")
        with closing(sqlite3.connect(self.path)) as database, database:
            database.executescript(TABLES)

    def _run(self, statement: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("PRAGMA synchronous = OFF")  # the peers have all of it
            return database.execute(statement, values).fetchall()

    def get_block(self, block_hash: str) -> Block | None:
        """A stored block; the measured complexity is not stored, so none can be made of a row."""
        self._run("SELECT block_bytes FROM blocks WHERE block_hash = ?", block_hash.encode())
        return None

    def store_proof_bundle(self, bundle: bytes) -> str | None:
        """Keep a proof bundle; returns the content id that the engine puts into its genesis."""
        return self.ipfs_client.add(bundle) if self.ipfs_client.health_check() else None

    def store_work_index(self, height: int, cumulative_work: int, block_hash: str) -> None:
        """A row for every insertion."""
        row = (height, str(cumulative_work), block_hash.encode())
        self._run("INSERT INTO work_index VALUES (?, ?, ?)", *row)

    def store_tip(self, block_hash: str, cumulative_work: int) -> None:
        """The newest insertion."""
        row = (block_hash.encode(), str(cumulative_work), time.time())
        self._run("INSERT OR REPLACE INTO tips VALUES (?, ?, ?)", *row)

    def store_commitment(self, commitment: bytes, block_hash: str) -> None:
        """A commitment that was revealed."""
        self._run("INSERT OR REPLACE INTO commit_index VALUES (?, ?)", commitment, block_hash.encode())
