"""Counting: every call ends in exactly one outcome, and the sum of the outcomes is the number of calls."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from coinjecture_migration.evidence.histograms import (
    COARSE,
    Paired,
    as_json,
    in_latency_buckets,
    latency_bucket,
    ratio_bucket,
)
from coinjecture_migration.runtime.timing import NOTHING, Spent
from coinjecture_migration.vocabulary import LATENCY_EDGES, OUTCOMES, RATIO_EDGES

MOST_TIMED = 64
"""The durations of so many calls wait for their buckets; mostly the thread that flushes puts them there."""


class Ratio:
    """Rust's duration over legacy's, call by call; from a saved one on."""

    def __init__(self, saved: Mapping[str, Any]) -> None:
        self._counts: list[int] = list(saved.get("counts", [0] * (len(RATIO_EDGES) + 1)))
        self._sum: float = saved.get("sum", 0.0)

    def add(self, ratio: float) -> None:
        """Count one pair."""
        self._counts[ratio_bucket(ratio)] += 1
        self._sum += ratio

    def as_json(self) -> dict[str, Any]:
        """The histogram with its bounds."""
        return as_json(RATIO_EDGES, self._counts, self._sum)


class Counters:
    """What one soak has seen. Safe to use from several threads; a snapshot is never torn.

    Args:
        saved: A snapshot to go on from; its `last_call` and its histograms may be missing.
    """

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._lock = threading.Lock()
        self._calls: int = saved.get("calls", 0)
        self._last_call: float | None = saved.get("last_call")
        self._outcomes: dict[str, int] = dict.fromkeys(OUTCOMES, 0) | saved.get("outcomes", {})
        self._kinds: Counter[str] = Counter(saved.get("divergence_kinds"))
        self._skipped: Counter[str] = Counter(saved.get("skipped"))
        self._accepted: int = saved.get("accepted", 0)
        self._rejected: Counter[str] = Counter(saved.get("rejected"))
        self._compared: Counter[str] = Counter(saved.get("rejects_compared"))
        self._out_of_domain_accepted: int = saved.get("out_of_domain_accepted", 0)
        self._latency: dict[str, list[int]] = {
            name: list(buckets) for name, buckets in saved.get("latency", {}).items()
        }
        self._latency_sum: dict[str, float] = dict(saved.get("latency_sum", {}))
        self._ratio = Ratio(saved.get("ratio", {}))
        self._reject_ratio = Ratio(saved.get("reject_ratio", {}))
        self._durations = Paired(COARSE, saved.get("durations"))
        self._timed: list[tuple[Spent, Spent, bool | None]] = []

    def record(
        self,
        outcome: str,
        why: str | None = None,
        *,
        accepted: bool | None = None,
        reason: str | None = None,
        legacy: Spent = NOTHING,
        rust: Spent = NOTHING,
    ) -> None:
        """Count one call.

        A match with durations of both engines is a pair: of `ratio` and `durations` where it is an accept,
        else of `reject_ratio`, kept apart because what is rejected, and how early, is the choice of
        strangers. A reject that is a match was given by both engines.

        Args:
            outcome: One of `OUTCOMES`.
            why: The kind of a divergence, the cause of a skip.
            accepted: What the node was answered; None where it was no verdict.
            reason: The code of a reject.
            legacy: What the legacy engine took; `NOTHING` where it did not judge.
            rust: What the Rust engine took, conversion included; `NOTHING` where it did not judge.
        """
        with self._lock:
            self._calls += 1
            self._last_call = time.time()
            self._outcomes[outcome] += 1
            if accepted:
                self._accepted += 1
            elif accepted is not None:
                self._rejected[reason or "unknown"] += 1
            self._timed.append((legacy, rust, bool(accepted) if outcome == "match" else None))
            if len(self._timed) >= MOST_TIMED:
                self._sort_timed()
            if outcome == "match":
                if accepted is False:
                    self._compared[reason or "unknown"] += 1
            elif outcome == "divergence":
                self._kinds[why or "unknown"] += 1
            elif outcome == "skipped":
                self._skipped[why or "unknown"] += 1
                self._out_of_domain_accepted += bool(accepted) and why == "out_of_domain"

    def _sort_timed(self) -> None:
        """Put the durations of the latest calls into their buckets; under the lock."""
        timed, self._timed = self._timed, []
        for legacy, rust, pair in timed:
            if legacy.wall:
                self._time("legacy", legacy.wall)
            if rust.wall:
                self._time("rust", rust.wall)
            if pair is not None and legacy.wall and rust.wall:
                (self._ratio if pair else self._reject_ratio).add(rust.wall / legacy.wall)
                if pair:
                    self._durations.add(legacy, rust)

    def _time(self, engine: str, seconds: float) -> None:
        buckets = self._latency.get(engine)
        if buckets is None:
            buckets = self._latency[engine] = [0] * (len(LATENCY_EDGES) + 1)
            self._latency_sum[engine] = self._latency_sum.get(engine, 0.0)
        buckets[latency_bucket(seconds)] += 1
        self._latency_sum[engine] += seconds

    @property
    def calls(self) -> int:
        """How many calls there were; it changes with everything that is counted."""
        return self._calls

    def outcome(self, name: str) -> int:
        """How many calls ended in this outcome."""
        return self._outcomes[name]

    def snapshot(self) -> dict[str, Any]:
        """All counters at one moment, as the evidence holds them."""
        with self._lock:
            self._sort_timed()
            return {
                "last_call": self._last_call,
                "calls": self._calls,
                "outcomes": dict(self._outcomes),
                "divergence_kinds": dict(self._kinds),
                "skipped": dict(self._skipped),
                "accepted": self._accepted,
                "rejected": dict(self._rejected),
                "rejects_compared": dict(self._compared),
                "out_of_domain_accepted": self._out_of_domain_accepted,
                "latency": {engine: list(buckets) for engine, buckets in self._latency.items()},
                "latency_sum": dict(self._latency_sum),
                "ratio": self._ratio.as_json(),
                "reject_ratio": self._reject_ratio.as_json(),
                "durations": self._durations.as_json(),
            }


def flat(snapshot: Mapping[str, Any], mode: str) -> dict[str, float]:
    """A snapshot as single counters by name, such as `outcome/shadow/match`; those of a mode name it.

    This is how totals and intervals are kept, so that a new counter needs no new column.
    """
    cpu = snapshot["durations"]["cpu"]
    named: dict[str, float] = {f"accepted/{mode}": snapshot["accepted"]}
    for prefix, values in (
        (f"outcome/{mode}", snapshot["outcomes"]),
        (f"rejected/{mode}", snapshot["rejected"]),
        (f"skipped/{mode}", snapshot["skipped"]),
        ("compared", snapshot["rejects_compared"]),
        ("kind", snapshot["divergence_kinds"]),
        ("latency_sum", snapshot["latency_sum"]),
        ("ratio", dict(enumerate(snapshot["ratio"]["counts"]))),
        ("reject_ratio", dict(enumerate(snapshot["reject_ratio"]["counts"]))),
        *((f"latency/{engine}", dict(enumerate(b))) for engine, b in snapshot["latency"].items()),
        *((f"cpu/{engine}", in_latency_buckets(found)) for engine, found in cpu.items()),
        ("cpu_sum", {engine: found["sum"] for engine, found in cpu.items()}),
    ):
        named.update({f"{prefix}/{name}": value for name, value in values.items()})
    named["ratio_sum"] = snapshot["ratio"]["sum"]
    named["reject_ratio_sum"] = snapshot["reject_ratio"]["sum"]
    return {name: value for name, value in named.items() if value}
