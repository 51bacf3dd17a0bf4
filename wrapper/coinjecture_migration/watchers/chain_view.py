"""The chain as other nodes can compare it: the tip, and fingerprints of blocks deep enough to stay."""

from __future__ import annotations

from typing import Any

from coinjecture_migration.engines.legacy import field
from coinjecture_migration.engines.tree_sync import Tree

EVERY = 10
"""Fingerprints are of heights that are multiples of this: nodes with other tips share most of them."""
KEPT = 4


class ChainView:
    """Looks at an engine's best chain; a look at an unchanged tip costs nothing.

    Args:
        lag: Blocks between the tip and the newest fingerprint: reorganisations end above it.
    """

    def __init__(self, lag: int) -> None:
        self.lag = lag
        self._tip: Any = None
        self._seen: dict[str, Any] | None = None

    def look(self, engine: Tree) -> dict[str, Any]:
        """`{"height", "tip", "cumulative", "lag", "fingerprints": {height: hash}}` of the best chain.

        Heights and hashes that are no number and no text, which the rules allow, are left out.
        """
        tip = engine.tip()
        if self._seen is None or tip is not self._tip:
            self._tip = tip
            self._seen = {
                "height": _whole(tip.height),
                "tip": _text(field(tip.block, "block_hash")),
                "cumulative": float(tip.cumulative_work),
                "lag": self.lag,
                "fingerprints": self._fingerprints(engine, tip),
            }
        return self._seen

    def _fingerprints(self, engine: Tree, tip: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        newest, node = _whole(tip.height), tip
        while newest is not None and node is not None and len(found) < KEPT:
            height, name = _whole(node.height), _text(field(node.block, "block_hash"))
            if height is None or height > newest or height < newest - self.lag - EVERY * (KEPT + 1):
                break
            if name is not None and newest - height >= self.lag and height % EVERY == 0:
                found[str(height)] = name
            parent = engine.node(node.parent_hash)
            node = None if parent is node else parent
        return found


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
