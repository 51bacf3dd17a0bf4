"""Calls as a live node makes them: now and then, when other work has taken caches or processor meanwhile."""

from __future__ import annotations

import dataclasses
import gc
import importlib
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from coinjecture.replay.legacy import NoStorage

from bench import engines
from bench.measure import Pairs
from fuzz.oracle import ROOT

DEPLOYED_SOURCE = ROOT / "testnet/deployed_node/src"
PROBLEM_SIZE = 10
PAUSE_S = 0.005
"""A pause in which a core goes to rest, or to somebody else."""

_walked = b"\1" * (64 << 20)
"""More than all caches of a core hold. Zeros would not do: untouched memory is one page."""

Judge = Callable[[Any], object]


class Subject(NamedTuple):
    """Blocks of one form, and what judges them.

    Attributes:
        name: The form.
        blocks: The blocks, which the engines' trees may hold already.
        oracle: Judges a block by the Python engine.
        rust: Judges it by the Rust engine.
        bytes: Median size of a block as JSON.
    """

    name: str
    blocks: list[Any]
    oracle: Judge
    rust: Judge
    bytes: int


def empty_caches() -> None:
    """Read so much memory that nothing else is left in any cache."""
    _walked.find(b"\0")


def pause() -> None:
    """Do nothing for a while, as between two blocks."""
    time.sleep(PAUSE_S)


BEFORE: dict[str, Callable[[], None]] = {"cold": empty_caches, "idle": pause}
"""What comes before each call, by the name of the row."""


def once(before: Callable[[], None], judge: Judge, block: Any) -> float:
    """Seconds of processor time that one call takes after that."""
    before()
    started = time.thread_time()
    judge(block)
    return time.thread_time() - started


def rows(raw: list[bytes], runs: int) -> list[dict[str, object]]:
    """A row for each form and each state before a call, of so many pairs. Run it in a process of its own."""
    blocks = [json.loads(one) for one in raw]
    oracle, rust = engines.oracle(), engines.rust()
    size = sorted(map(len, raw))[len(raw) // 2]
    subjects = [
        Subject("dict", blocks, oracle.verify_block, rust.verify_block, size),
        Subject("bytes", raw, oracle.verify_block, rust.verify_block, size),
        deployed(len(raw)),
    ]
    gc.collect()
    gc.disable()
    return [
        compared(subject, before, runs).result(f"{name}_{subject.name}", block_bytes=subject.bytes)
        for name, before in BEFORE.items()
        for subject in subjects
    ]


def compared(subject: Subject, before: Callable[[], None], runs: int) -> Pairs:
    """Single calls of both engines in turns; which goes first changes from pair to pair."""
    for block in subject.blocks:
        subject.oracle(block)
        subject.rust(block)
    times: dict[Judge, list[float]] = {subject.oracle: [], subject.rust: []}
    for run in range(runs):
        block = subject.blocks[run % len(subject.blocks)]
        for judge in list(times)[:: 1 if run % 2 else -1]:
            times[judge].append(once(before, judge, block))
    return Pairs(tuple(times[subject.oracle]), tuple(times[subject.rust]))


class ContentStore(NoStorage):
    """Storage as the deployed engine wants it: with a content store that is well."""

    @property
    def ipfs_client(self) -> ContentStore:
        """The content store."""
        return self

    def health_check(self) -> bool:
        """It is well."""
        return True

    def get_block(self, _block_hash: str) -> None:
        """None is kept."""

    def store_proof_bundle(self, _bundle: bytes) -> str:
        """Name of what is kept."""
        return "proof"


def deployed(count: int) -> Subject:
    """Block objects of the deployed node, judged by its own engine without its printing, and by Rust."""
    sys.path.insert(0, str(DEPLOYED_SOURCE))
    consensus, mining, wire = map(importlib.import_module, ("consensus", "mining", "wire"))
    vars(consensus)["print"] = lambda *_: None
    config = consensus.ConsensusConfig(max_headers_per_second=10**9)
    oracle = consensus.ConsensusEngine(config, ContentStore(), mining.ProblemRegistry())
    surface, module = map(importlib.import_module, ("consensus_surface", "coinjecture.consensus"))
    known = surface.ConsensusConfig(**dataclasses.asdict(config), genesis_block=oracle.genesis_block)
    rust = module.ConsensusEngine(known, ContentStore(), mining.ProblemRegistry())
    genesis, draw, blocks = oracle.genesis_block, random.Random(1), list[Any]()  # noqa: S311 - blocks, no secrets
    parent = mining.Parent(0, genesis.timestamp, genesis.block_hash, 0.0)
    for _ in range(count):
        blocks.append(mined := mining.mine(parent, draw, PROBLEM_SIZE))
        parent = mining.Parent(mined.index, mined.timestamp, mined.block_hash, mined.cumulative_work_score)
    size = len(json.dumps(wire.encode(blocks[0])))
    return Subject("object", blocks, oracle.validate_header, rust.validate_header, size)
