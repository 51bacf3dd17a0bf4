"""Invalid blocks, one kind for each reject code that gossip can reach.

Every block is a real one with one thing changed. It has a hash of its own, sealed again where the broken rule
comes behind the hash, and no more work than the real one: no engine that keeps the rules takes it in, and
one that breaks them gains no heavier chain by it.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from typing import Any

from testnet.node.src.pow import calculate_block_hash

Block = dict[str, Any]


def _unknown_parent(block: Block) -> None:
    block["previous_hash"] = secrets.token_hex(32)


def _bad_height(block: Block) -> None:
    block["index"] += 7


def _bad_timestamp(block: Block) -> None:
    block["timestamp"] = 0.0


def _missing_proof(block: Block) -> None:
    block["solution"] = []


def _bad_merkle_root(block: Block) -> None:
    block["merkle_root"] = block["merkle_root"][:32]


def _missing_complexity(block: Block) -> None:
    block["complexity"] = {}


def _no_work(block: Block) -> None:
    block["complexity"]["measured_solve_time"] = -1.0


def _bad_block_hash(_block: Block) -> None:
    """Nothing is wrong but the hash, which `make` leaves unsealed."""


def _bad_proof(block: Block) -> None:
    block["problem"]["target"] += 1


def _bad_tier_size(block: Block) -> None:
    block["problem"]["size"] = 99


def _malformed(block: Block) -> None:
    block["problem"]["type"] = "travelling_salesman"


_CHANGES: tuple[Callable[[Block], None], ...] = (
    *(_unknown_parent, _bad_height, _bad_timestamp, _missing_proof, _bad_merkle_root, _missing_complexity),
    *(_no_work, _bad_block_hash, _bad_proof, _bad_tier_size, _malformed),
)
KINDS = {change.__name__.removeprefix("_"): change for change in _CHANGES}
"""Reject code -> the one change that earns it, in the order of the rules."""


def make(kind: str, real: Block) -> Block:
    """An invalid block.

    Args:
        kind: The reject code it is to earn, one of `KINDS`.
        real: A valid block above the genesis whose parent the nodes have; it is not changed.
    """
    block = copy.deepcopy(real)
    # Hashed but never checked: so the hash is a new one, and no known block is sent with other content.
    block["cumulative_work_score"] = secrets.randbelow(2**32)
    KINDS[kind](block)
    block["block_hash"] = secrets.token_hex(32) if kind == "bad_block_hash" else calculate_block_hash(block)
    return block
