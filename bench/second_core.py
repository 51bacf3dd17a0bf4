"""What a second core of this machine is worth at the moment.

The cores of a shared host may be two threads of one core, today or for half a second, and nothing in the
machine says so. Two processes that share nothing do: their work at the same time, over that of one alone, is
the most that two threads of one engine could reach.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from bench import engines

_chain: list[bytes] = []


def _keep(chain: list[bytes]) -> None:
    _chain[:] = chain


def _replayed() -> float:
    """Seconds that pass while a new Rust engine judges the chain on one core."""
    started = time.perf_counter()
    engines.take_all(_chain, threads=1)
    return time.perf_counter() - started


def worth(chain: list[bytes], rounds: int) -> dict[str, object]:
    """A row of `results`: the work of two processes at the same time over that of one alone, as a median."""
    context = multiprocessing.get_context("spawn")

    def process() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=context, initializer=_keep, initargs=(chain,))

    def seconds(*pools: ProcessPoolExecutor) -> list[float]:
        running = [pool.submit(_replayed) for pool in pools]
        return [one.result() for one in running]

    with process() as one, process() as other:
        seconds(one, other)  # warms them up
        found = []
        for _ in range(rounds):
            (alone,) = seconds(one)
            found.append(sum(alone / together for together in seconds(one, other)))
    return {"name": "two_processes_over_one", "value": median(found), "unit": "times the work"}
