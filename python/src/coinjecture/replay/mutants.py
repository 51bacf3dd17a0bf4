"""Mutants of a stored block: one thing changed, and sealed again so that the rules behind it are reached."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from coinjecture._core import compute_header_hash_py
from coinjecture.replay import changes
from coinjecture.replay.node import Block, Known
from coinjecture.replay.writing import written

SHARE_SENT_AGAIN = 0.06


def mutant(rng: Random, raw: bytes, parent: Known | None) -> tuple[bytes, str]:
    """Change a stored block. Returns its bytes, and what was done.

    ``parent`` is the node it hangs on, None where that is unknown.
    """
    block: Block = json.loads(raw)
    known = parent or Known(block.get("previous_hash"), 0, 0.0)
    if rng.random() < SHARE_SENT_AGAIN:
        changes.odd_measure(rng, block, known)
        return written(block).encode(), "sent again with another complexity"
    note, after_sealing = changes.change(rng, block, known)
    if after_sealing:
        note = changes.change_sealed(rng, block, known)
    else:
        seal(rng, block)
    return written(block).encode(), note


def seal(rng: Random, block: dict[str, Any]) -> None:
    """Give the block the hash of its content, any hash where there is none; a hash taken away stays away."""
    if "block_hash" not in block and rng.random() < 0.5:
        return
    try:
        block["block_hash"] = compute_header_hash_py(block).hex()
    except (KeyError, ValueError):
        block["block_hash"] = f"{rng.getrandbits(256):064x}"
