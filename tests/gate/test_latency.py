"""Whether Rust is as fast as legacy: bounds that are exact, and what the gate makes of them."""

from __future__ import annotations

import math
import random
from itertools import accumulate
from typing import Any

import pytest
from gate import decide
from gate.bounds import (
    highest_rate,
    pairs_needed,
    quantile_is_above,
    quantile_is_at_most,
    tail_at_most,
)

from tests.gate.test_gate import CRITERIA, EDGES, NOW, a_healthy_node, a_replay, ratios


def exact(k: int, n: int, p: float) -> float:
    return math.fsum(math.comb(n, hits) * p**hits * (1 - p) ** (n - hits) for hits in range(k + 1))


@pytest.mark.parametrize("n", [1, 2, 7, 60, 299, 500])
@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.99])
def test_given_any_counts_then_the_tail_is_that_of_the_binomial(n: int, p: float) -> None:
    for k in {0, 1, n // 3, n // 2, n - 1, n}:
        assert tail_at_most(k, n, p) == pytest.approx(exact(k, n, p), rel=1e-9, abs=1e-12)
    assert (tail_at_most(-1, n, p), tail_at_most(n, n, p)) == (0.0, 1.0)


def test_given_the_plans_numbers_then_299_pairs_suffice_and_1049_where_five_lie_above() -> None:
    assert [pairs_needed(0.99, above, 0.95) for above in (0, 5)] == [299, 1049]
    assert not quantile_is_at_most(0.99, 0, 298, 0.95)
    assert not quantile_is_at_most(0.99, 5, 1048, 0.95)
    assert not quantile_is_at_most(0.99, 0, 0, 0.95)
    assert not quantile_is_above(0.99, 0, 0, 0.95)


def test_given_an_engine_whose_quantile_lies_above_then_the_bound_says_so_as_rarely_as_it_promises() -> None:
    """Of engines that are just too slow, at most one in twenty passes; nothing else is assumed of them."""
    chance = random.Random(7)
    passed = sum(
        quantile_is_at_most(0.99, sum(chance.random() < 0.0101 for _ in range(700)), 700, 0.95)
        for _ in range(1500)
    )
    assert passed / 1500 < 0.07


def test_given_many_pairs_then_the_bounds_are_still_counted() -> None:
    assert quantile_is_at_most(0.99, 9_000, 1_000_000, 0.95)
    assert not quantile_is_at_most(0.99, 10_000, 1_000_000, 0.95)
    assert quantile_is_above(0.99, 10_500, 1_000_000, 0.999)
    assert highest_rate(12_031, 0.95) == pytest.approx(0.000249, abs=1e-6)
    assert highest_rate(0, 0.95) == 1.0
    tails = list(accumulate(tail_at_most(k, 10**6, 0.01) for k in (9_000, 10_000, 11_000)))
    assert tails == sorted(tails)


def ask(live: dict[str, Any], replay: Any = None, **evidence: Any) -> Any:
    """Decide on one node with these ratios."""
    status = a_healthy_node()
    status["evidence"] |= {"ratio": live} | evidence
    status["replay"] = replay
    return decide({"node1": status, "node2": None}, CRITERIA, NOW)


@pytest.mark.parametrize(
    ("below", "above", "outcome", "words"),
    [
        (299, 0, "pass", ""),
        (298, 0, "wait", "0 of 299 replayed pairs to tell the 99th percentile"),
        (0, 0, "wait", "and 0 live ones do not settle it"),
        (1044, 5, "pass", ""),
        (1043, 5, "wait", "and 1,048 live ones do not settle it"),
        (960, 40, "fail", "Rust is slower in live traffic: the 99th percentile of 1,000 ratios lies above 1"),
        (10, 400, "fail", "Rust is slower in live traffic: the median of 410 ratios lies above 1"),
        (0, 30, "fail", "the median of 30 ratios lies above 1 (30 of them surely)"),
        (0, 29, "wait", "29 live ones"),  # too few to say so
    ],
)
def test_given_live_pairs_then_bounds_of_the_ratio_decide(
    below: int, above: int, outcome: str, words: str
) -> None:
    decision = ask(ratios(below, above))
    assert decision["outcome"] == outcome, decision
    assert words in " ".join(decision["reasons"])


@pytest.mark.parametrize(
    ("pairs", "above", "outcome", "words"),
    [
        (299, 0, "pass", ""),
        (298, 0, "wait", "298 of 299 replayed pairs"),
        (1049, 5, "pass", ""),
        (1048, 5, "wait", "5 of 1,048 replayed pairs above 1 the 99th percentile is open; 1,049 pairs"),
        (1000, 40, "fail", "Rust is slower: the 99th percentile of 1,000 replayed ratios lies above 1"),
        (1000, 700, "fail", "Rust is slower: the median of 1,000 replayed ratios lies above 1"),
    ],
)
def test_given_too_few_live_pairs_then_bounds_of_the_replayed_ones_decide(
    pairs: int, above: int, outcome: str, words: str
) -> None:
    replay = a_replay()
    replay["result"]["ratio"] = {"pairs": pairs, "above_1": above}
    decision = ask(ratios(60, 40), replay)
    assert decision["outcome"] == outcome, decision
    assert words in " ".join(decision["reasons"])


def test_given_a_live_limit_of_its_own_then_only_what_lies_surely_above_it_refuses() -> None:
    status = a_healthy_node()
    status["replay"] = a_replay()
    for counts, outcome in (([0, 10, 80, 0], "pass"), ([0, 10, 0, 80], "fail")):  # above 1, above 2
        status["evidence"]["ratio"] = {"bounds": EDGES, "counts": counts}
        criteria = CRITERIA | {"max_live_latency_ratio": 1.5}
        assert decide({"node1": status, "node2": None}, criteria, NOW)["outcome"] == outcome


def test_given_too_few_live_pairs_then_a_replay_fills_them_up_and_both_are_said_apart() -> None:
    decision = ask(ratios(90, 1), a_replay())
    assert decision["outcome"] == "pass"
    said = [line for line in decision["proven"] if "times as long" in line]
    assert said == [
        "node1: Rust took more than 1 times as long as legacy in 1 of 91 live accepts",
        "node1: Rust took more than 1 times as long as legacy in 5 of 2,000 replayed accepts",
    ]


def test_given_the_determinism_arm_then_its_pairs_fill_up_too_unless_of_another_release() -> None:
    arm = {"mismatches": 0, "differences": 0, "release": "a" * 64, "ratio": ratios(400)}
    assert ask(ratios(90), determinism=arm)["outcome"] == "pass"
    assert ask(ratios(90), determinism=arm | {"release": "b" * 64})["outcome"] == "wait"


def test_given_slow_live_calls_then_no_replay_outvotes_them() -> None:
    replay = a_replay()
    replay["result"]["ratio"] = {"pairs": 1_000_000, "above_1": 0}
    decision = ask(ratios(10, 80), replay)
    assert decision["outcome"] == "fail"
    assert decision["findings"][0]["code"] == "slow"


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        {},
        {"bounds": [1.0], "counts": [1]},
        {"bounds": [2.0, 1.0], "counts": [1, 1, 1]},
        {"bounds": [math.nan], "counts": [1, 1]},
        {"bounds": [1.0], "counts": [400, -1]},
        {"bounds": [0.9], "counts": [400, 0]},
    ],
)
def test_given_ratios_that_are_none_then_the_gate_fails(garbage: Any) -> None:
    decision = ask(garbage)
    assert decision["outcome"] == "fail"
    assert decision["findings"][0]["code"] == "garbled"


def test_given_a_replay_with_more_pairs_above_than_pairs_then_the_gate_fails() -> None:
    replay = a_replay()
    replay["result"]["ratio"] = {"pairs": 3, "above_1": 4}
    assert ask(ratios(400), replay)["outcome"] == "fail"


@pytest.mark.parametrize(
    ("baseline", "words"),
    [(None, "no baseline was frozen"), ({"release": "b" * 64, "ratio": ratios(9)}, "of another release")],
)
def test_given_final_without_its_baseline_then_the_gate_waits(baseline: Any, words: str) -> None:
    status = a_healthy_node("final")
    status["evidence"]["baseline"] = baseline
    decision = decide({"node1": status}, CRITERIA | {"nodes": {"node1": "final"}}, NOW)
    assert decision["outcome"] == "wait"
    assert words in decision["reasons"][0]
