"""The best chain as users read it: one row a height in `headers`, each in the block's lossy JSON.

It outlives a restart, which the tree does not: old blocks can be read while the node catches up. No block
can be made of it again.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from blocks import Block

INDEX = "CREATE INDEX IF NOT EXISTS headers_height ON headers (height)"


class Archive:
    """The table of a node.

    Args:
        path: `blockchain.db`, made by the storage.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def follow(self, tip: Block, tree: Mapping[str, Any]) -> None:
        """Bring the rows to the chain of a tip. Rows above it stay, unless a row below has been another's."""
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("PRAGMA synchronous = OFF")  # it is written anew as the node catches up
            database.execute(INDEX)
            path, replaced, block = [], False, tip
            while True:
                row = database.execute(
                    "SELECT header_hash FROM headers WHERE height = ?", (block.index,)
                ).fetchone()
                if row is not None and row[0] == block.block_hash.encode():
                    break
                replaced = replaced or row is not None
                path.append(block)
                parent = tree.get(block.previous_hash)
                if parent is None:
                    break
                block = parent.block
            if replaced:
                database.execute("DELETE FROM headers WHERE height >= ?", (path[-1].index,))
            for block in reversed(path):
                content = json.dumps(block.to_dict()).encode()
                values = (block.block_hash.encode(), content, block.index, block.timestamp)
                database.execute("INSERT OR REPLACE INTO headers VALUES (?, ?, ?, ?)", values)

    def at(self, height: int) -> Any:
        """The JSON of the block at a height; None where there is none."""
        statement = "SELECT header_bytes FROM headers WHERE height = ?"
        with closing(sqlite3.connect(self.path)) as database, database:
            row = database.execute(statement, (height,)).fetchone()
        return json.loads(row[0]) if row else None
