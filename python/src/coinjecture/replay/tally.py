"""What a replay has counted; it travels from process to process as it is."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

FILES_KEPT = 200
ENGINES = ("legacy", "rust")
PER_DECADE = 240
"""Buckets of durations to a decade, as in the evidence of a node, so that both can be added up."""


def bucket(seconds: float) -> int:
    """The bucket of a duration: number k ends at 10^(k / PER_DECADE) nanoseconds."""
    return max(math.ceil(math.log10(seconds * 1e9) * PER_DECADE), 0) if seconds > 1e-9 else 0


@dataclass
class Tally:
    """Counters of a replay or of a part of it.

    Attributes:
        blocks: Verdicts on stored blocks, by code.
        mutants: Verdicts on mutants, by code.
        divergences: Each with the sequence of its block, what was done to it, and the file that replays it.
        out_of_domain: Stored blocks that only the legacy engine can judge: sequence, why, and its verdict.
        not_accepted: Stored blocks that both engines reject: sequence and code.
        ratios: Of each stored block that both engines judged: processor time of Rust over that of Python.
        durations: Processor times of the blocks that both accepted, by engine: how many in each bucket.
        accepted_seconds: Their sum, by engine.
        seconds: Processor time spent in each engine.
        calls: Judgements by each engine.
    """

    blocks: Counter[str] = field(default_factory=Counter)
    mutants: Counter[str] = field(default_factory=Counter)
    diverging: int = 0
    divergences: list[dict[str, Any]] = field(default_factory=list)
    out_of_domain: list[dict[str, Any]] = field(default_factory=list)
    not_accepted: list[dict[str, Any]] = field(default_factory=list)
    ratios: array[float] = field(default_factory=lambda: array("d"))
    durations: dict[str, Counter[int]] = field(default_factory=lambda: {e: Counter() for e in ENGINES})
    accepted_seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ENGINES, 0.0))
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ENGINES, 0.0))
    calls: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add another part's counters to these."""
        self.blocks.update(other.blocks)
        self.mutants.update(other.mutants)
        self.diverging += other.diverging
        self.divergences += other.divergences
        self.out_of_domain += other.out_of_domain
        self.not_accepted += other.not_accepted
        self.ratios.extend(other.ratios)
        for engine in ENGINES:
            self.seconds[engine] += other.seconds[engine]
            self.durations[engine].update(other.durations[engine])
            self.accepted_seconds[engine] += other.accepted_seconds[engine]
        self.calls.update(other.calls)

    def add_pair(self, legacy: float, rust: float) -> None:
        """Count what a block that both engines accepted took either, in seconds of processor time."""
        for engine, seconds in (("legacy", legacy), ("rust", rust)):
            self.durations[engine][bucket(seconds)] += 1
            self.accepted_seconds[engine] += seconds

    @property
    def cases(self) -> int:
        """Blocks and mutants that both engines judged."""
        outside = self.blocks["out_of_domain"] + self.mutants["out_of_domain"]
        return self.blocks.total() + self.mutants.total() - outside
