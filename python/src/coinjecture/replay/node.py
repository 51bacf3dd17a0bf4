"""A node of the block tree as a record, the same for both engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TreeNode:
    """A node of the tree without its block."""

    block_hash: Any
    parent: Any
    height: Any
    timestamp: Any
    cumulative: float
    received_at: float
