"""Measuring in alternating pairs, and what is made of the figures."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

LEAST_S = 0.01
"""A measurement repeats its work until it takes so long: the clock and its reading count for nothing then."""

Work = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Pairs:
    """Seconds per unit of work of two engines; the n-th of each were measured one right after the other."""

    oracle: tuple[float, ...]
    rust: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Oracle time over Rust time, pair by pair: higher is better."""
        return [ours / theirs for ours, theirs in zip(self.oracle, self.rust, strict=True)]

    def result(self, name: str, **more: object) -> dict[str, object]:
        """A row of `results`: medians, and the range that holds the middle four fifths of the pairs."""
        ratios = self.ratios
        low, high = (min(ratios), max(ratios)) if len(ratios) < 10 else _tenths(ratios)
        return {
            "name": name,
            "oracle_s": median(self.oracle),
            "rust_s": median(self.rust),
            "ratio": median(ratios),
            "ratio_low": low,
            "ratio_high": high,
            "runs": len(ratios),
            **more,
        }


def pairs(oracle: Work, rust: Work, units: int, runs: int, clock: Clock = time.thread_time) -> Pairs:
    """Measure two functions in turns; either does `units` units of work.

    Times are CPU time of this thread unless `clock` is another one.

    Which one goes first changes from pair to pair, so a machine that slows down or speeds up favours neither.
    """
    repeats = {oracle: repeats_for(oracle), rust: repeats_for(rust)}
    times: dict[Work, list[float]] = {oracle: [], rust: []}
    for run in range(runs):
        for work in (oracle, rust) if run % 2 else (rust, oracle):
            times[work].append(seconds(work, repeats[work], clock) / units)
    return Pairs(tuple(times[oracle]), tuple(times[rust]))


def seconds(work: Work, repeats: int = 1, clock: Clock = time.thread_time) -> float:
    """Seconds (CPU time by default) that one call takes, as a mean; garbage is collected before."""
    gc.collect()
    gc.disable()
    try:
        started = clock()
        for _ in range(repeats):
            work()
        return (clock() - started) / repeats
    finally:
        gc.enable()


def repeats_for(work: Work) -> int:
    """How often to call it so that a measurement takes long enough. The calls made here warm it up."""
    repeats = 1
    while (took := seconds(work, repeats) * repeats) < LEAST_S:
        repeats = max(2 * repeats, round(repeats * LEAST_S / max(took, 1e-6)))
    return repeats


def alone(work: Work, units: int, runs: int) -> float:
    """Median of the CPU seconds per unit of work, of something that is compared with nothing."""
    repeats = repeats_for(work)
    return median(seconds(work, repeats) / units for _ in range(runs))


def _tenths(values: list[float]) -> tuple[float, float]:
    cuts = quantiles(values, n=10, method="inclusive")
    return cuts[0], cuts[-1]
