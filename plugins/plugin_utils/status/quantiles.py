"""Quantiles of histograms with the buckets of `vocabulary`: for people, never for a decision. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ...module_utils.vocabulary import LATENCY_EDGES, QUANTILES
from ..gate.durations import between


class Quantiles(TypedDict):
    """Durations of an engine's judgements in seconds, see `quantile`."""

    p50: float | None
    p99: float | None
    count: int


def quantiles(counts: Sequence[int] | None) -> Quantiles | None:
    """Median and 99th percentile of an engine's buckets in a soak, None where it has judged nothing."""
    if not counts or not sum(counts):
        return None
    histogram = {"bounds": LATENCY_EDGES, "counts": counts, "count": sum(counts)}
    share = {name: share for name, share, _ in QUANTILES}
    return {
        "p50": quantile(histogram, share["p50"]),
        "p99": quantile(histogram, share["p99"]),
        "count": sum(counts),
    }


def quantile(histogram: Mapping[str, Any], share: float) -> float | None:
    """A quantile, in the bucket of the true one and as far into it as its rank; None above the last edge.

    An edge alone would be the same for any two quantiles of one bucket, and buckets are half as wide again as
    the one before: two engines would seem to take the same time.

    Args:
        histogram: ``bounds`` (upper edges), ``counts`` (one more than edges) and ``count``.
        share: From above 0 to 1.
    """
    bounds, wanted, seen = histogram["bounds"], share * histogram["count"], 0
    for at, (edge, count) in enumerate(zip(bounds, histogram["counts"], strict=False)):
        if count and seen + count >= wanted:
            wide = bounds[1] / edge if not at and len(bounds) > 1 else 1.0
            low = bounds[at - 1] if at else edge / wide
            return between(low, edge, (wanted - seen) / count)
        seen += count
    return None
