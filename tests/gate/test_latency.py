"""Whether Rust is as fast as legacy: bounds that are exact, and what the gate makes of them."""

from __future__ import annotations

import math
import random
from itertools import accumulate
from typing import Any

import pytest
from coinjecture_migration.evidence.histograms import FINE, Paired
from coinjecture_migration.runtime.timing import Spent

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import decide, durations
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.bounds import (
    highest_rate,
    ranks,
    tail_at_least,
    tail_at_most,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.performance import compare
from tests.gate.asked import CRITERIA, NOW, a_healthy_node, a_replay, a_self_check
from tests.gate.machines import measured


def exact(k: int, n: int, p: float) -> float:
    return math.fsum(math.comb(n, hits) * p**hits * (1 - p) ** (n - hits) for hits in range(k + 1))


@pytest.mark.parametrize("n", [1, 2, 7, 60, 299, 500])
@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.99])
def test_given_any_counts_then_the_tail_is_that_of_the_binomial(n: int, p: float) -> None:
    for k in {0, 1, n // 3, n // 2, n - 1, n}:
        assert tail_at_most(k, n, p) == pytest.approx(exact(k, n, p), rel=1e-9, abs=1e-12)
        assert tail_at_least(k, n, p) == pytest.approx(1 - exact(k - 1, n, p), rel=1e-9, abs=1e-12)
    assert (tail_at_most(-1, n, p), tail_at_most(n, n, p)) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [1, 10, 299, 368, 500])
@pytest.mark.parametrize("confidence", [0.75, 0.975, 0.9995])
def test_given_any_number_of_values_then_the_ranks_are_the_nearest_that_keep_the_promise(
    share: float, n: int, confidence: float
) -> None:
    low, high = ranks(share, n, confidence)
    doubt = 1 - confidence
    if low is not None:
        assert exact(low - 1, n, share) <= doubt
    assert exact(low or 0, n, share) > doubt, "a higher rank would promise too much"
    if high is not None:
        assert 1 - exact(high - 1, n, share) <= doubt
    assert high == 1 or 1 - exact((high or n + 1) - 2, n, share) > doubt


def test_given_the_plans_numbers_then_299_values_bound_the_99th_percentile_and_298_do_not() -> None:
    assert ranks(0.99, 299, 0.95)[1] == 299
    assert ranks(0.99, 298, 0.95)[1] is None
    assert ranks(0.99, 0, 0.95) == (None, None)


def test_given_values_spread_in_any_way_then_a_bound_errs_as_rarely_as_it_promises() -> None:
    chance, n = random.Random(7), 700
    low, high = ranks(0.9, n, 0.95)
    assert low is not None
    assert high is not None
    wrong = [0, 0]
    for _ in range(1500):
        values = sorted(chance.paretovariate(0.5) for _ in range(n))
        quantile = 0.1**-2  # of that distribution, which has neither mean nor variance
        wrong[0] += values[low - 1] > quantile
        wrong[1] += values[high - 1] < quantile
    assert max(wrong) / 1500 < 0.065


def test_given_many_values_then_the_ranks_are_still_found() -> None:
    low, high = ranks(0.99, 1_000_000, 0.9995)
    assert low is not None
    assert high is not None
    assert 989_000 < low < 990_000 < high < 991_000
    assert highest_rate(12_031, 0.95) == pytest.approx(0.000249, abs=1e-6)
    assert highest_rate(0, 0.95) == 1.0
    tails = list(accumulate(tail_at_most(k, 10**6, 0.01) for k in (9_000, 10_000, 11_000)))
    assert tails == sorted(tails)


def ask(replayed: Any, live: Any = None, **evidence: Any) -> Any:
    """Decide on one node whose self-check and whose live calls measured this."""
    told = (live or measured(0))["cpu"]["legacy"]["count"]
    status = a_healthy_node(accepts=max(told, 400))
    self_check = a_self_check(replayed)
    status["evidence"] |= {"determinism": self_check, "durations": live or measured(0)} | evidence
    return decide({"node1": status, "node2": None}, CRITERIA, NOW)


