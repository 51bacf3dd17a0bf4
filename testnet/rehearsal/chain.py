"""What a node's database says happened: which blocks it stores, its best chain, and its reorganisations.

The database is replayed by the reference engine with the stored receipt times, so the answer does not
depend on which engine judged at the time.
"""

from __future__ import annotations

import importlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

NODE_SRC = Path(__file__).resolve().parents[1] / "node" / "src"
GENESIS = NODE_SRC.parent / "genesis.json"


@dataclass(frozen=True)
class ChainStory:
    """A node's database, read to its end.

    Attributes:
        stored: Hash of every block in the log, on the best chain or not.
        best: Hash at each height of the best chain, by height.
        transactions: For each transaction id on the best chain, the heights that carry it.
        reorgs: Depth of each reorganisation, in blocks that left the best chain, oldest first.
    """

    stored: frozenset[str]
    best: dict[int, str]
    transactions: dict[str, list[int]]
    reorgs: list[int]

    @property
    def height(self) -> int:
        """Height of the tip."""
        return max(self.best, default=0)


class DatabaseError(Exception):
    """A database that cannot be read; the text names it."""


def read_story(database: Path, genesis: dict[str, Any], network: dict[str, Any]) -> ChainStory:
    """Replay a database from its first row to its last.

    Args:
        database: A consistent copy of a node's `chain.db`.
        genesis: The genesis block.
        network: `network_id`, `genesis_timestamp` and `genesis_seed`.

    Raises:
        DatabaseError: The file is no chain database.
    """
    engine_module = _load_reference("consensus")
    config = engine_module.ConsensusConfig(**network, genesis_block=genesis, max_headers_per_second=0)
    log = _WatchedLog(database)
    # The constructor rebuilds the tree from the log; the log looks on, so the engine is named before it runs.
    log.engine = engine_module.ConsensusEngine.__new__(engine_module.ConsensusEngine)
    log.engine.__init__(config, log, None)
    chain = log.engine.get_chain_from_genesis()
    transactions: dict[str, list[int]] = {}
    for height, block in enumerate(chain):
        for transaction in block["transactions"]:
            if isinstance(transaction, dict) and isinstance(transaction.get("id"), str):
                transactions.setdefault(transaction["id"], []).append(height)
    return ChainStory(
        stored=frozenset(log.hashes),
        best={height: block["block_hash"] for height, block in enumerate(chain)},
        transactions=transactions,
        reorgs=log.reorgs,
    )


def read_reference(database: Path) -> ChainStory:
    """Replay a database of the local network of reference nodes.

    Raises:
        DatabaseError: The file is no chain database.
    """
    genesis = json.loads(GENESIS.read_text())
    network = {
        "network_id": genesis["network_id"],
        "genesis_timestamp": float(genesis["timestamp"]),
        "genesis_seed": genesis["seed"],
    }
    return read_story(database, genesis["block"], network)


class _WatchedLog:
    """The storage a rebuilding engine reads; between two rows it looks at where the tip went."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.engine: Any = None
        self.hashes: list[str] = []
        self.reorgs: list[int] = []

    def iter_blocks(self) -> Iterator[tuple[bytes, float]]:
        """The log in sequence order."""
        try:
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
                for raw, received_at in connection.execute(
                    "SELECT raw, received_at FROM blocks ORDER BY seq"
                ):
                    before = self.engine.best_tip
                    self.hashes.append(json.loads(raw)["block_hash"])
                    yield bytes(raw), received_at
                    self._note_move(before, self.engine.best_tip)
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.database}: {error}") from error

    def _note_move(self, before: Any, after: Any) -> None:
        """Record how many blocks left the best chain when the tip moved, if any did."""
        if after is before or after.parent_hash == before.block["block_hash"]:
            return
        tree, joined = self.engine.block_tree, set()
        node = after
        while node is not None:
            joined.add(node.block["block_hash"])
            node = tree.get(node.parent_hash)
        left, node = 0, before
        while node is not None and node.block["block_hash"] not in joined:
            left += 1
            node = tree.get(node.parent_hash)
        if left:
            self.reorgs.append(left)


def _load_reference(name: str) -> ModuleType:
    """A module of the reference node, loaded from its folder without leaving that folder on the path."""
    sys.path.insert(0, str(NODE_SRC))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(NODE_SRC))
