"""The block tree as a node sees it: the core's nodes together with the blocks that were given in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from consensus_surface import BlockNode

from . import _core
from ._types import Profile, Reason

ROWS_AT_ONCE = 256
"""Rows of a log that are judged in one call, which other threads wait for if they ask the tree something."""


Taken = tuple[Reason | None, bool, Any, Any, Any, tuple[Any, Any] | None]
"""What ``Engine.take`` says of a block. Where the reason is None, the fifth is a sum, as an integer."""


def field(block: Any, name: str) -> Any:
    """Field of a block that is JSON bytes, JSON text, a mapping or an object."""
    if isinstance(block, bytes | bytearray | str):
        block = json.loads(block)
    return block[name] if isinstance(block, Mapping) else getattr(block, name)


class BlockTree(Mapping[Any, BlockNode]):
    """Nodes of the tree under their block hashes; read-only, each node made when it is asked for.

    The core keeps the small nodes, this keeps the blocks. Raw JSON bytes are kept as they are, since that
    takes less memory, and are parsed where a block is asked for.
    """

    def __init__(self, engine: _core.Engine, genesis: Any) -> None:
        self._engine = engine
        self._take = engine.take  # it is called for every block
        tip = engine.tip()
        self._blocks: dict[Any, Any] = {tip.block_hash: genesis}
        self._tip_block: Any = genesis

    @property
    def core(self) -> _core.Engine:
        """The native engine."""
        return self._engine

    def __getitem__(self, key: Any) -> BlockNode:
        node = self._engine.get(key)
        if node is None:
            raise KeyError(key)
        return _block_node(node, self._blocks[key])

    def __contains__(self, key: Any) -> bool:
        return key in self._engine

    def __iter__(self) -> Iterator[Any]:
        return iter(self._engine.keys())

    def __len__(self) -> int:
        return len(self._engine)

    def __repr__(self) -> str:
        return f"<BlockTree blocks={len(self)} tip_height={self._engine.tip().height}>"

    @property
    def tip(self) -> BlockNode:
        """The best tip, which may be a node that was replaced in the tree."""
        return _block_node(self._engine.tip(), self._tip_block)

    def apply(self, judgement: _core.Judgement, block: Any) -> None:
        """Put a judgement into the tree and keep its block.

        Raises:
            StaleJudgementError: The tree changed since the judgement.
        """
        self._engine.apply(judgement)
        if judgement.inserts:
            kept = bytes(block) if isinstance(block, bytearray) else block
            self._blocks[judgement.block_hash] = kept
            if judgement.moves_tip:
                self._tip_block = kept

    def take(self, block: Any, received_at: float, profile: Profile) -> Taken:
        """Judge a block, put it into the tree and keep it, in one go.

        Returns:
            What ``Engine.take`` says: the reason code of a reject, else None; whether the tip moved; of the
            node that was put, which some rejects have too, its key and its height; of an accepted block the
            sum of the work up to it; of a rejected one the value that breaks the rule and the rule's limit.

        Raises:
            OutOfDomainError, BudgetExceededError, EngineError: There is no verdict, and nothing has changed.
        """
        taken = self._take(block, received_at, profile)
        _, moves_tip, key, height, _, _ = taken
        if height is not None:
            kept = bytes(block) if isinstance(block, bytearray) else block
            self._blocks[key] = kept
            if moves_tip:
                self._tip_block = kept
        return taken

    def take_log(
        self, rows: Iterable[tuple[bytes, float]], profile: Profile
    ) -> Iterator[_core.Judgement | _core.EngineError]:
        """Judge the blocks of a log in their order, put them into the tree and keep them.

        Rows are read and judged many at a time; other threads run meanwhile.

        Yields:
            For each row its judgement, or the error that stands in its place.
        """
        remaining = iter(rows)
        while batch := list(islice(remaining, ROWS_AT_ONCE)):
            verdicts = self._engine.take_many(batch, profile)
            for (raw, _), verdict in zip(batch, verdicts, strict=True):
                if isinstance(verdict, _core.Judgement) and verdict.inserts:
                    self._blocks[verdict.block_hash] = raw
                    if verdict.moves_tip:
                        self._tip_block = raw
                yield verdict

    def put(self, key: Any, node: Any) -> None:
        """Put a node as another engine has it."""
        self._engine.put(key, *_values(node), block_hash=field(node.block, "block_hash"))
        self._blocks[key] = node.block

    def set_tip(self, node: Any) -> None:
        """Make a node the tip: the one in the tree if it is the same, else one that was replaced there."""
        self._engine.set_tip(field(node.block, "block_hash"), *_values(node))
        self._tip_block = node.block

    def fill(self, nodes: Iterable[tuple[Any, Any]], tip: Any) -> None:
        """Put nodes and a tip as another engine has them. Their parents may come later."""
        for key, node in nodes:
            self.put(key, node)
        self.set_tip(tip)

    def chain(self, key: Any) -> list[tuple[int, Any]]:
        """Serial numbers and blocks from a root to the node under a key; empty if there is no such node."""
        return [
            (node.serial, _as_given(self._blocks[node.block_hash])) for node in self._engine.ancestors(key)
        ][::-1]

    def tip_chain(self) -> list[tuple[int, Any]]:
        """As ``chain``, to the tip."""
        tip, *rest = self._engine.tip_ancestors()
        older = [(node.serial, _as_given(self._blocks[node.block_hash])) for node in rest]
        return [*older[::-1], (tip.serial, _as_given(self._tip_block))]


def _as_given(block: Any) -> Any:
    """A block as it was given in; of JSON text what it parses to."""
    return json.loads(block) if isinstance(block, bytes | str) else block


def _block_node(node: _core.Node, block: Any) -> BlockNode:
    return BlockNode(
        block=_as_given(block),
        parent_hash=node.parent,
        cumulative_work=node.cumulative,
        height=node.height,
        receipt_time=node.received_at,
    )


def _values(node: Any) -> tuple[Any, Any, float, float, Any]:
    """What the core keeps of a node, in the order its calls take it."""
    return (
        node.parent_hash,
        node.height,
        float(node.cumulative_work),
        float(node.receipt_time),
        field(node.block, "timestamp"),
    )