def slow_tail(pairs: int, every: int) -> Any:
    """Rust is three times as fast, but for some blocks, which take it ten times as long as legacy."""
    found = Paired(FINE)
    for place in range(pairs):
        cost = 1 + 0.5 * place / pairs
        rust = cost * (1.5e-3 if place % every == 0 else 5e-5)
        found.add(Spent(cost * 1.5e-4, cost * 1.5e-4), Spent(rust, rust))
    return found.as_json()


@pytest.mark.parametrize(
    ("replayed", "outcome", "words"),
    [
        (measured(1000), "pass", ""),
        (measured(0), "wait", "none has come yet, so nobody can tell when"),
        (measured(999), "wait", "there at 2023-11-14 22:"),
        (measured(999), "wait", "999 of 1,000 replayed accepts with the processor time of both engines"),
        (measured(0), "wait", "0 of 1,000 replayed accepts"),
        (measured(1000, rust=150e-6), "wait", "whether Rust is slower at the median is open"),
        (
            measured(1000, rust=300e-6),
            "fail",
            "Rust is slower: the median of 1,000 accepts lies above that of",
        ),
        (measured(100, rust=300e-6), "fail", "beyond doubt: Rust"),  # no need to gather the rest
        (slow_tail(1000, 5), "fail", "Rust is slower: the 90th percentile of 1,000 accepts"),
        (slow_tail(1000, 25), "fail", "Rust is slower: the 99th percentile of 1,000 accepts"),
        (slow_tail(1000, 55), "wait", "whether Rust is slower at the 99th percentile is open"),
    ],
)
def test_given_replayed_pairs_then_quantiles_of_the_same_share_are_compared(
    replayed: Any, outcome: str, words: str
) -> None:
    decision = ask(replayed)
    assert decision["outcome"] == outcome, decision
    assert words in " ".join(decision["reasons"])


def test_given_ratios_of_single_pairs_that_a_busy_machine_spoils_then_they_refuse_nothing() -> None:
    """Two droplets under load: 55 of 3,300 ratios lay above 1, with Rust at a third of Python's time."""
    ratio = {"bounds": [0.5, 1.0, 2.0], "counts": [3000, 245, 40, 15], "sum": 1500.0, "count": 3300}
    self_check = a_self_check(measured(3300)) | {"ratio": ratio}
    decision = ask(None, live=measured(3300), determinism=self_check, ratio=ratio)
    assert decision["outcome"] == "pass", decision["reasons"]


@pytest.mark.parametrize(
    ("live", "outcome"),
    [
        (measured(30, rust=300e-6), "fail"),
        (measured(29, rust=300e-6), "pass"),  # too few to say so
        (slow_tail(5000, 20), "pass"),  # what comes now and then, live, is the machine's
    ],
)
def test_given_live_calls_then_only_their_median_refuses_and_no_replay_outvotes_it(
    live: Any, outcome: str
) -> None:
    decision = ask(measured(100_000), live)
    assert decision["outcome"] == outcome, decision
    if outcome == "fail":
        assert decision["findings"][0]["code"] == "slow"
        assert "Rust is slower in live traffic: the median of 30 accepts" in decision["reasons"][0]


def test_given_both_then_what_was_measured_is_said_live_apart_from_replayed_and_the_clock_last() -> None:
    decision = ask(measured(2000), measured(91))
    said = [line for line in decision["proven"] if "99th percentile" in line]
    assert [line.partition(",")[0] for line in said] == [
        "node1: processor time of 91 live accepts",
        "node1: on the clock",
        "node1: processor time of 2",
        "node1: on the clock",
    ]
    assert "median: Rust 50 us, Python 150 us" in said[2]
    assert "which is not judged" in said[3]


def test_given_an_engine_that_only_waited_then_it_is_said_and_not_judged() -> None:
    waited = measured(2000)
    waited["wall"] = measured(2000, legacy=150e-6, rust=9.0)["wall"]
    decision = ask(waited, waited)
    assert decision["outcome"] == "pass"
    assert "median: Rust 18" in " ".join(decision["proven"])


