"""The best chain as the node reads it, and the transactions that are still to be mined.

Kept level with the engine after every accepted block, so that an answer to a client costs no walk through the
tree.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LOCATOR_DENSE = 10


@dataclass(frozen=True)
class ChainEntry:
    """A block of the best chain: its hash, its height and the ids of the transactions it carries."""

    block_hash: Any
    height: Any
    transaction_ids: tuple[str, ...]


@dataclass(frozen=True)
class Advance:
    """How the best chain changed: how many blocks left and how many joined."""

    removed: int
    added: int


def transaction_ids(block: dict[str, Any]) -> tuple[str, ...]:
    """Ids of the transactions in a block; what has no id as a string is no transaction of a client."""
    listed = block["transactions"]
    if not isinstance(listed, list):
        return ()
    return tuple(tx["id"] for tx in listed if isinstance(tx, dict) and isinstance(tx.get("id"), str))


class BestChain:
    """The blocks from the root to the best tip, by position, hash and transaction. Needs the node's lock."""

    def __init__(self) -> None:
        self._entries: list[ChainEntry] = []
        self._position: dict[str, int] = {}
        self._mined_in: dict[str, int] = {}
        self._own: dict[str, Any] = {}
        self._pending: dict[str, Any] = {}

    def follow(self, tip: Any, tree: Any) -> Advance:
        """Become the chain that ends in the engine's tip node, with the tree to look ancestors up in."""
        joining = self._unknown_ancestors(tip, tree)
        fork = joining[-1].parent_hash if joining else tip.block["block_hash"]
        keep = self._position.get(json.dumps(fork), -1) + 1
        removed = len(self._entries) - keep
        for entry in reversed(self._entries[keep:]):
            self._leave(entry)
        for node in reversed(joining):
            self._join(node)
        return Advance(removed, len(joining))

    def _unknown_ancestors(self, tip: Any, tree: Any) -> list[Any]:
        """Nodes from the tip down to just above this chain, or to one seen before, as rings exist."""
        nodes: list[Any] = []
        seen: set[str] = set()
        node = tip
        while node is not None:
            key = json.dumps(node.block["block_hash"])
            if key in self._position or key in seen:
                break
            seen.add(key)
            nodes.append(node)
            node = tree.get(node.parent_hash)
        return nodes

    def _join(self, node: Any) -> None:
        entry = ChainEntry(node.block["block_hash"], node.height, transaction_ids(node.block))
        position = len(self._entries)
        self._entries.append(entry)
        self._position[json.dumps(entry.block_hash)] = position
        for tx_id in entry.transaction_ids:
            self._mined_in.setdefault(tx_id, position)
            self._pending.pop(tx_id, None)

    def _leave(self, entry: ChainEntry) -> None:
        position = len(self._entries) - 1
        self._entries.pop()
        del self._position[json.dumps(entry.block_hash)]
        for tx_id in entry.transaction_ids:
            if self._mined_in.get(tx_id) == position:
                del self._mined_in[tx_id]
                if tx_id in self._own:
                    self._pending[tx_id] = self._own[tx_id]

    # Reads

    @property
    def tip(self) -> ChainEntry:
        """The best tip."""
        return self._entries[-1]

    def at_height(self, height: int) -> ChainEntry | None:
        """The block of the best chain at a height."""
        position = height - self._entries[0].height
        return self._entries[position] if 0 <= position < len(self._entries) else None

    def find(self, block_hash: Any) -> ChainEntry | None:
        """The block of the best chain with a hash."""
        position = self._position.get(json.dumps(block_hash))
        return None if position is None else self._entries[position]

    def mined(self, tx_id: str) -> tuple[ChainEntry, int] | None:
        """The block that carries a transaction, and how many blocks lie on top of it."""
        position = self._mined_in.get(tx_id)
        return None if position is None else (self._entries[position], len(self._entries) - 1 - position)

    # Transactions

    def add_transaction(self, tx_id: str, transaction: Any) -> None:
        """Take in a transaction this node has acknowledged; it is pending until an ancestor carries it."""
        self._own[tx_id] = transaction
        if tx_id not in self._mined_in:
            self._pending[tx_id] = transaction

    def owns(self, tx_id: str) -> bool:
        """Whether this node has acknowledged the transaction."""
        return tx_id in self._own

    def count_pending(self) -> int:
        """How many acknowledged transactions no block of the best chain carries."""
        return len(self._pending)

    def pending(self, limit: int) -> list[Any]:
        """Up to `limit` transactions that no block of the best chain carries, oldest first."""
        return [transaction for transaction, _ in zip(self._pending.values(), range(limit), strict=False)]

    # Catch-up

    def locator(self) -> list[Any]:
        """Hashes from the tip down, dense at first, then ever farther apart, for a peer to find the fork."""
        hashes, position, step = [], len(self._entries) - 1, 1
        while position >= 0:
            hashes.append(self._entries[position].block_hash)
            step = step * 2 if len(hashes) >= LOCATOR_DENSE else 1
            position -= step
        return hashes

    def after(self, locator: Iterable[Any], limit: int) -> list[Any]:
        """Hashes above the first locator entry that is on this chain; from above the root where none is."""
        start = next((p for p in (self._position.get(json.dumps(h)) for h in locator) if p is not None), 0)
        return [entry.block_hash for entry in self._entries[start + 1 : start + 1 + limit]]
