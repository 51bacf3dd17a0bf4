"""Counting: every call ends in exactly one outcome, and the sum of the outcomes is the number of calls."""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from collections import Counter
from typing import Any

OUTCOMES = ("match", "divergence", "rust_error", "legacy_error", "skipped", "alone")
_DECADES = 6
_EDGES_PER_DECADE = 6
LATENCY_EDGES = tuple(10 ** (k / _EDGES_PER_DECADE - 6) for k in range(_DECADES * _EDGES_PER_DECADE + 1))
"""Upper edges of the latency buckets in seconds, 1 us to 1 s, each 10^(1/6) = 1.47 times the one before."""


class Counters:
    """What one soak has seen. Safe to use from several threads; a snapshot is never torn."""

    def __init__(self, saved: dict[str, Any] | None = None) -> None:
        saved = saved or {}
        self._lock = threading.Lock()
        self._calls: int = saved.get("calls", 0)
        self._last_call: float | None = saved.get("last_call")
        self._outcomes: Counter[str] = Counter(saved.get("outcomes"))
        self._kinds: Counter[str] = Counter(saved.get("divergence_kinds"))
        self._skipped: Counter[str] = Counter(saved.get("skipped"))
        self._accepted: int = saved.get("accepted", 0)
        self._rejected: Counter[str] = Counter(saved.get("rejected"))
        self._out_of_domain_accepted: int = saved.get("out_of_domain_accepted", 0)
        self._latency: dict[str, list[int]] = saved.get("latency", {})

    def record(
        self, outcome: str, why: str | None = None, *, accepted: bool | None = None, reason: str | None = None
    ) -> None:
        """Count one call.

        Args:
            outcome: One of `OUTCOMES`.
            why: The kind of a divergence, the cause of a skip.
            accepted: What the node was answered; None where it was no verdict.
            reason: The code of a reject.
        """
        with self._lock:
            self._calls += 1
            self._last_call = time.time()
            self._outcomes[outcome] += 1
            if outcome == "divergence":
                self._kinds[why or "unknown"] += 1
            if outcome == "skipped":
                self._skipped[why or "unknown"] += 1
            if accepted:
                self._accepted += 1
                self._out_of_domain_accepted += why == "out_of_domain"
            elif accepted is not None:
                self._rejected[reason or "unknown"] += 1

    def time(self, engine: str, seconds: float) -> None:
        """Count one judgement into the engine's latency histogram; the last bucket is above 1 s."""
        with self._lock:
            buckets = self._latency.setdefault(engine, [0] * (len(LATENCY_EDGES) + 1))
            buckets[bisect_left(LATENCY_EDGES, seconds)] += 1

    def outcome(self, name: str) -> int:
        """How many calls ended in this outcome."""
        with self._lock:
            return self._outcomes[name]

    def snapshot(self) -> dict[str, Any]:
        """All counters at one moment, as the evidence holds them."""
        with self._lock:
            return {
                "last_call": self._last_call,
                "calls": self._calls,
                "outcomes": {name: self._outcomes[name] for name in OUTCOMES},
                "divergence_kinds": dict(self._kinds),
                "skipped": dict(self._skipped),
                "accepted": self._accepted,
                "rejected": dict(self._rejected),
                "out_of_domain_accepted": self._out_of_domain_accepted,
                "latency": {engine: list(buckets) for engine, buckets in self._latency.items()},
            }


def quantile(buckets: list[int], share: float) -> float | None:
    """Upper edge in seconds of the bucket with the `share`-th judgement; inf above 1 s, None if empty."""
    wanted = math.ceil(share * sum(buckets))
    if wanted <= 0:
        return None
    seen = 0
    for count, edge in zip(buckets, (*LATENCY_EDGES, math.inf), strict=True):
        seen += count
        if seen >= wanted:
            return edge
    return math.inf
