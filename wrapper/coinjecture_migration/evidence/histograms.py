"""Histograms with geometric buckets: durations, and the ratio of the two engines' durations.

A bucket holds what is above the edge before it and at most its own edge; the last one holds what is above
every edge.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from coinjecture_migration.runtime.timing import Spent
from coinjecture_migration.vocabulary import ENGINES, LATENCY_EDGES, RATIO_EDGES

FINE, COARSE = 240, 24
"""Narrow buckets to a decade, each 1 % or 10 % wide; both divide those of `LATENCY_EDGES`."""
CLOCKS = ("cpu", "wall")


def latency_bucket(seconds: float) -> int:
    """Index of the bucket of a duration."""
    return bisect_left(LATENCY_EDGES, seconds)


def ratio_bucket(ratio: float) -> int:
    """Index of the bucket of a ratio; exactly 1.0 belongs to those that are at most 1."""
    return bisect_left(RATIO_EDGES, ratio)


def as_json(edges: Sequence[float], buckets: Sequence[int], total: float) -> dict[str, Any]:
    """A histogram with its bounds: `{"bounds", "counts", "sum", "count"}`; one count more than bounds."""
    return {"bounds": list(edges), "counts": list(buckets), "sum": total, "count": sum(buckets)}


def from_counts(edges: Sequence[float], counts: Mapping[int, float], total: float) -> dict[str, Any]:
    """A histogram made of the counts of single buckets, by their index."""
    return as_json(edges, [int(counts.get(index, 0)) for index in range(len(edges) + 1)], total)


class Durations:
    """Durations in narrow buckets, of which only those that hold something are kept.

    Bucket k holds what is above 10^((k-1) / `per_decade`) and at most 10^(k / `per_decade`) nanoseconds;
    bucket 0 holds all up to one nanosecond.
    """

    def __init__(self, per_decade: int, saved: Mapping[str, Any] | None = None) -> None:
        if saved is None or saved.get("per_decade") != per_decade:
            saved = {"counts": {}, "sum": 0.0}
        self._per_decade = per_decade
        self._counts = {int(bucket): count for bucket, count in saved["counts"].items()}
        self._sum: float = saved["sum"]

    def add(self, seconds: float) -> None:
        """Count one duration."""
        bucket = math.ceil(math.log10(seconds * 1e9) * self._per_decade) if seconds > 1e-9 else 0
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._sum += seconds

    def as_json(self) -> dict[str, Any]:
        """`{"per_decade", "counts": {bucket: n}, "sum", "count"}`, the sum in seconds."""
        counts = {str(bucket): count for bucket, count in sorted(self._counts.items())}
        total = sum(self._counts.values())
        return {"per_decade": self._per_decade, "counts": counts, "sum": self._sum, "count": total}


class Paired:
    """What the same blocks took both engines: durations of either, by both clocks.

    Args:
        per_decade: How narrow the buckets are: `FINE` or `COARSE`.
        saved: What `as_json` gave; of other buckets, or None, it begins anew.
    """

    def __init__(self, per_decade: int, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._found = {
            clock: {engine: Durations(per_decade, saved.get(clock, {}).get(engine)) for engine in ENGINES}
            for clock in CLOCKS
        }

    def add(self, legacy: Spent, rust: Spent) -> None:
        """Count one block that both engines judged alike."""
        cpu, wall = self._found["cpu"], self._found["wall"]
        cpu["legacy"].add(legacy.cpu)
        wall["legacy"].add(legacy.wall)
        cpu["rust"].add(rust.cpu)
        wall["rust"].add(rust.wall)

    def as_json(self) -> dict[str, Any]:
        """`{clock: {engine: durations}}`."""
        return {
            clock: {engine: one.as_json() for engine, one in engines.items()}
            for clock, engines in self._found.items()
        }


def in_latency_buckets(durations: Mapping[str, Any]) -> dict[int, int]:
    """Counts of narrow buckets in the wider ones of `LATENCY_EDGES`, by their index."""
    per_edge, wide = durations["per_decade"] // 6, dict[int, int]()
    for bucket, count in durations["counts"].items():
        index = -(-(int(bucket) - 3 * durations["per_decade"]) // per_edge)
        index = min(max(index, 0), len(LATENCY_EDGES))
        wide[index] = wide.get(index, 0) + count
    return wide
