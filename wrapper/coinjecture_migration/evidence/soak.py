"""A soak: continuous time in one mode with one release, configuration and Python, and what breaks it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coinjecture_migration.evidence.counters import Counters

GAP_SECONDS = 5.0
"""A time without evidence that is longer than this is a gap."""
JUMP_SECONDS = 2.0
"""Two clocks that part by more than this between two flushes: one of them was set."""
RECENT_GAPS = 16


@dataclass(frozen=True)
class Clock:
    """The two clocks: `wall` in seconds since the epoch, `steady` in seconds and never set."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Gap:
    """A time for which there is no evidence, in seconds since the epoch; `why` in words.

    Where a clock went back, `ended` lies before `began`.
    """

    began: float
    ended: float
    why: str

    def as_json(self) -> dict[str, Any]:
        """The gap as the evidence holds it."""
        return {"from": self.began, "to": self.ended, "why": self.why}


@dataclass(eq=False)
class Soak:
    """The running soak, or one that has ended and may still be counted into for a moment.

    Attributes:
        mode: The node's mode.
        identity: `release, python, interpreter, libc, config_fingerprint`.
        counters: What it has seen.
        started: When it began, in seconds since the epoch.
        why: Why it began.
        restarts: How often the process has started since.
        process_started: When the process began to count into it, in seconds since the epoch.
        observed: Seconds, by the steady clock, in which a process ran and its evidence reached the disk.
        gaps: The latest gaps; `gap_count` and `gap_seconds` are of all.
        row: Its row on the disk.
        counted_from: Since when, by the steady clock, `observed` is still to be counted; None once it has
            ended.
        stored: Its counters by name as far as they are in totals and intervals.
        calls_stored: Its calls when it was last written; -1 before.
        unwritten_gaps: Gaps found at the start, not yet in the list of all gaps.
    """

    mode: str
    identity: Mapping[str, str | None]
    counters: Counters
    started: float
    why: str
    restarts: int = 0
    process_started: float = 0.0
    observed: float = 0.0
    gaps: list[Gap] = field(default_factory=list)
    gap_count: int = 0
    gap_seconds: float = 0.0
    row: int | None = None
    counted_from: float | None = None
    stored: dict[str, float] = field(default_factory=dict)
    calls_stored: int = -1
    unwritten_gaps: list[Gap] = field(default_factory=list)

    def note_gap(self, gap: Gap) -> None:
        """Remember a gap; of many only the latest ones are listed."""
        self.gaps = [*self.gaps, gap][-RECENT_GAPS:]
        self.gap_count += 1
        self.gap_seconds += max(gap.ended - gap.began, 0.0)

    def measured(self) -> dict[str, Any]:
        """What of it is kept as the baseline: speed of both engines, and on how much it rests."""
        counted = self.counters.snapshot()
        names = (
            *("calls", "outcomes", "rejects_compared"),
            *("latency", "latency_sum", "ratio", "reject_ratio", "durations"),
        )
        facts = {"mode": self.mode, "soak_started": self.started, "observed_seconds": self.observed}
        return {**facts, **self.identity, **{name: counted[name] for name in names}}

    def gaps_as_json(self) -> dict[str, Any]:
        """The gaps as the evidence holds them."""
        return {
            "count": self.gap_count,
            "seconds": self.gap_seconds,
            "recent": [gap.as_json() for gap in self.gaps],
        }


def resumed(row: int, report: Mapping[str, Any], counters: Counters, identity: Mapping[str, Any]) -> Soak:
    """The soak that a stored report tells of, one restart later."""
    gaps = report.get("gaps", {"count": 0, "seconds": 0.0, "recent": []})
    return Soak(
        mode=report["mode"],
        identity=identity,
        counters=counters,
        started=report["soak_started"],
        why=report.get("soak_why", "begun by an older wrapper"),
        restarts=report["restarts"] + 1,
        observed=report.get("observed_seconds", 0.0),
        gaps=[Gap(gap["from"], gap["to"], gap["why"]) for gap in gaps["recent"]],
        gap_count=gaps["count"],
        gap_seconds=gaps["seconds"],
        row=row,
    )


def between(last_wall: float, wall: float, steady_passed: float, why_silent: str) -> Gap | None:
    """The gap between two moments at which evidence was written, None where there is none.

    Args:
        last_wall: The earlier moment, in seconds since the epoch.
        wall: The later one.
        steady_passed: Seconds between them by the steady clock.
        why_silent: What a long time without evidence means here.
    """
    jumped = wall - last_wall - steady_passed
    if jumped < -JUMP_SECONDS:
        return Gap(last_wall, wall, "the clock went back")
    if jumped > JUMP_SECONDS:
        return Gap(last_wall, wall, "the clock went forward, or the machine slept")
    return Gap(last_wall, wall, why_silent) if steady_passed > GAP_SECONDS else None


def why_new(mode: str, identity: Mapping[str, Any], last_mode: str, last: Mapping[str, Any]) -> str | None:
    """Why a soak cannot go on: what has changed since; None where nothing has."""
    changes = [] if mode == last_mode else [f"mode {last_mode} -> {mode}"]
    for name in sorted({*identity, *last}):
        if identity.get(name) != last.get(name):
            changes.append(f"{name} {_short(last.get(name))} -> {_short(identity.get(name))}")
    return ", ".join(changes) or None


def _short(value: Any) -> str:
    """A value in a sentence; of a hash its beginning."""
    text = "none" if value is None else str(value)
    return text[:12] if len(text) >= 32 and " " not in text and "=" not in text else text
