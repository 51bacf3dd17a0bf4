"""Whether Rust, conversion included, is as fast as legacy: bounds of the ratio of their durations.

What time cannot mend is only said of what is proven beyond doubt: the gate is asked again and again, and a
bound that errs once in twenty would soon refuse a fast engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .bounds import pairs_needed, quantile_is_above, quantile_is_at_most
from .criteria import COMPARING, Criteria
from .findings import Findings
from .pairs import Pairs, of_histogram, surely_above
from .reading import part
from .replay import Replay

QUANTILES = ((0.5, "median"), (0.99, "99th percentile"))
BEYOND_DOUBT = 0.999
FEWEST_LIVE = 30
"""Live pairs that can say by themselves that Rust is slower."""


def judge_latency(
    name: str,
    record: Mapping[str, Any],
    mode: str,
    replay: Replay | None,
    wanted: Criteria,
    found: Findings,
) -> None:
    """In `shadow` and `rust` the soak itself, in `final` the baseline that was frozen before it."""
    if mode in COMPARING:
        live = of_histogram(record.get("ratio"), wanted.max_latency_ratio, "ratio")
        slower = surely_above(record.get("ratio"), wanted.max_live_latency_ratio, "ratio")
        beside = _beside(record, replay, wanted)
        _say(name, live, beside, wanted, found)
        if not _slow_live(name, slower, wanted, found) and not _suffices(live, wanted):
            _judge_replayed(name, live, beside, wanted, found)
    elif mode == "final":
        _judge_baseline(name, record, wanted, found)


def _beside(record: Mapping[str, Any], replay: Replay | None, wanted: Criteria) -> Pairs:
    """Pairs that replays on this node with this build brought: the replay's and the determinism arm's."""
    pairs = replay.pairs if replay is not None else Pairs()
    arm = record.get("determinism")
    if isinstance(arm, Mapping) and arm.get("release") == record.get("release"):
        pairs += of_histogram(arm.get("ratio"), wanted.max_latency_ratio, "determinism.ratio")
    return pairs


def _say(name: str, live: Pairs, beside: Pairs, wanted: Criteria, found: Findings) -> None:
    """What was measured, live calls apart from replayed ones."""
    for pairs, whose in ((live, "live"), (beside, "replayed")):
        if pairs.total:
            text = f"{name}: Rust took more than {wanted.max_latency_ratio:g} times as long as legacy in"
            found.prove(f"{text} {pairs.above:,} of {pairs.total:,} {whose} accepts")


def _slow_live(name: str, live: Pairs, wanted: Criteria, found: Findings) -> bool:
    """Whether live calls are slower beyond doubt: then no replay outvotes them."""
    limit = wanted.max_live_latency_ratio
    for share, words, fewest in (
        (0.5, "median", FEWEST_LIVE),
        (0.99, "99th percentile", wanted.min_latency_pairs),
    ):
        if live.total >= fewest and quantile_is_above(share, live.above, live.total, BEYOND_DOUBT):
            text = f"Rust is slower in live traffic: the {words} of {live.total:,} ratios lies above"
            found.fail("slow", name, f"{text} {limit:g} ({live.above:,} of them surely)")
            return True
    return False


def _judge_replayed(name: str, live: Pairs, beside: Pairs, wanted: Criteria, found: Findings) -> None:
    """Replayed pairs decide where the live ones do not suffice."""
    limit, confidence = wanted.max_latency_ratio, wanted.confidence
    if beside.total < wanted.min_latency_pairs:
        need = max(int(wanted.min_latency_pairs), pairs_needed(0.99, beside.above, confidence))
        text = f"{beside.total:,} of {need:,} replayed pairs to tell the 99th percentile of the durations"
        found.wait("pairs", name, f"{text}, and {live.total:,} live ones do not settle it")
        return
    for share, words in QUANTILES:
        if quantile_is_above(share, beside.above, beside.total, BEYOND_DOUBT):
            text = f"Rust is slower: the {words} of {beside.total:,} replayed ratios lies above {limit:g}"
            found.fail("slow", name, f"{text} ({beside.above:,} of them)")
        elif not quantile_is_at_most(share, beside.above, beside.total, confidence):
            need = pairs_needed(share, beside.above, confidence)
            text = f"with {beside.above:,} of {beside.total:,} replayed pairs above {limit:g} the {words}"
            found.wait("pairs", name, f"{text} is open; {need:,} pairs would settle it")


def _suffices(pairs: Pairs, wanted: Criteria) -> bool:
    return pairs.total >= wanted.min_latency_pairs and all(
        quantile_is_at_most(share, pairs.above, pairs.total, wanted.confidence) for share, _ in QUANTILES
    )


def _judge_baseline(name: str, record: Mapping[str, Any], wanted: Criteria, found: Findings) -> None:
    """In `final` nothing is left to compare with: what was measured before must be there, of this build."""
    if record.get("baseline") is None:
        found.wait("baseline", name, "no baseline was frozen at the end of phase 2; go back to rust and soak")
        return
    baseline = part(record, "baseline")
    if baseline.get("release") != record.get("release"):
        text = "the baseline is of another release; go back to rust and soak with this one"
        found.wait("baseline", name, text)
        return
    pairs = of_histogram(baseline.get("ratio"), wanted.max_latency_ratio, "baseline.ratio")
    text = (
        f"{name}: baseline at the end of phase 2: {pairs.above:,} of {pairs.total:,} accepts took Rust more"
    )
    found.prove(f"{text} than {wanted.max_latency_ratio:g} times as long as legacy")
