"""The blocks that are measured: mined by the reference node's own miner, and stretched to long chains."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fuzz.oracle import GENESIS, modules

NETWORK = "rehearsal"
TIER = "desktop"  # what the local network mines
BLOCK_INTERVAL_S = 0.5
HASHED_FIELDS = (
    *("index", "timestamp", "previous_hash", "merkle_root", "problem", "solution"),
    *("mining_capacity", "cumulative_work_score"),
)

Block = dict[str, Any]


def genesis() -> Block:
    """The genesis of the network that is measured."""
    block: Block = json.loads(GENESIS[NETWORK]["block_json"])
    return block


def transaction(number: int, payload_bytes: int) -> Block:
    """A transaction as the users of the local network submit them, its payload made as long as asked."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    payload: Block = {"from": "a user", "amount": number % 1000}
    if payload_bytes:
        payload["note"] = (digest * (1 + payload_bytes // 64))[:payload_bytes]
    return {"id": f"tx-{digest[:24]}", "payload": payload}


def mined(count: int, transactions: int, payload_bytes: int = 0) -> list[Block]:
    """Mine a chain on the genesis, each block with so many transactions."""
    node = modules().pow
    miner = node.Miner(node.ProblemRegistry(), "bench", TIER)
    parent, blocks = genesis(), []
    for height in range(1, count + 1):
        carried = [transaction(height * transactions + at, payload_bytes) for at in range(transactions)]
        work = parent["cumulative_work_score"]
        template = node.Template(parent["block_hash"], height, parent["timestamp"], work, carried)
        parent = miner.mine(template)
        blocks.append(parent)
    return blocks


@dataclass(frozen=True)
class Stencil:
    """A mined block with gaps for what ties it to its place in a chain: index, time, parent and hash.

    Solving a problem takes a tenth of a second, so a long chain carries each mined block's problem, solution
    and measures many times. Every block of it is sealed anew and valid.
    """

    text: str
    hashed: str

    @classmethod
    def of(cls, block: Block) -> Stencil:
        """Cut the gaps into a block."""
        gaps = {"index": "@i@", "timestamp": "@t@", "previous_hash": "@p@"}
        hashed = {field: block[field] for field in HASHED_FIELDS} | gaps
        return cls(
            _with_gaps(json.dumps(block | gaps | {"block_hash": "@h@"})),
            _with_gaps(json.dumps(hashed, sort_keys=True)),
        )

    def fill(self, index: int, timestamp: float, parent_hash: str) -> tuple[bytes, str]:
        """The block at a place of a chain: its text and its hash."""
        gaps = {"i": index, "t": repr(timestamp), "p": parent_hash, "h": ""}
        gaps["h"] = digest = hashlib.sha256((self.hashed % gaps).encode()).hexdigest()
        return (self.text % gaps).encode(), digest


def stretched(blocks: list[Block], length: int) -> Iterator[tuple[bytes, float]]:
    """A valid chain on the genesis of any length, as a log: raw bytes and receipt time (seconds)."""
    stencils = [Stencil.of(block) for block in blocks]
    root = genesis()
    parent_hash, timestamp = root["block_hash"], root["timestamp"]
    for index in range(1, length + 1):
        timestamp += BLOCK_INTERVAL_S
        raw, parent_hash = stencils[index % len(stencils)].fill(index, timestamp, parent_hash)
        yield raw, timestamp + 0.01


def _with_gaps(text: str) -> str:
    text = text.replace("%", "%%")
    for mark in "it":
        text = text.replace(f'"@{mark}@"', f"%({mark})s")
    for mark in "ph":
        text = text.replace(f"@{mark}@", f"%({mark})s")
    return text
