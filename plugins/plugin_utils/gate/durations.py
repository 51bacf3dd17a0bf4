"""What the same blocks took both engines, as the evidence holds it: histograms with narrow buckets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import Any

from .bounds import ranks
from .reading import GarbledError, count

MOST_DECADES = 20
"""Of nanoseconds: three thousand years. No duration lies beyond, and no edge is too large for a float."""
MOST_PER_DECADE = 10_000


def between(low: float, high: float, part: float) -> float:
    """The value at a part (0 to 1) of a geometric bucket, in which values are taken to be spread evenly."""
    return float(low * (high / low) ** part)


@dataclass(frozen=True)
class Spread:
    """How the durations of one engine are spread.

    Attributes:
        per_decade: Bucket k ends at 10^(k / per_decade) nanoseconds.
        buckets: Those that hold something, ascending.
        below: How many durations lie in each of them and in those before it.
    """

    per_decade: int
    buckets: tuple[int, ...]
    below: tuple[int, ...]

    @classmethod
    def of(cls, per_decade: int, counts: Mapping[int, int]) -> Spread:
        """A spread of counts by bucket."""
        filled = {bucket: n for bucket, n in sorted(counts.items()) if n}
        return cls(per_decade, tuple(filled), tuple(accumulate(filled.values())))

    @property
    def total(self) -> int:
        """How many durations there are."""
        return self.below[-1] if self.below else 0

    def counts(self) -> dict[int, int]:
        """Counts by bucket."""
        before = (0, *self.below)
        return {bucket: self.below[at] - before[at] for at, bucket in enumerate(self.buckets)}

    def edges(self, rank: int) -> tuple[float, float]:
        """Between which two durations, in seconds, the one at a rank (from 1 on) lies."""
        bucket = self.buckets[bisect_left(self.below, rank)]
        return (self._edge(bucket - 1) if bucket else 0.0), self._edge(bucket)

    def quantile(self, share: float) -> float:
        """A quantile in seconds, for people: it lies in the bucket of the true one, see `between`."""
        rank = max(1, ceil(share * self.total))
        at = bisect_left(self.below, rank)
        before = self.below[at - 1] if at else 0
        part = (rank - before) / (self.below[at] - before)
        return between(self._edge(self.buckets[at] - 1), self._edge(self.buckets[at]), part)

    def bounds(self, share: float, confidence: float) -> tuple[float, float]:
        """Between which two durations, in seconds, a quantile lies, each with this confidence by itself."""
        low, high = ranks(share, self.total, confidence)
        return (
            self.edges(low)[0] if low is not None else 0.0,
            self.edges(high)[1] if high is not None else float("inf"),
        )

    def _edge(self, bucket: int) -> float:
        return float(10 ** (bucket / self.per_decade - 9))


@dataclass(frozen=True)
class Durations:
    """What the same blocks took both engines, by one clock."""

    legacy: Spread
    rust: Spread

    @property
    def pairs(self) -> int:
        """How many blocks both engines judged."""
        return self.rust.total


@dataclass(frozen=True)
class Measured:
    """Durations of the same blocks, in processor time and by the clock; None where that was not measured."""

    cpu: Durations
    wall: Durations | None = None


def read(found: Any, where: str) -> Measured | None:
    """Durations as a node tells them; None where an older program told none.

    Raises:
        GarbledError: They are there, and a value in them cannot be believed.
    """
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise GarbledError(f"{where} is not an object")
    cpu = _of_both(found.get("cpu"), f"{where}.cpu")
    wall = _of_both(found["wall"], f"{where}.wall") if "wall" in found else None
    return Measured(cpu, wall)


def together(found: list[Measured]) -> Measured | None:
    """Durations from several places as one; those in other buckets than the most are left out."""
    measured = sorted((one for one in found if one.cpu.pairs), key=lambda one: -one.cpu.pairs)
    if not measured:
        return None
    cpu = _added([one.cpu for one in measured])
    walls = [one.wall for one in measured if one.wall is not None]
    return Measured(cpu, _added(walls) if walls else None)


def _of_both(found: Any, where: str) -> Durations:
    if not isinstance(found, Mapping):
        raise GarbledError(f"{where} is not an object")
    legacy, rust = (_spread(found.get(engine), f"{where}.{engine}") for engine in ("legacy", "rust"))
    if legacy.total != rust.total or legacy.per_decade != rust.per_decade:
        raise GarbledError(f"{where} is of {legacy.total} judgements by legacy and {rust.total} by Rust")
    return Durations(legacy, rust)


def _spread(found: Any, where: str) -> Spread:
    if not isinstance(found, Mapping) or not isinstance(found.get("counts"), Mapping):
        raise GarbledError(f"{where} is no histogram of durations")
    per_decade = count(found, "per_decade", f"{where}.")
    if not 1 <= per_decade <= MOST_PER_DECADE:
        raise GarbledError(f"{where}.per_decade is {per_decade}, must be from 1 to {MOST_PER_DECADE}")
    counts: dict[int, int] = {}
    for name in found["counts"]:
        if not (isinstance(name, str) and name.isascii() and name.isdecimal() and len(name) < 10):
            raise GarbledError(f"{where}.counts names the bucket {str(name)[:20]!r}")
        if int(name) > MOST_DECADES * per_decade:
            raise GarbledError(f"{where}.counts has a bucket beyond every duration: {name}")
        counts[int(name)] = count(found["counts"], name, f"{where}.counts ")
    spread = Spread.of(per_decade, counts)
    if spread.total != count(found, "count", f"{where}."):
        raise GarbledError(f"{where} counts {spread.total} durations and says {found['count']}")
    return spread


def _added(found: list[Durations]) -> Durations:
    first = found[0]
    alike = [one for one in found if one.rust.per_decade == first.rust.per_decade]
    return Durations(_sum([one.legacy for one in alike]), _sum([one.rust for one in alike]))


def _sum(spreads: list[Spread]) -> Spread:
    counts: dict[int, int] = {}
    for spread in spreads:
        for bucket, n in spread.counts().items():
            counts[bucket] = counts.get(bucket, 0) + n
    return Spread.of(spreads[0].per_decade, counts)
