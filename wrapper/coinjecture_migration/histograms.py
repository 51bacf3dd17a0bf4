"""Histograms with fixed geometric buckets: durations, and the ratio of the two engines' durations.

A bucket holds what is above the edge before it and at most its own edge; the last one holds what is above
every edge.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

LATENCY_EDGES = tuple(10 ** (k / 6 - 6) for k in range(37))
"""Upper edges in seconds, 1 us to 1 s, each 10^(1/6) = 1.47 times the one before."""
RATIO_EDGES = tuple(10 ** (k / 12) for k in range(-36, 37))
"""Upper edges of Rust's duration over legacy's, 0.001 to 1000, each 1.21 times the one before; one is 1.0."""


def latency_bucket(seconds: float) -> int:
    """Index of the bucket of a duration."""
    return bisect_left(LATENCY_EDGES, seconds)


def ratio_bucket(ratio: float) -> int:
    """Index of the bucket of a ratio; exactly 1.0 belongs to those that are at most 1."""
    return bisect_left(RATIO_EDGES, ratio)


def quantile(buckets: Sequence[int], share: float, edges: Sequence[float] = LATENCY_EDGES) -> float | None:
    """Upper edge of the bucket with the `share`-th value; inf above the last edge, None if empty."""
    wanted = math.ceil(share * sum(buckets))
    if wanted <= 0:
        return None
    seen = 0
    for count, edge in zip(buckets, (*edges, math.inf), strict=True):
        seen += count
        if seen >= wanted:
            return edge
    return math.inf


def as_json(edges: Sequence[float], buckets: Sequence[int], total: float) -> dict[str, Any]:
    """A histogram with its bounds: `{"bounds", "counts", "sum", "count"}`; one count more than bounds."""
    return {"bounds": list(edges), "counts": list(buckets), "sum": total, "count": sum(buckets)}


def from_counts(edges: Sequence[float], counts: Mapping[int, float], total: float) -> dict[str, Any]:
    """A histogram made of the counts of single buckets, by their index."""
    return as_json(edges, [int(counts.get(index, 0)) for index in range(len(edges) + 1)], total)
