"""The gate says pass, wait or fail; every refusal is provoked here."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import FAULTS
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import decide
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.findings import Findings
from tests.gate.asked import (
    CRITERIA,
    NOW,
    REJECTED,
    a_healthy_node,
    a_replay,
    arm_found,
    begun,
    count_calls,
    decide_with,
    drop,
    fork,
    latch,
    put,
    release,
)
from tests.gate.healthy import RELEASE, a_kept_tree, a_sentinel, a_view


def test_given_a_healthy_soak_then_the_gate_passes() -> None:
    decision = decide_with()
    assert decision["outcome"] == "pass"
    assert decision["ready_at"] is None


def test_given_the_first_step_then_nothing_has_to_soak() -> None:
    criteria = CRITERIA | {"nodes": {"node1": "legacy", "node2": "legacy"}, "soaking": []}
    decision = decide({"node1": {"chain": a_healthy_node()["chain"]}, "node2": None}, criteria, NOW)
    assert decision["outcome"] == "pass"
    assert decision["reasons"] == ["first step: nothing has to soak before it"]
    assert decision["ready_at"] is None


@pytest.mark.parametrize("mode", ["rust", "final"])
def test_given_a_later_mode_then_the_gate_counts_its_own_kind_of_call(mode: str) -> None:
    criteria = CRITERIA | {"nodes": {"node1": mode}}
    assert decide({"node1": a_healthy_node(mode)}, criteria, NOW)["outcome"] == "pass"


def test_given_matches_in_final_then_they_do_not_stand_in_for_calls_alone() -> None:
    status = a_healthy_node("final")
    count_calls(status, match=460)
    assert decide({"node1": status}, CRITERIA | {"nodes": {"node1": "final"}}, NOW)["outcome"] == "wait"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("evidence", value={}), "the evidence is empty"),
        (drop("evidence"), "the evidence is empty"),
        (begun(NOW - 20), "soaked 19 of 40 s"),
        (put("evidence", "last_call", value=None), "no block has been judged in this soak"),
        (put("evidence", "last_call", value=NOW - 90), "no block has been judged for 89 s"),
        (put("evidence", "last_call", value=NOW + 9), "the last call lies in the future"),
        (put("evidence", "now", value=NOW - 31), "the newest evidence is 31 s old"),
        (put("evidence", "now", value=NOW + 9), "ahead of the controller's"),
        (begun(NOW + 60), "a clock went backwards"),
        (put("evidence", "rejects_compared", value={}), "0 of 30 rejects that both engines gave"),
        (put("evidence", "rejects_compared", value={"bad_proof": 10}), "1 of 6 reason codes (1 live"),
        (
            put("evidence", "rejects_compared", value=dict.fromkeys(REJECTED, 0) | {"bad_proof": 10}),
            "1 of 6 reason codes",
        ),
        (
            put("evidence", "flushed", value=NOW + 60),
            "a clock went backwards: the last write to the disk lies in the future",
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
        (latch("divergence at block 7"), "latched (divergence at block 7)"),
        (put("stopped", value={"at": NOW, "why": "the engine broke"}), "takes no blocks (the engine broke)"),
        (
            put("mode_file", "problem", value={"kind": "differs", "why": "it says rust"}),
            "its mode file: it says rust",
        ),
        (put("evidence", "mode", value="rust"), "evidence says mode 'rust'"),
        (put("evidence", "calls", value=461), "a call was not counted"),
        (release(""), "names no release"),
        (release(None), "names no release"),
        (drop("evidence", "outcomes"), "evidence.outcomes is missing"),
        (drop("evidence", "outcomes", "divergence"), "evidence.outcomes.divergence is missing"),
        (put("evidence", "outcomes", "surprise", value=0), "unknown outcomes surprise"),
        (put("evidence", "calls", value=math.nan), "evidence.calls is nan, not a whole number"),
        (put("evidence", "calls", value=-1), "evidence.calls is -1, below 0"),
        (put("evidence", "calls", value=True), "evidence.calls is True, not a whole number"),
        (
            put("evidence", "soak_started", value=math.nan),
            "soak_started is nan, not a finite number",
        ),
        (put("evidence", "soak_started", value=-math.inf), "evidence.soak_started is -inf"),
        (put("evidence", "now", value=0.0), "evidence.now is 0.0, no time since 2001"),
        (put("evidence", "now", value="yester\x1b[2Jday"), "evidence.now is 'yester\\x1b[2Jday'"),
        (drop("evidence", "now"), "evidence.now is missing"),
        (put("evidence", "last_call", value=math.nan), "evidence.last_call is nan"),
        (put("evidence", "rejects_compared", value=None), "evidence.rejects_compared is None, not an object"),
        (put("evidence", "rejects_compared", "bad_proof", value=1.5), "rejects_compared.bad_proof is 1.5"),
        (drop("evidence", "restarts"), "evidence.restarts is missing"),
    ],
)
def test_given_a_fault_or_garbage_then_the_gate_fails_and_says_where(change: Any, reason: str) -> None:
    decision = decide_with(change)
    assert decision["outcome"] == "fail"
    assert any(reason in line for line in decision["reasons"]), decision


@pytest.mark.parametrize("kind", FAULTS)
def test_given_one_bad_outcome_among_thousands_then_the_gate_fails(kind: str) -> None:
    decision = decide_with(lambda status: count_calls(status, match=100_000, **{kind: 1}))
    assert decision["outcome"] == "fail"
    assert [finding["code"] for finding in decision["findings"]] == [kind]


def test_given_an_accepted_block_outside_the_domain_then_the_gate_fails() -> None:
    def change(status: dict[str, Any]) -> None:
        count_calls(status, match=460, skipped=1)
        status["evidence"] |= {"skipped": {"out_of_domain": 1}, "out_of_domain_accepted": 1}

    assert "outside the parity domain" in decide_with(change)["reasons"][0]


def test_given_skipped_calls_only_then_they_are_no_samples() -> None:
    status = a_healthy_node(accepts=0, rejects={})
    count_calls(status, skipped=200)
    decision = decide({"node1": status, "node2": None}, CRITERIA, NOW)
    assert decision["outcome"] == "wait"
    assert decision["ready_at"] is None


def test_given_a_fault_on_a_node_that_does_not_soak_then_the_gate_fails_too() -> None:
    criteria = CRITERIA | {"nodes": {"node1": "rust", "node2": "shadow"}, "soaking": ["node1"]}
    other = a_healthy_node("shadow", "node2")
    count_calls(other, match=460, divergence=1)
    decision = decide({"node1": a_healthy_node("rust"), "node2": other}, criteria, NOW)
    assert decision["outcome"] == "fail"
    assert decision["reasons"] == ["node2: 1 divergences in this soak"]


def test_given_two_releases_in_the_network_then_the_gate_fails() -> None:
    criteria = CRITERIA | {"nodes": {"node1": "shadow", "node2": "shadow"}, "soaking": ["node1", "node2"]}
    other = a_healthy_node(name="node2")
    release("b" * 64)(other)
    decision = decide({"node1": a_healthy_node(), "node2": other}, criteria, NOW)
    assert decision["outcome"] == "fail"
    assert "different releases" in decision["reasons"][0]


def test_given_no_answer_from_a_migrated_node_then_the_gate_waits() -> None:
    decision = decide({}, CRITERIA, NOW)
    assert decision["outcome"] == "wait"
    assert decision["reasons"][0] == "node1: no evidence; its control socket gave no status"


def test_given_a_soak_that_is_too_short_then_the_gate_says_when_it_could_pass() -> None:
    decision = decide_with(begun(NOW - 20))
    assert decision["ready_at"] == NOW + 21  # the newest evidence, a second old, shows 19 s


def test_given_too_few_calls_then_the_forecast_follows_their_rate() -> None:
    few = a_healthy_node(accepts=40)
    decision = decide({"node1": few, "node2": None}, CRITERIA, NOW)
    assert decision["outcome"] == "wait"
    assert decision["ready_at"] == NOW + 25  # 100 calls in 50 s: 50 more take 25 s


def test_given_a_fault_then_what_is_missing_does_not_make_it_wait() -> None:
    def change(status: dict[str, Any]) -> None:
        latch("divergence")(status)
        begun(NOW - 5)(status)

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
        ("max_latency_ratio", math.inf),
        ("min_latency_pairs", 0),
        ("confidence", 1.0),
        ("max_gap_seconds", None),
        ("max_gap_seconds", 10**400),
        ("soaking", None),
        ("soaking", "node1"),
        ("soaking", [["node1"]]),
        ("nodes", {"node1": ["shadow"]}),
    ],
)
def test_given_criteria_that_are_none_then_the_gate_fails(criterion: str, value: Any) -> None:
    decision = decide_with(criteria=CRITERIA | {criterion: value})
    assert decision["outcome"] == "fail"
    assert "the criteria are not usable" in decision["reasons"][0]
    assert criterion in decision["reasons"][0]


def test_given_a_status_that_is_not_an_object_then_the_gate_fails() -> None:
    assert decide({"node1": "fine"}, CRITERIA, NOW)["outcome"] == "fail"


# A soak is continuous


def test_given_a_restart_beyond_the_allowed_then_the_soak_counts_from_it() -> None:
    def change(status: dict[str, Any]) -> None:
        status["evidence"] |= {"restarts": 3, "process_started": NOW - 21}

    decision = decide_with(change)
    assert decision["outcome"] == "wait"
    assert decision["reasons"] == [
        "node1: soaked 20 of 40 s, from the last of 3 restarts on (at most 0 allowed); "
        "there at 2023-11-14 22:13:40 UTC"
    ]
    assert decision["ready_at"] == NOW + 20


@pytest.mark.parametrize(
    ("gap", "count", "outcome"),
    [
        ((-40.0, -35.0), 1, "pass"),  # short enough
        ((-60.0, -49.0), 1, "pass"),  # long, but the soak since then is long enough
        ((-35.0, -20.0), 1, "wait"),
        ((-20.0, -3620.0), 1, "pass"),  # the clock went back before the soak began
        ((-19.0, -20.0), 1, "wait"),  # the clock went back
        ((-21.0, -20.0), 17, "wait"),  # more gaps than are listed: the first one listed may hide a long one
    ],
)
def test_given_a_gap_then_the_soak_counts_from_the_end_of_one_that_is_too_long(
    gap: tuple[float, float], count: int, outcome: str
) -> None:
    listed = [{"from": NOW + gap[0], "to": NOW + gap[1], "why": "no process ran"}]

    def change(status: dict[str, Any]) -> None:
        told = listed * min(count, 16)
        seconds = sum(max(one["to"] - one["from"], 0.0) for one in told)
        seconds += 9.0 if count > 16 else 0.0
        status["evidence"]["gaps"] = {"count": count, "seconds": seconds, "recent": told}

    decision = decide_with(change)
    assert decision["outcome"] == outcome, decision
    assert outcome == "pass" or "from a gap on (no process ran" in decision["reasons"][0]


def test_given_a_wall_clock_set_forward_then_only_what_was_observed_counts() -> None:
    decision = decide_with(put("evidence", "observed_seconds", value=3.0))
    assert decision["outcome"] == "wait"
    assert "soaked 3 of 40 s" in decision["reasons"][0]


@pytest.mark.parametrize(
    ("flushed", "reason"),
    [(None, "has not reached the disk yet"), (NOW - 40, "has not reached the disk for 39 s")],
)
def test_given_evidence_in_memory_only_then_the_gate_waits(flushed: float | None, reason: str) -> None:
    decision = decide_with(put("evidence", "flushed", value=flushed))
    assert decision["outcome"] == "wait"
    assert reason in decision["reasons"][0]


# Coverage, and what a replay adds


def test_given_codes_that_live_traffic_does_not_bring_then_a_replay_brings_them_said_apart() -> None:
    criteria = CRITERIA | {"min_reason_codes": 9}
    short = decide_with(criteria=criteria)
    assert short["outcome"] == "wait"
    assert (
        "6 of 9 reason codes (6 live, 0 more by a replay); ansible-playbook playbooks/replay.yml -l node1"
        in str(short)
    )
    filled = decide_with(put("replay", value=a_replay()), criteria)
    assert filled["outcome"] == "pass"
    assert (
        "node1: replay: 0 in 1,000 blocks and mutants: at most 0.3 % at 95 %; 3 reason codes"
        in (filled["proven"])
    )


def by_header(**changes: Any) -> Any:
    """A change to a node that judges by the header profile, and what else of its status is so."""

    def change(status: dict[str, Any]) -> None:
        status |= {"profile": "header", **changes}

    return change


def test_given_a_node_that_judges_by_the_header_profile_then_its_seven_codes_are_enough() -> None:
    criteria = CRITERIA | {"min_reason_codes": 11}
    assert "6 of 11 reason codes" in str(decide_with(criteria=criteria))
    short = str(decide_with(by_header(), criteria))
    assert "6 of 7 reason codes (6 live, 0 more by a replay) of the header profile; ansible-" in short
    by_replay = a_replay(result=a_replay()["result"] | {"profile": "header"})
    assert decide_with(by_header(replay=by_replay), criteria)["outcome"] == "pass"


def test_given_a_node_without_a_log_then_no_replay_is_advised() -> None:
    decision = decide_with(by_header(tree=a_kept_tree()), CRITERIA | {"min_reason_codes": 11})
    assert "only live blocks bring them, as the node keeps no log to replay" in str(decision)
    assert "replay.yml" not in str(decision)
    alone = "node1: no log of blocks to replay: shown by live blocks and the self-check alone"
    assert alone in decision["proven"]


@pytest.mark.parametrize(
    "stale",
    [
        a_replay(release="b" * 64),
        a_replay(python="3.12.1"),
        a_replay(libc="glibc 2.41"),
        a_replay(finished=NOW - 3601),
        a_replay(finished=NOW + 60),
        a_replay(result=a_replay()["result"] | {"profile": "header"}),
        None,
    ],
)
def test_given_a_replay_of_another_build_or_time_then_it_covers_nothing(stale: Any) -> None:
    decision = decide_with(put("replay", value=stale), CRITERIA | {"min_reason_codes": 9})
    assert decision["outcome"] == "wait"
    assert "0 more by a replay" in decision["reasons"][0]


@pytest.mark.parametrize(
    "divergences", [{"count": 1, "captured": []}, {"count": 0, "captured": [{"file": "x"}]}]
)
def test_given_a_replay_that_found_a_divergence_then_the_gate_fails(divergences: Any) -> None:
    replay = a_replay()
    replay["result"]["divergences"] = divergences
    decision = decide_with(put("replay", value=replay))
    assert decision["outcome"] == "fail"
    assert decision["reasons"] == ["node1: the replay found 1 divergences; see its captures"]


@pytest.mark.parametrize("damage", ["garbage", {}, {"result": {}}, a_replay(finished=math.nan)])
def test_given_a_replay_that_is_none_then_the_gate_fails(damage: Any) -> None:
    known = {"release": RELEASE, "python": "3.11.2", "libc": "glibc 2.36", "finished": NOW}
    value = known | damage if isinstance(damage, dict) and "schema" not in damage else damage
    assert decide_with(put("replay", value=value))["outcome"] == "fail"


def test_given_a_pass_then_it_says_the_honest_bound() -> None:
    proven = decide_with(lambda status: count_calls(status, match=12_031))["proven"]
    assert proven[0] == "node1: 0 in 12,031 blocks: at most 0.025 % at 95 %; 6 reason codes live"


# Fork, determinism, chain


def a_look(**seen: Any) -> dict[str, Any]:
    """A look at the chains that came to no agreement."""
    return {name: value for name, value in a_view(NOW).items() if not name.startswith("agreed")} | seen


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (fork, "node1: the nodes have different blocks at height 40; both sides are in forks/ab.json"),
        (arm_found(mismatches=2), "node1: an engine judged 2 stored blocks otherwise the second time"),
        (arm_found(differences=1), "node1: the engines disagree on 1 stored blocks replayed"),
        (
            put("chain", value=a_look(problems=["other at 5"], forked=["other at 5"])),
            "node1: sees that other at 5",
        ),
    ],
)  # fmt: skip
def test_given_a_fork_or_an_engine_that_contradicts_itself_then_the_gate_fails(
    change: Any, reason: str
) -> None:
    decision = decide_with(change)
    assert decision["outcome"] == "fail"
    assert decision["reasons"][0].startswith(reason)


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (None, "no node has compared the chain"),
        (a_view(NOW - 31), "no node has compared the chain"),
        (a_view(NOW + 31), "no node has compared the chain"),
        (a_look(problems=["node2 does not answer"]), "sees that node2 does not answer"),
        (a_look(), "has not compared the chain"),
        (a_view(NOW, ("node1",)), "has not compared the chain with node2"),
    ],
)
def test_given_a_chain_that_nobody_has_compared_now_then_the_gate_waits(view: Any, reason: str) -> None:
    decision = decide_with(put("chain", value=view))
    assert decision["outcome"] == "wait"
    assert reason in decision["reasons"][0]


def test_given_a_peer_that_disagrees_once_then_the_gate_waits_for_the_second_look() -> None:
    seen = a_sentinel(NOW)
    seen["peers"]["http://node2:8080"]["agrees"] = False
    decision = decide_with(put("evidence", "sentinel", value=seen))
    assert decision["outcome"] == "wait"
    assert "http://node2:8080 has another block at height 10" in decision["reasons"][0]


def test_given_two_views_that_agree_on_different_blocks_of_one_height_then_the_gate_fails() -> None:
    criteria = CRITERIA | {"nodes": {"node1": "shadow", "node2": "shadow"}, "soaking": ["node1"]}
    one, other = a_healthy_node(), a_healthy_node(name="node2")
    assert decide({"node1": one, "node2": other}, criteria, NOW)["outcome"] == "pass"
    other["chain"]["agreed_hash"] = "cd" * 32
    decision = decide({"node1": one, "node2": other}, criteria, NOW)
    assert decision["outcome"] == "fail"
    assert "node1 and node2 each say that all agree at height 7: on abababababab and on cdcd" in str(decision)


def test_given_several_things_that_are_missing_then_the_one_that_takes_longest_is_told_first() -> None:
    findings = Findings()
    findings.wait("soak", "node1", "soaked 3 of 40 s", NOW + 37)
    findings.wait("samples", "node1", "40 of 150 calls", NOW + 90)
    findings.wait("samples", "node1", "20 of 30 rejects", NOW + 5)
    decision = findings.decision("")
    assert [reason.split()[1] for reason in decision["reasons"]] == ["40", "soaked", "20"]
    assert decision["ready_at"] == NOW + 90
    findings.wait("coverage", "node1", "5 of 6 reason codes")  # nobody can say when they come
    decision = findings.decision("")
    assert "reason codes" in decision["reasons"][0]
    assert decision["ready_at"] is None
    findings.fail("latched", "node1", "latched")
    assert findings.decision("")["reasons"][0] == "node1: latched"
