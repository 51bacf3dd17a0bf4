"""Pairs of durations: how many there are, and how many of them lie above the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .reading import Garbled, count, finite


@dataclass(frozen=True)
class Pairs:
    """Calls that both engines judged: `total` of them, `above` of them with a ratio above the limit."""

    total: int = 0
    above: int = 0

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(self.total + other.total, self.above + other.above)


def of_histogram(histogram: Any, limit: float, where: str) -> Pairs:
    """Pairs of a histogram that has the limit among its edges.

    Raises:
        Garbled: It is no histogram, or the limit is no edge of it.
    """
    if not isinstance(histogram, Mapping):
        raise Garbled(f"{where} is not an object")
    bounds, buckets = histogram.get("bounds"), histogram.get("counts")
    if not isinstance(bounds, list) or not isinstance(buckets, list) or len(buckets) != len(bounds) + 1:
        raise Garbled(f"{where} is no histogram")
    if not all(finite(edge) for edge in bounds) or bounds != sorted(bounds):
        raise Garbled(f"{where} has edges that do not rise")
    numbered = dict(enumerate(buckets))
    checked = [count(numbered, index, f"{where}.counts ") for index in numbered]
    if limit not in bounds:
        raise Garbled(f"{where} has no edge at {limit:g}; max_latency_ratio must be one of its edges")
    return Pairs(sum(checked), sum(checked[bounds.index(limit) + 1 :]))


def surely_above(histogram: Any, limit: float, where: str) -> Pairs:
    """Pairs of a histogram, those above the limit counted only where their bucket leaves no doubt.

    Raises:
        Garbled: It is no histogram.
    """
    bounds = histogram.get("bounds") if isinstance(histogram, Mapping) else None
    beyond = [edge for edge in bounds if finite(edge) and edge >= limit] if isinstance(bounds, list) else []
    return of_histogram(histogram, min(beyond, default=limit), where)


def of_replay(result: Mapping[str, Any], limit: float) -> Pairs:
    """Pairs of a replay's result; none where it timed none.

    Raises:
        Garbled: A value in it cannot be believed.
    """
    ratio = result.get("ratio")
    if ratio is None:
        return Pairs()
    if not isinstance(ratio, Mapping):
        raise Garbled("replay.ratio is not an object")
    if limit != 1.0:
        return of_histogram(ratio.get("histogram"), limit, "replay.ratio.histogram")
    pairs = Pairs(count(ratio, "pairs", "replay.ratio."), count(ratio, "above_1", "replay.ratio."))
    if pairs.above > pairs.total:
        raise Garbled("replay.ratio has more pairs above 1 than pairs")
    return pairs