def test_given_a_replay_then_its_pairs_count_beside_the_arms() -> None:
    status = a_healthy_node()
    status["replay"] = a_replay()
    status["replay"]["result"]["durations"] = {"cpu": measured(600)["cpu"]}
    criteria = CRITERIA | {"min_latency_pairs": 1600}
    for pairs, outcome in ((1000, "pass"), (999, "wait")):
        status["evidence"]["determinism"] = a_self_check(measured(pairs))
        assert decide({"node1": status, "node2": None}, criteria, NOW)["outcome"] == outcome


def test_given_an_arm_of_another_release_then_it_counts_for_nothing() -> None:
    self_check = a_self_check(measured(5000)) | {"release": "b" * 64}
    assert ask(None, determinism=self_check)["outcome"] == "wait"


def test_given_evidence_of_an_older_wrapper_then_the_gate_waits_and_says_so() -> None:
    status = a_healthy_node()
    del status["evidence"]["durations"], status["evidence"]["determinism"]["durations"]
    decision = decide({"node1": status, "node2": None}, CRITERIA, NOW)
    assert decision["outcome"] == "wait"
    assert "its wrapper is of before processor time was measured" in decision["reasons"][0]


def test_given_other_buckets_than_the_most_then_they_are_left_out() -> None:
    few = {"cpu": {engine: one | {"per_decade": 120} for engine, one in measured(10)["cpu"].items()}}
    both = [durations.read(found, "x") for found in (few, measured(500))]
    whole = durations.together([one for one in both if one is not None])
    assert whole is not None
    assert whole.cpu.pairs == 500


def test_given_a_clock_too_coarse_for_the_engines_then_nothing_is_concluded() -> None:
    nothing = durations.read(measured(5000, legacy=0.0, rust=0.0), "x")
    assert nothing is not None
    assert compare(nothing.cpu, 0.5, 1.0, 0.95) == "open"


def broken(**changes: Any) -> Any:
    found = measured(400)
    found["cpu"]["rust"] = found["cpu"]["rust"] | changes
    return found


@pytest.mark.parametrize(
    "garbage",
    [
        [],
        {},
        {"cpu": {}},
        {"cpu": {"legacy": measured(3)["cpu"]["legacy"]}},
        {"cpu": {"legacy": measured(3)["cpu"]["legacy"], "rust": measured(4)["cpu"]["rust"]}},
        measured(3) | {"wall": None},
        broken(per_decade=0),
        broken(per_decade=10**400),
        broken(per_decade=24),
        broken(counts=[1]),
        broken(counts={"5": -1}, count=-1),
        broken(counts={"5": True}, count=1),
        broken(counts={"-5": 400}),
        broken(counts={"9" * 400: 400}),
        broken(counts={"999999": 400}),
        broken(counts={"5": math.nan}),
        broken(counts={"5": 399}),
        broken(count=None),
    ],
)
def test_given_durations_that_are_none_then_the_gate_fails_wherever_they_are(garbage: Any) -> None:
    for decision in (ask(garbage), ask(measured(1000), durations=garbage)):
        assert decision["outcome"] == "fail"
        assert decision["findings"][0]["code"] == "garbled"


@pytest.mark.parametrize(
    ("baseline", "words"),
    [(None, "no baseline was frozen"), ({"release": "b" * 64}, "of another release")],
)
def test_given_final_without_its_baseline_then_the_gate_waits(baseline: Any, words: str) -> None:
    status = a_healthy_node("final")
    status["evidence"]["baseline"] = baseline and status["evidence"]["baseline"] | baseline
    decision = decide({"node1": status}, CRITERIA | {"nodes": {"node1": "final"}}, NOW)
    assert decision["outcome"] == "wait"
    assert words in decision["reasons"][0]


def test_given_final_then_what_was_measured_before_it_is_said() -> None:
    decision = decide({"node1": a_healthy_node("final")}, CRITERIA | {"nodes": {"node1": "final"}}, NOW)
    assert decision["outcome"] == "pass"
    assert "node1: before final: processor time of 400 live accepts" in " ".join(decision["proven"])
