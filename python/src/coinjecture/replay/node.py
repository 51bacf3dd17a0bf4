"""Nodes of the block tree as records, the same for both engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True)
class TreeNode:
    """A node of the tree without its block."""

    block_hash: Any
    parent: Any
    height: Any
    timestamp: Any
    cumulative: float
    received_at: float


@dataclass(frozen=True, slots=True)
class Known:
    """A node that is in the tree, as far as building on it needs.

    ``fertile`` is false where hardly any child can be valid: a timestamp nothing comes after, or a sum to
    which nothing can be added.
    """

    key: Any
    height: Any
    timestamp: Any
    fertile: bool = True
