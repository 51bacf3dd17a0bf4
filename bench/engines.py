"""The engines as they are measured: the two classes a node can be built on, without any I/O."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from coinjecture.replay.legacy import NoStorage
from coinjecture.replay.walk import ROWS_AT_ONCE

from bench.chain import NETWORK, Block
from fuzz.oracle import GENESIS, modules

RECEIVED_AT = 1.8e9


class LogStorage(NoStorage):
    """Storage with a log of blocks to rebuild from."""

    def __init__(self, log: Iterable[tuple[bytes, float]]) -> None:
        self._log = log

    def iter_blocks(self) -> Iterator[tuple[bytes, float]]:
        """Raw bytes and receipt times."""
        return iter(self._log)


def config(kind: Any) -> Any:
    """The network's configuration, of a module's class `kind`, rate limit off."""
    known = GENESIS[NETWORK]
    return kind(
        network_id=known["network_id"],
        max_headers_per_second=0,
        genesis_timestamp=json.loads(known["timestamp_json"]),
        genesis_seed=known["seed"],
        genesis_block=json.loads(known["block_json"]),
    )


def oracle(storage: Any = None) -> Any:
    """A legacy engine."""
    node = modules()
    kept = storage or NoStorage()
    return node.consensus.ConsensusEngine(
        config(node.consensus.ConsensusConfig), kept, node.pow.ProblemRegistry()
    )


def rust(storage: Any = None) -> Any:
    """A Rust engine, as a node gets it from `coinjecture.consensus`.

    Raises:
        ImportError: The wheel is not installed.
    """
    module = importlib.import_module("coinjecture.consensus")
    registry = modules().pow.ProblemRegistry()
    return module.ConsensusEngine(config(module.ConsensusConfig), storage or NoStorage(), registry)


def judge_all(engine: Any, blocks: list[bytes] | list[Block]) -> None:
    """Judge blocks by the full rules; every one has to be accepted."""
    for block in blocks:
        engine.verify_block(block)


def take_all(blocks: list[bytes], threads: int) -> None:
    """Judge a chain by the full rules with a new native engine, many in a call; all have to be accepted."""
    core = importlib.import_module("coinjecture._core")
    known = GENESIS[NETWORK]
    engine = core.Engine(json.loads(known["block_json"]), known["received_at"])
    for first in range(0, len(blocks), ROWS_AT_ONCE):
        rows = [(raw, RECEIVED_AT) for raw in blocks[first : first + ROWS_AT_ONCE]]
        engine.pass_many(rows, "full", threads=threads)
    if engine.tip().height != len(blocks):
        raise RuntimeError(f"the Rust engine stops at height {engine.tip().height} of a valid chain")
