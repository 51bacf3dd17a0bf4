"""Names that the wrapper, the Rust engine and ``node.py`` share: configuration, tree node, reject classes.

Pure Python without dependencies. It is shipped in the wheel and dropped beside the wrapper under this same
module name, so a process has one identity of each class whichever copy it finds first. The reference legacy
``consensus.py`` defines the same names itself and imports nothing of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

__all__ = [
    "PROFILES",
    "REASONS",
    "BlockNode",
    "ConsensusConfig",
    "HeaderValidationError",
    "Profile",
    "Reason",
    "RevealValidationError",
    "ValidationError",
]

Profile = Literal["header", "full"]
"""By how many of the rules a block is judged: 1-6 or 1-9."""
PROFILES: tuple[Profile, ...] = get_args(Profile)

Reason = Literal[
    "malformed",
    "unknown_parent",
    "bad_height",
    "bad_timestamp",
    "missing_proof",
    "bad_merkle_root",
    "missing_complexity",
    "no_work",
    "bad_block_hash",
    "bad_proof",
    "bad_tier_size",
]
"""Why a block is rejected."""
REASONS: tuple[Reason, ...] = get_args(Reason)
"""The eleven reason codes of a reject: ``malformed`` (any exception while evaluating), then in rule order."""


class ValidationError(Exception):
    """A block or a reveal was refused by the rules (an engine that breaks raises something else)."""


class HeaderValidationError(ValidationError):
    """A reject of a block.

    Attributes:
        reason: One of ``REASONS``; None where the legacy engine refused for a cause that is no rule (its
            rate limit).
        value: What the block has that breaks the rule, where the engine tells it.
        limit: What the rule holds it against: a bound, both bounds, or what it should be.
    """

    def __init__(
        self, message: str = "", reason: str | None = None, *, value: Any = None, limit: Any = None
    ) -> None:
        super().__init__(message or reason or "rejected")
        self.reason = reason
        self.value = value
        self.limit = limit


class RevealValidationError(ValidationError):
    """A reveal (the opening of a proof commitment) does not fit its block."""


@dataclass
class ConsensusConfig:
    """Constants of a network and limits of an engine; the fields of the legacy configuration.

    Attributes:
        network_id: Name of the network; part of the genesis hash.
        confirmation_depth: Blocks on top after which a block counts as finalized.
        max_reorg_depth: Longest branch, in blocks, that ``handle_reorg`` leaves behind.
        max_headers_per_second: The legacy engine's rate limit; not a rule, the Rust engine has none.
        max_proof_size_bytes: Largest proof bundle, in bytes, that a reveal may carry.
        genesis_timestamp: Unix time of the genesis, in seconds; part of its hash and its receipt time.
        genesis_seed: Seed text of the genesis; part of its hash.
        genesis_block: The genesis as the mapping its JSON gives: a constant of the network, never validated
            (an engine checks only that its hash fits network, timestamp and seed).
    """

    network_id: str = "coinjecture-testnet-v1"
    confirmation_depth: int = 20
    max_reorg_depth: int = 100
    max_headers_per_second: int = 100
    max_proof_size_bytes: int = 10 * 1024 * 1024
    genesis_timestamp: float = 1609459200.0
    genesis_seed: str = "coinjecture_genesis_seed"
    genesis_block: Mapping[str, Any] | None = None


@dataclass
class BlockNode:
    """One node of the block tree.

    Attributes:
        block: The block as it was given to the engine.
        parent_hash: The block's ``previous_hash`` (any JSON value: the rules do not ask for a string).
        cumulative_work: Sum of the work scores from the root to this block.
        height: Parent's height plus one; of a root its ``index``.
        receipt_time: When this node's block arrived, Unix time in seconds; it breaks ties.
    """

    block: Any
    parent_hash: Any
    cumulative_work: float
    height: Any
    receipt_time: float
