"""The gate says pass, wait or fail; every refusal is provoked here."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from gate import decide

NOW = 1_700_000_000.0

CRITERIA: dict[str, Any] = {
    "nodes": {"node1": "shadow", "node2": "legacy"},
    "soaking": ["node1"],
    "soak_seconds": 40,
    "min_calls": 150,
    "min_rejects": 30,
    "min_reason_codes": 6,
    "max_evidence_age_seconds": 30,
    "max_idle_seconds": 60,
    "max_clock_skew_seconds": 2,
    "max_restarts": 0,
}

REJECTED = {
    "unknown_parent": 10, "bad_height": 10, "bad_timestamp": 10,
    "missing_proof": 10, "bad_block_hash": 10, "bad_proof": 10,
}  # fmt: skip


def a_healthy_node(mode: str = "shadow") -> dict[str, Any]:
    """A status as the control socket gives it, of a node that has soaked for 50 s."""
    outcomes = dict.fromkeys(("match", "divergence", "rust_error", "legacy_error", "skipped", "alone"), 0)
    outcomes["match" if mode in ("shadow", "rust") else "alone"] = 200
    return {
        "mode": mode,
        "latched": None,
        "evidence": {
            "schema": 1,
            "node": "node1",
            "now": NOW - 1,
            "mode": mode,
            "soak_started": NOW - 51,
            "last_call": NOW - 1.5,
            "calls": 200,
            "outcomes": outcomes,
            "accepted": 140,
            "rejected": dict(REJECTED),
            "out_of_domain_accepted": 0,
            "restarts": 0,
            "release": "a" * 64,
        },
    }


def decide_with(change: Any = None, criteria: dict[str, Any] | None = None, now: float = NOW) -> Any:
    """Decide on one healthy shadow node after ``change(status)`` was applied to it."""
    status = a_healthy_node()
    if change:
        change(status)
    return decide({"node1": status, "node2": None}, criteria or CRITERIA, now)


def put(*path: str, value: Any) -> Any:
    """A change that sets ``path`` in the status."""

    def change(status: dict[str, Any]) -> None:
        for key in path[:-1]:
            status = status[key]
        status[path[-1]] = value

    return change


def drop(*path: str) -> Any:
    """A change that removes ``path`` from the status."""

    def change(status: dict[str, Any]) -> None:
        for key in path[:-1]:
            status = status[key]
        del status[path[-1]]

    return change


def test_given_a_healthy_soak_then_the_gate_passes() -> None:
    decision = decide_with()
    assert decision["outcome"] == "pass"
    assert decision["ready_at"] is None


def test_given_the_first_step_then_nothing_has_to_soak() -> None:
    criteria = CRITERIA | {"nodes": {"node1": "legacy", "node2": "legacy"}, "soaking": []}
    decision = decide({"node1": None, "node2": None}, criteria, NOW)
    assert decision == {
        "outcome": "pass",
        "reasons": ["first step: nothing has to soak before it"],
        "ready_at": None,
    }


@pytest.mark.parametrize("mode", ["rust", "final"])
def test_given_a_later_mode_then_the_gate_counts_its_own_kind_of_call(mode: str) -> None:
    criteria = CRITERIA | {"nodes": {"node1": mode}}
    assert decide({"node1": a_healthy_node(mode)}, criteria, NOW)["outcome"] == "pass"


def test_given_matches_in_final_then_they_do_not_stand_in_for_calls_alone() -> None:
    status = a_healthy_node("final")
    status["evidence"]["outcomes"] |= {"match": 200, "alone": 0}
    assert decide({"node1": status}, CRITERIA | {"nodes": {"node1": "final"}}, NOW)["outcome"] == "wait"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("evidence", value={}), "the evidence is empty"),
        (drop("evidence"), "the evidence is empty"),
        (put("evidence", "soak_started", value=NOW - 20), "soaked 19 of 40 s"),
        (put("evidence", "last_call", value=None), "no block has been judged in this soak"),
        (put("evidence", "last_call", value=NOW - 90), "no block has been judged for 89 s"),
        (put("evidence", "last_call", value=NOW + 9), "the last call lies in the future"),
        (put("evidence", "now", value=NOW - 31), "the newest evidence is 31 s old"),
        (put("evidence", "now", value=NOW + 9), "ahead of the controller's"),
        (put("evidence", "soak_started", value=NOW + 60), "a clock went backwards"),
        (put("evidence", "rejected", value={}), "0 of 30 rejects"),
        (put("evidence", "rejected", value={"bad_proof": 60}), "1 of 6 reason codes"),
        (
            put("evidence", "rejected", value=dict.fromkeys(REJECTED, 0) | {"bad_proof": 60}),
            "1 of 6 reason codes",
        ),
    ],
)
def test_given_something_missing_then_the_gate_waits_and_says_what(change: Any, reason: str) -> None:
    decision = decide_with(change)
    assert decision["outcome"] == "wait"
    assert any(reason in line for line in decision["reasons"]), decision


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("latched", value={"why": "divergence at block 7"}), "latched (divergence at block 7)"),
        (put("mode", value="legacy"), "status says mode 'legacy'"),
        (put("evidence", "mode", value="rust"), "evidence says mode 'rust'"),
        (put("evidence", "calls", value=201), "a call was not counted"),
        (put("evidence", "out_of_domain_accepted", value=1), "outside the parity domain"),
        (put("evidence", "restarts", value=1), "restarted 1 times"),
        (put("evidence", "release", value=""), "names no release"),
        (drop("evidence", "release"), "names no release"),
        (drop("evidence", "outcomes"), "outcomes is not an object"),
        (drop("evidence", "outcomes", "divergence"), "outcomes.divergence is None"),
        (put("evidence", "outcomes", "surprise", value=0), "unknown outcomes surprise"),
        (put("evidence", "calls", value=math.nan), "calls is nan"),
        (put("evidence", "calls", value=-1), "calls is -1"),
        (put("evidence", "calls", value=True), "calls is True"),
        (put("evidence", "soak_started", value=math.nan), "soak_started is nan"),
        (put("evidence", "soak_started", value=-math.inf), "soak_started is -inf"),
        (put("evidence", "now", value="yesterday"), "now is 'yesterday'"),
        (drop("evidence", "now"), "now is None"),
        (put("evidence", "last_call", value=math.nan), "last_call is nan"),
        (put("evidence", "rejected", value=None), "rejected is not an object"),
        (put("evidence", "rejected", "bad_proof", value=1.5), "rejected.bad_proof is 1.5"),
        (drop("evidence", "restarts"), "restarts is None"),
    ],
)
def test_given_a_fault_or_garbage_then_the_gate_fails_and_says_where(change: Any, reason: str) -> None:
    decision = decide_with(change)
    assert decision["outcome"] == "fail"
    assert any(reason in line for line in decision["reasons"]), decision


@pytest.mark.parametrize("kind", ["divergence", "rust_error", "legacy_error"])
def test_given_one_bad_outcome_among_thousands_then_the_gate_fails(kind: str) -> None:
    def change(status: dict[str, Any]) -> None:
        status["evidence"]["calls"] = 100_001
        status["evidence"]["outcomes"] |= {"match": 100_000, kind: 1}

    assert decide_with(change)["outcome"] == "fail"


def test_given_skipped_calls_only_then_they_are_no_samples() -> None:
    def change(status: dict[str, Any]) -> None:
        status["evidence"]["outcomes"] |= {"match": 0, "skipped": 200}

    decision = decide_with(change)
    assert decision["outcome"] == "wait"
    assert decision["ready_at"] is None


def test_given_a_fault_on_a_node_that_does_not_soak_then_the_gate_fails_too() -> None:
    criteria = CRITERIA | {"nodes": {"node1": "rust", "node2": "shadow"}, "soaking": ["node1"]}
    other = a_healthy_node("shadow")
    other["evidence"]["outcomes"] |= {"match": 199, "divergence": 1}
    decision = decide({"node1": a_healthy_node("rust"), "node2": other}, criteria, NOW)
    assert decision["outcome"] == "fail"
    assert decision["reasons"] == ["node2: 1 divergences in this soak"]


def test_given_two_releases_in_the_network_then_the_gate_fails() -> None:
    criteria = CRITERIA | {"nodes": {"node1": "shadow", "node2": "shadow"}, "soaking": ["node1", "node2"]}
    other = copy.deepcopy(a_healthy_node())
    other["evidence"]["release"] = "b" * 64
    decision = decide({"node1": a_healthy_node(), "node2": other}, criteria, NOW)
    assert decision["outcome"] == "fail"
    assert "different releases" in decision["reasons"][0]


def test_given_no_answer_from_a_migrated_node_then_the_gate_waits() -> None:
    decision = decide({}, CRITERIA, NOW)
    assert decision["outcome"] == "wait"
    assert decision["reasons"] == ["node1: no evidence; its control socket gave no status"]


def test_given_a_soak_that_is_too_short_then_the_gate_says_when_it_could_pass() -> None:
    decision = decide_with(put("evidence", "soak_started", value=NOW - 20))
    assert decision["ready_at"] == NOW + 20


def test_given_too_few_calls_then_the_forecast_follows_their_rate() -> None:
    def change(status: dict[str, Any]) -> None:
        status["evidence"] |= {"calls": 100}
        status["evidence"]["outcomes"] |= {"match": 100}

    decision = decide_with(change)
    assert decision["outcome"] == "wait"
    assert decision["ready_at"] == NOW + 25  # 100 calls in 50 s: 50 more take 25 s


def test_given_a_fault_then_what_is_missing_does_not_make_it_wait() -> None:
    def change(status: dict[str, Any]) -> None:
        status["latched"] = {"why": "divergence"}
        status["evidence"]["soak_started"] = NOW - 5

    decision = decide_with(change)
    assert decision["outcome"] == "fail"
    assert decision["ready_at"] is None


@pytest.mark.parametrize("now", [math.nan, math.inf])
def test_given_a_controller_without_a_clock_then_the_gate_fails(now: float) -> None:
    assert decide_with(now=now)["outcome"] == "fail"


@pytest.mark.parametrize(
    ("criterion", "value"),
    [
        ("soak_seconds", math.nan),
        ("min_calls", None),
        ("min_rejects", "30"),
        ("max_restarts", -1),
        ("nodes", {}),
    ],
)
def test_given_criteria_that_are_none_then_the_gate_fails(criterion: str, value: Any) -> None:
    decision = decide_with(criteria=CRITERIA | {criterion: value})
    assert decision["outcome"] == "fail"
    assert "criteria" in decision["reasons"][0]


def test_given_a_status_that_is_not_an_object_then_the_gate_fails() -> None:
    assert decide({"node1": "fine"}, CRITERIA, NOW)["outcome"] == "fail"
