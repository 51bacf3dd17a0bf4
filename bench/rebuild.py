"""A long chain: time to rebuild an engine from its log, and memory of the tree, in a process of its own."""

from __future__ import annotations

import importlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from bench import engines
from bench.chain import NETWORK, Block, genesis, stretched
from fuzz.oracle import GENESIS

T = TypeVar("T")

ROWS_AT_ONCE = 2_000
RUNS = 5
TREE_BLOCKS = 200_000
BYTES_PER_BLOCK_KEPT = 4_000  # the raw bytes of a block of median size and what Python adds
SPARE_BYTES = 2 << 30


class TimedLog:
    """A log whose rows are made as they are read; `making_s` is the CPU time that making them took."""

    def __init__(self, blocks: list[Block], length: int) -> None:
        self._rows = stretched(blocks, length)
        self.making_s = 0.0

    def __iter__(self) -> Iterator[tuple[bytes, float]]:
        while True:
            started = time.process_time()
            rows = list(islice(self._rows, ROWS_AT_ONCE))
            self.making_s += time.process_time() - started
            if not rows:
                return
            yield from rows


def lengths(longest: int) -> list[int]:
    """The chains whose cost is compared: a hundredth, a tenth and the whole of the longest one."""
    return [longest // 100, longest // 10, longest]


def rebuild_each(blocks: list[Block], longest: int) -> list[float]:
    """`rebuild_seconds` for each of the `lengths`; of the shorter ones the median of several."""
    return [
        median(rebuild_seconds(blocks, length) for _ in range(RUNS if length < longest else 1))
        for length in lengths(longest)
    ]


def rebuild_seconds(blocks: list[Block], length: int) -> float:
    """CPU seconds until a Rust engine has rebuilt its tree from the raw bytes of a chain."""
    log = TimedLog(blocks, length)
    started = time.process_time()
    engine = engines.rust(engines.LogStorage(log))
    took = time.process_time() - started - log.making_s
    if len(engine.block_tree) != length + 1:
        raise RuntimeError(f"the rebuilt tree has {len(engine.block_tree)} nodes, {length + 1} expected")
    return took


def tree_bytes_per_block(blocks: list[Block], length: int) -> float:
    """Memory that the process gains per block in the native engine's tree."""
    core = importlib.import_module("coinjecture._core")
    engine = core.Engine(genesis(), GENESIS[NETWORK]["received_at"])
    rows = stretched(blocks, 2 * length)
    _insert(core, engine, islice(rows, length))  # the second half shows what a tree of that size really costs
    before = resident_bytes()
    _insert(core, engine, rows)
    if len(engine) != 2 * length + 1:
        raise RuntimeError(f"the tree has {len(engine)} nodes, {2 * length + 1} expected")
    return (resident_bytes() - before) / length


def _insert(core: Any, engine: Any, rows: Iterator[tuple[bytes, float]]) -> None:
    for raw, received_at in rows:
        engine.apply(engine.judge(core.capture(raw), received_at, "header"))


def resident_bytes() -> int:
    """Memory of this process that is in use now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmRSS: the memory cannot be measured on this system")


def available_bytes() -> int:
    """Memory that new processes can have without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo has no MemAvailable: the memory cannot be measured on this system")


def affordable(length: int) -> int:
    """A length of chain, not above the one asked for, whose blocks fit into memory."""
    fits = (available_bytes() - SPARE_BYTES) // BYTES_PER_BLOCK_KEPT
    return length if fits >= length else min(length, max(10_000, fits // 10_000 * 10_000))


def apart(measurement: Callable[[list[Block], int], T], blocks: list[Block], length: int) -> T:
    """Carry out a measurement in a new process, whose memory is its own and is given back."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measurement, blocks, length).result()
