"""Speed of the two engines on the same blocks: from wire bytes, from objects, over a whole chain."""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import orjson

from bench import engines
from bench.chain import NETWORK, genesis, mined, stretched
from bench.measure import Pairs, alone, pairs
from fuzz.oracle import GENESIS

Out = Callable[[str], None]


@dataclass(frozen=True)
class Sample:
    """Blocks of one size: a valid chain and its beginning. `suffix` tells its rows from the others'."""

    suffix: str
    raw: list[bytes]
    chain: list[bytes]

    @property
    def block_bytes(self) -> int:
        """Median size of a block."""
        return round(median(map(len, self.raw)))


@dataclass(frozen=True)
class Effort:
    """How much is measured: problems to mine, length of the chains, pairs of runs."""

    mined: int = 24
    chain: int = 200
    replayed: int = 10_000
    mined_large: int = 6
    chain_large: int = 36
    replayed_large: int = 1_000
    runs: int = 101
    rebuild_blocks: int = 1_000_000
    rounds: int = 5
    way_back_blocks: int = 100_000


def samples(effort: Effort) -> list[Sample]:
    """Mine the blocks: two transactions make the network's median size, a hundred with notes a large one."""
    median_size = mined(effort.mined, transactions=2)
    large = mined(effort.mined_large, transactions=100, payload_bytes=208)
    usual_chain = [raw for raw, _ in stretched(median_size, effort.replayed)]
    large_chain = [raw for raw, _ in stretched(large, effort.replayed_large)]
    return [
        Sample("", usual_chain[: effort.chain], usual_chain),
        Sample("_large", large_chain[: effort.chain_large], large_chain),
    ]


def compared(sample: Sample, runs: int, out: Out) -> list[dict[str, object]]:
    """The rows of `results` for blocks of one size."""
    measurements = (
        ("verify_wire", wire),
        ("verify_object", objects),
        ("replay", replay),
        ("replay_one_core", replay_one_core),
    )
    rows = []
    for name, measurement in measurements:
        out(f"{name}{sample.suffix}: {runs} pairs on blocks of {sample.block_bytes:,} bytes")
        found = measurement(sample, runs)
        rows.append(found.result(name + sample.suffix, block_bytes=sample.block_bytes))
    return rows


def wire(sample: Sample, runs: int) -> Pairs:
    """Full verification from wire bytes: parse, judge, insert. The tree holds the blocks already."""
    oracle, rust = engines.oracle(), engines.rust()
    return pairs(
        lambda: engines.judge_all(oracle, sample.raw),
        lambda: engines.judge_all(rust, sample.raw),
        len(sample.raw),
        runs,
    )


def objects(sample: Sample, runs: int) -> Pairs:
    """Full verification from a block as Python has it after `json.loads`."""
    oracle, rust = engines.oracle(), engines.rust()
    blocks = [json.loads(raw) for raw in sample.raw]
    return pairs(
        lambda: engines.judge_all(oracle, blocks),
        lambda: engines.judge_all(rust, blocks),
        len(blocks),
        runs,
    )


def replay_one_core(sample: Sample, runs: int) -> Pairs:
    """A chain from its stored bytes into a new engine, by the full rules, on one core."""
    return pairs(
        lambda: engines.judge_all(engines.oracle(), sample.chain),
        lambda: engines.take_all(sample.chain, threads=1),
        len(sample.chain),
        runs,
    )


def replay(sample: Sample, runs: int) -> Pairs:
    """The same, the Python engine on one core and the Rust engine on two: time that passes, not CPU time."""
    return pairs(
        lambda: engines.judge_all(engines.oracle(), sample.chain),
        lambda: engines.take_all(sample.chain, threads=2),
        len(sample.chain),
        runs,
        clock=time.perf_counter,
    )


def floors(sample: Sample, runs: int, rust_s: float) -> list[dict[str, object]]:
    """What no engine can be faster than, per block: SHA-256 of the same bytes; orjson's parse and SHA-256.

    `rust_s` is what the Rust engine takes from wire bytes; it is given as a multiple of each floor as well.
    """

    def sha256() -> None:
        for raw in sample.raw:
            hashlib.sha256(raw).digest()

    def parse_and_sha256() -> None:
        for raw in sample.raw:
            orjson.loads(raw)
            hashlib.sha256(raw).digest()

    rows: list[dict[str, object]] = []
    for name, work in (("floor_sha256", sha256), ("floor_orjson", parse_and_sha256)):
        floor = alone(work, len(sample.raw), runs)
        rows.append({"name": name + sample.suffix, "value": floor, "unit": "s per block"})
        rows.append({"name": f"rust_over_{name}{sample.suffix}", "value": rust_s / floor, "unit": "times"})
    return rows


def core(sample: Sample, runs: int) -> dict[str, object]:
    """The native module by itself, per block: capture, judge, apply, without the class that a node calls."""
    module = importlib.import_module("coinjecture._core")
    engine = module.Engine(genesis(), GENESIS[NETWORK]["received_at"])

    def judge() -> None:
        for raw in sample.raw:
            engine.apply(engine.judge(module.capture(raw), 1.8e9, "full"))

    value = alone(judge, len(sample.raw), runs)
    return {"name": "core_wire" + sample.suffix, "value": value, "unit": "s per block"}
