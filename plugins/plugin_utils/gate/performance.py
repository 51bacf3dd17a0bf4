"""Is Rust, conversion included, as fast as legacy? The one definition, for gate, completion and report.

What an engine costs is processor time, so that is judged: the quantiles of Rust against the same quantiles of
legacy, of the same blocks, with bounds that assume nothing about how durations are spread. Whatever both
engines suffer alike shifts both. What the machine adds, the time on the wall, is said and not judged.

Three things are asked for, each with its reason:

- enough pairs, replayed ones, in which the engines take turns in being the first to meet a block; live, the
  legacy engine always is, and its code has just been warmed by the node's own;
- at the median Rust is shown to be at most as slow as is allowed;
- at no quantile it is shown to be slower. In the upper ones the machine's noise may be so much longer than
  either engine that nothing short of a year would show which is faster; that is no fault of an engine.

Slower is what is slower beyond doubt: it ends a migration, and the question is asked again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...module_utils.vocabulary import QUANTILES
from .durations import Durations, Measured

BEYOND_DOUBT = 0.999
FEWEST_LIVE = 30
"""Live pairs that can say by themselves that Rust is slower, at the median."""

Order = Literal["at most", "above", "open"]
State = Literal["met", "slower", "open", "too few"]


@dataclass(frozen=True)
class Performance:
    """The verdict on one node.

    Attributes:
        state: `met`, `slower` beyond doubt, `open` with enough pairs, or `too few` of them.
        why: What stands in the way, in words; empty where it is met.
        told: What was measured, in words.
    """

    state: State
    why: str
    told: tuple[str, ...]


def judge(
    live: Measured | None, replayed: Measured | None, limit: float, confidence: float, fewest: float
) -> Performance:
    """Judge what was measured on a node.

    Args:
        live: Of live calls; None where nothing was measured.
        replayed: Of blocks judged again on the node with the build in force.
        limit: What Rust's quantiles may be, as multiples of legacy's.
        confidence: One-sided, of what lets a step start.
        fewest: Replayed pairs below which nothing lets it start.
    """
    told = tell(live, replayed)
    pairs = replayed.cpu.pairs if replayed is not None else 0
    slower = _slower_live(live, limit) or _slower_replayed(replayed, limit)
    if slower:
        return Performance("slower", slower, told)
    if replayed is None or pairs < fewest:
        text = f"{pairs:,} of {fewest:,.0f} replayed accepts with the processor time of both engines"
        return Performance("too few", text, told)
    for _, share, words in QUANTILES:
        order = compare(replayed.cpu, share, limit, confidence)
        if order == "above" or (order == "open" and share == QUANTILES[0][1]):
            text = f"whether Rust is slower at the {words} is open: {_both(replayed.cpu, share)}"
            return Performance("open", f"{text} in {pairs:,} pairs; more of them will tell", told)
    return Performance("met", "", told)


def tell(live: Measured | None, replayed: Measured | None) -> tuple[str, ...]:
    """What was measured, in words: live calls apart from replayed ones, the judged clock first."""
    return (*_told(live, "live"), *_told(replayed, "replayed"))


def compare(found: Durations, share: float, limit: float, confidence: float) -> Order:
    """What is known of a quantile of Rust's against so many times that of legacy's.

    Either answer but `open` is wrong with a probability of at most 1 - `confidence`, half of it for each of
    the two bounds, however the durations are spread and whatever the engines have in common.
    """
    if not found.pairs:
        return "open"
    each = 1.0 - (1.0 - confidence) / 2
    legacy, rust = found.legacy.bounds(share, each), found.rust.bounds(share, each)
    if rust[0] >= limit * legacy[1]:  # the duration itself lies above the edge of its bucket
        return "above"
    return "at most" if rust[1] <= limit * legacy[0] else "open"


def _slower_live(live: Measured | None, limit: float) -> str:
    """Why live calls alone say that Rust is slower, else nothing; only at the median, see above."""
    _, share, words = QUANTILES[0]
    if live is None or live.cpu.pairs < FEWEST_LIVE:
        return ""
    if compare(live.cpu, share, limit, BEYOND_DOUBT) != "above":
        return ""
    return f"Rust is slower in live traffic: the {words} {_found(live.cpu, share, limit)}"


def _slower_replayed(replayed: Measured | None, limit: float) -> str:
    for _, share, words in QUANTILES:
        if replayed is not None and compare(replayed.cpu, share, limit, BEYOND_DOUBT) == "above":
            return f"Rust is slower: the {words} {_found(replayed.cpu, share, limit)}"
    return ""


def _found(found: Durations, share: float, limit: float) -> str:
    times = "" if limit == 1.0 else f" {limit:g} times"
    return f"of {found.pairs:,} accepts lies above{times} that of Python beyond doubt: {_both(found, share)}"


def _told(measured: Measured | None, whose: str) -> tuple[str, ...]:
    if measured is None or not measured.cpu.pairs:
        return ()
    lines = [f"processor time of {measured.cpu.pairs:,} {whose} accepts, {_all(measured.cpu)}"]
    if measured.wall is not None and measured.wall.pairs:
        lines.append(f"on the clock, which is not judged, {_all(measured.wall)}")
    return tuple(lines)


def _all(found: Durations) -> str:
    return ", ".join(f"{words}: {_both(found, share)}" for _, share, words in QUANTILES)


def _both(found: Durations, share: float) -> str:
    rust, legacy = found.rust.quantile(share), found.legacy.quantile(share)
    return f"Rust {_duration(rust)}, Python {_duration(legacy)}"


def _duration(seconds: float) -> str:
    """A duration in a unit that leaves one to three digits before the point."""
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if seconds * factor < 999.5:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"
