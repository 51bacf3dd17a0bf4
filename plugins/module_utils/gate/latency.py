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
from .pairs import Pairs, of_histogram
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
        judge_pairs(name, live, _beside(record, replay, wanted), wanted, found)
    elif mode == "final":
        _judge_baseline(name, record, wanted, found)


def _beside(record: Mapping[str, Any], replay: Replay | None, wanted: Criteria) -> Pairs:
    """Pairs that replays on this node with this build brought: the replay's and the determinism arm's."""
    pairs = replay.pairs if replay is not None else Pairs()
    arm = record.get("determinism")
    if isinstance(arm, Mapping) and arm.get("release") == record.get("release"):
        pairs += of_histogram(arm.get("ratio"), wanted.max_latency_ratio, "determinism.ratio")
    return pairs


def judge_pairs(name: str, live: Pairs, beside: Pairs, wanted: Criteria, found: Findings) -> None:
    """Live pairs alone where they suffice, else filled up by replayed ones; both are said apart.

    However many are replayed, live ones that are slower beyond doubt are not outvoted.
    """
    limit, confidence = wanted.max_latency_ratio, wanted.confidence
    for pairs, whose in ((live, "live"), (beside, "replayed")):
        if pairs.total:
            text = f"{name}: Rust took more than {limit:g} times as long as legacy in {pairs.above:,} of"
            found.prove(f"{text} {pairs.total:,} {whose} accepts")
    if live.total >= FEWEST_LIVE and quantile_is_above(0.5, live.above, live.total, BEYOND_DOUBT):
        text = f"Rust is slower in live traffic: {live.above} of {live.total} pairs above {limit:g}"
        found.fail("slow", name, text)
        return
    judged = live if _suffices(live, wanted) else live + beside
    if judged.total < wanted.min_latency_pairs:
        need = max(int(wanted.min_latency_pairs), pairs_needed(0.99, judged.above, confidence))
        text = f"{judged.total:,} of {need:,} pairs to tell the 99th percentile of the durations"
        found.wait("pairs", name, f"{text} ({live.total:,} live, {beside.total:,} replayed)")
        return
    for share, words in QUANTILES:
        if quantile_is_above(share, judged.above, judged.total, BEYOND_DOUBT):
            text = f"Rust is slower: the {words} of {judged.total:,} ratios lies above {limit:g}"
            found.fail("slow", name, f"{text} ({judged.above:,} pairs above)")
        elif not quantile_is_at_most(share, judged.above, judged.total, confidence):
            need = pairs_needed(share, judged.above, confidence)
            text = f"with {judged.above:,} of {judged.total:,} pairs above {limit:g} the {words} is open"
            found.wait("pairs", name, f"{text}; {need:,} pairs would settle it")


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
