"""Order of the migration: who may take which step, and which soak comes before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.criteria import DEFAULTS
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.steps import (
    finished,
    plan,
    soak_before,
)
from report.schemas import validator
from tests.gate.healthy import a_self_check, a_status, a_view
from tests.gate.machines import measured

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_700_000_000.0

PHASES: list[dict[str, Any]] = [
    {"phase": 1, "mode": "shadow", "soak_between_nodes": 48, "soak_after": 168},
    {"phase": 2, "mode": "rust", "soak_between_nodes": 24, "soak_after": 169},
    {"phase": 3, "mode": "final", "soak_between_nodes": 72, "soak_after": 0},
]
CRITERIA: dict[str, Any] = {
    **DEFAULTS,
    "min_calls": 10,
    "min_rejects": 2,
    "min_reason_codes": 2,
    "max_evidence_age_seconds": 30,
    "max_idle_seconds": 30,
    "max_gap_seconds": 30,
    "min_latency_pairs": 299,
}


REJECTED = {"bad_proof": 2, "no_work": 2}


def a_node(mode: str | None, soaked: float = 1000.0, name: str = "node1", **other: Any) -> dict[str, Any]:
    """The state of a node in ``mode``; in legacy it has no wrapper yet."""
    status = None if mode in ("legacy", None) else a_status(name, str(mode), NOW, soaked, 400, REJECTED)
    if status:
        status["evidence"]["determinism"] = a_self_check(NOW, measured(400))
    chain = a_view(NOW, ("node1", "node2", "node3"))
    state = {
        "mode": mode,
        "chain": chain,
        "why": "",
        "status": status,
        "runtime": {"python": "3.11", "libc": "glibc 2.36"},
    }
    return state | other


def named(state: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    """The state as the node of this name tells it."""
    if state and state["status"]:
        state["status"]["evidence"]["node"] = name
    return state


def step(phase: int, node: str, *nodes: dict[str, Any] | None, phases: Any = PHASES) -> Any:
    """Plan ``phase`` on ``node`` in a network of node1, node2, ..."""
    states = {f"node{number}": named(state, f"node{number}") for number, state in enumerate(nodes, start=1)}
    return plan(phase, node, states, phases, CRITERIA, NOW)


def test_given_an_untouched_network_then_node1_starts_and_node2_waits_for_it() -> None:
    untouched = a_node("legacy"), a_node("legacy")
    assert step(1, "node1", *untouched)["action"] == "start"
    second = step(1, "node2", *untouched)
    assert second["action"] == "wait"
    assert second["reasons"] == ["node1 is in legacy: phase 1 on node1 comes before phase 1 on node2"]


RESET = {
    "what": "PYTHONPATH",
    "why": "no PYTHONPATH (over.conf)",
    "file": "over.conf",
    "next": "mend over.conf",
}
SAID = "node1: no PYTHONPATH (over.conf); mend over.conf"


def test_given_a_unit_that_would_defeat_the_drop_in_then_the_first_step_is_refused_with_the_file() -> None:
    defeated = a_node("legacy", unit={"lacks": [], "obstacles": [RESET]})
    refused = step(1, "node1", defeated, a_node("legacy"))
    assert (refused["action"], refused["reasons"]) == ("fail", [SAID])
    assert step(1, "node1", a_node("legacy"), defeated)["action"] == "start", "it is the other node's step"


@pytest.mark.parametrize(("phase", "node"), [(1, "node2"), (2, "node1"), (1, "node1")])
def test_given_a_node_whose_unit_takes_from_its_wrapper_then_no_step_starts_anywhere(
    phase: int, node: str
) -> None:
    lacking = a_node("shadow", unit={"lacks": [RESET], "obstacles": [RESET]})
    refused = step(phase, node, lacking, a_node("legacy"))
    assert (refused["action"], refused["reasons"]) == ("fail", [SAID])


@pytest.mark.parametrize(
    ("phase", "node", "modes", "soak"),
    [
        (1, "node2", ("shadow", "legacy"), 48),
        (2, "node1", ("shadow", "shadow"), 168),
        (2, "node2", ("rust", "shadow"), 24),
        (3, "node1", ("rust", "rust"), 169),
        (3, "node2", ("final", "rust"), 72),
    ],
)
def test_given_each_step_then_its_own_soak_decides(
    phase: int, node: str, modes: tuple[str, str], soak: float
) -> None:
    early = step(phase, node, *(a_node(mode, soaked=soak - 1) for mode in modes))
    assert early["action"] == "wait"
    assert early["ready_at"] == NOW + 1
    assert step(phase, node, *(a_node(mode, soaked=soak) for mode in modes))["action"] == "start"


def test_given_a_node_that_is_there_already_then_nothing_is_done() -> None:
    assert step(1, "node1", a_node("shadow"), a_node("legacy"))["action"] == "nothing"
    assert step(1, "node1", a_node("final"), a_node("final"))["action"] == "nothing"


def test_given_a_broken_step_journal_then_every_step_is_refused_and_says_what_to_do() -> None:
    edited = a_node("shadow", journal={"broken": "line 2: an edit"})
    for number in (1, 2):
        refused = step(1, f"node{number}", edited, a_node("legacy"))
        assert refused["action"] == "fail"
        assert "node1: its step journal is broken: line 2: an edit" in refused["reasons"][0]
        assert "playbooks/journal.yml -l node1" in refused["reasons"][0]
    whole = a_node("shadow", journal={"broken": None})
    assert step(1, "node2", whole, a_node("legacy"))["action"] == "start"


def test_given_nodes_of_two_networks_then_no_step_starts_on_either() -> None:
    nodes = a_node("legacy", network="a" * 16), a_node("legacy", network="b" * 16)
    for number in (1, 2):
        refused = step(1, f"node{number}", *nodes)
        assert refused["action"] == "fail"
        assert "the nodes belong to several networks: node1 to aaaa" in refused["reasons"][0]
    joined = a_node("legacy", network="a" * 16), a_node("legacy", network="")
    assert step(1, "node1", *joined)["action"] == "start", "a node gets its identity with its first record"


def test_given_phase_2_too_early_then_it_names_the_step_that_is_missing() -> None:
    early = step(2, "node1", a_node("shadow"), a_node("legacy"))
    assert early["action"] == "wait"
    assert early["reasons"] == ["node2 is in legacy: phase 1 on node2 comes before phase 2 on node1"]


def test_given_a_node_that_skipped_a_phase_then_its_own_earlier_step_comes_first() -> None:
    skipped = step(3, "node1", a_node("shadow"), a_node("rust"))
    assert skipped["action"] == "wait"
    assert skipped["reasons"] == ["node1 is in shadow: phase 2 on node1 comes before phase 3 on node1"]


def test_given_a_silent_node_then_no_step_starts_anywhere() -> None:
    for node in ("node1", "node2"):
        refused = step(1, node, a_node("legacy"), None)
        assert refused["action"] == "fail"
        assert "node2 does not answer now" in refused["reasons"][0]


def test_given_a_node_of_unknown_mode_then_the_step_is_refused_with_the_reason() -> None:
    refused = step(
        1, "node2", a_node(None, why="node.py has the wrapper, but nobody listens"), a_node("legacy")
    )
    assert refused["action"] == "fail"
    assert "nobody listens" in refused["reasons"][0]


@pytest.mark.parametrize(
    "runtime", [{"python": "3.12", "libc": "glibc 2.36"}, {"python": "3.11", "libc": "glibc 2.41"}]
)
def test_given_nodes_with_other_interpreters_then_the_step_is_refused(runtime: dict[str, str]) -> None:
    refused = step(1, "node1", a_node("legacy"), a_node("legacy", runtime=runtime))
    assert refused["action"] == "fail"
    assert "they would not compute the same sums" in refused["reasons"][0]


def test_given_a_divergence_on_the_node_before_then_the_next_step_fails() -> None:
    bad = a_node("shadow")
    record = bad["status"]["evidence"]
    record["outcomes"]["divergence"] = record["ever"]["divergence"] = record["divergence_kinds"]["work"] = 1
    record["calls"] += 1
    refused = step(1, "node2", bad, a_node("legacy"))
    assert refused["action"] == "fail"
    assert refused["gate"]["outcome"] == "fail"


def test_given_a_rolled_back_node_then_both_soak_again_before_it_goes_on() -> None:
    waiting = step(2, "node1", a_node("shadow", soaked=5), a_node("rust"))
    assert waiting["action"] == "wait"
    assert waiting["criteria"]["soaking"] == ["node1", "node2"]


def test_given_a_node_back_in_legacy_then_it_starts_phase_1_again() -> None:
    assert step(1, "node1", a_node("legacy"), a_node("shadow"))["action"] == "start"


def test_given_three_nodes_then_the_last_waits_for_both_before_it() -> None:
    assert soak_before(2, ["node1", "node2"], ["node1", "node2", "node3"], PHASES) == (["node1", "node2"], 24)
    assert step(1, "node3", a_node("shadow"), a_node("legacy"), a_node("legacy"))["action"] == "wait"


def test_given_waves_then_a_node_waits_for_the_earlier_waves_and_not_for_its_neighbour() -> None:
    canary_done = {"node1": a_node("shadow"), "node2": a_node("legacy"), "node3": a_node("legacy")}
    for node in ("node2", "node3"):
        assert plan(1, node, canary_done, PHASES, CRITERIA, NOW, [1, 2])["action"] == "start"
    canary_soaks = canary_done | {"node1": a_node("shadow", soaked=47)}
    for node in ("node2", "node3"):
        assert plan(1, node, canary_soaks, PHASES, CRITERIA, NOW, [1, 2])["action"] == "wait"
    half_a_wave = canary_done | {"node2": a_node("shadow", name="node2")}
    assert plan(1, "node3", half_a_wave, PHASES, CRITERIA, NOW, [1, 2])["action"] == "start"
    assert plan(2, "node1", half_a_wave, PHASES, CRITERIA, NOW, [1, 2])["reasons"] == [
        "node3 is in legacy: phase 1 on node3 comes before phase 2 on node1"
    ]


def test_given_waves_that_are_none_then_no_step_is_planned() -> None:
    with pytest.raises(ValueError, match="step_serial"):
        plan(1, "node1", {"node1": a_node("legacy")}, PHASES, CRITERIA, NOW, 0)


def test_given_a_phase_that_the_inventory_lacks_then_the_error_names_it() -> None:
    with pytest.raises(ValueError, match="no phase 4"):
        step(4, "node1", a_node("legacy"), a_node("legacy"))


def test_given_a_phase_with_criteria_of_its_own_then_they_hold_for_the_soaks_in_its_mode() -> None:
    phases = [dict(PHASES[0]), PHASES[1] | {"criteria": {"min_calls": 1000}}, PHASES[2]]
    rust, shadow = a_node("rust"), a_node("shadow")
    between = step(2, "node2", rust, shadow, phases=phases)
    assert between["action"] == "wait"
    assert "404 of 1000 calls" in between["reasons"][0]
    after = step(3, "node1", rust, a_node("rust"), phases=phases)
    assert "404 of 1000 calls" in after["reasons"][0]
    before = step(2, "node1", shadow, a_node("shadow"), phases=phases)
    assert before["action"] == "start"


def test_given_what_lies_beside_the_status_then_the_gate_is_told_of_it() -> None:
    states = {"node1": a_node("shadow", replay={"result": "garbage"}), "node2": a_node("legacy")}
    refused = plan(1, "node2", states, PHASES, CRITERIA, NOW)
    assert refused["action"] == "fail"
    assert "replay: result is 'garbage', not an object" in refused["reasons"][0]
    assert refused["evidence"]["node2"] == {"chain": states["node2"]["chain"]}


def begun(before: str, mode: str, phase: int) -> dict[str, Any]:
    """The journal of a node on which a step was begun and never recorded as done."""
    said = {"outcome": "pass", "reasons": ["it soaked"], "proven": ["0 in 400 calls"], "override": None}
    record = {"seq": 7, "at": NOW - 60, "who": "eve@laptop", "why": "phase", "what": "step started"}
    record |= {"phase": phase, "from": before, "to": mode, "gate": said}
    return {"broken": None, "begun": {"step started": record}}


def test_given_a_step_interrupted_after_its_change_of_mode_then_the_same_command_finishes_it() -> None:
    open_ = a_node("rust", journal=begun("shadow", "rust", 2))
    rest = step(2, "node1", open_, a_node("shadow"))
    assert (rest["action"], rest["mode"], rest["target"]) == ("finish", "shadow", "rust")
    assert rest["reasons"] == [
        "node1 is in rust by a step of eve@laptop that was interrupted before it was recorded as done"
    ]
    assert step(1, "node1", open_, a_node("shadow"))["action"] == "nothing"
    assert step(2, "node1", open_, None)["action"] == "fail", "the health of a silent node is not known"


def test_given_a_step_interrupted_on_one_node_then_no_other_starts_and_is_told_what_comes_first() -> None:
    refused = step(1, "node2", a_node("shadow", journal=begun("legacy", "shadow", 1)), a_node("legacy"))
    assert refused["action"] == "fail"
    assert "first: ansible-playbook playbooks/phase1.yml -l node1" in refused["reasons"][0]


def test_given_a_step_interrupted_before_its_change_of_mode_then_it_starts_again() -> None:
    again = step(2, "node1", a_node("shadow", journal=begun("shadow", "rust", 2)), a_node("shadow"))
    assert again["action"] == "start"


def test_given_neighbours_of_a_wave_interrupted_together_then_neither_waits_for_the_other() -> None:
    states = {"node1": named(a_node("shadow"), "node1")}
    states |= {"node2": a_node("shadow", name="node2", journal=begun("legacy", "shadow", 1))}
    states |= {"node3": a_node("legacy")}
    plans = [plan(1, f"node{number}", states, PHASES, CRITERIA, NOW, [1, 2]) for number in (2, 3)]
    assert [one["action"] for one in plans] == ["finish", "start"]


def test_given_a_finished_step_then_its_decision_is_kept_with_its_evidence_or_told_by_the_journal() -> None:
    journal = begun("shadow", "rust", 2)
    record = journal["begun"]["step started"]
    rest = step(2, "node1", a_node("rust", journal=journal), a_node("shadow"))
    gate = record["gate"] | {"ready_at": None}
    kept = {"schema": 1, "gate": gate, "evidence": {"node1": {}}, "finished": None}
    assert finished(rest, record, kept, NOW) == kept | {"finished": NOW}
    for nothing in (None, kept | {"gate": gate | {"proven": ["of another soak"]}}, kept | {"gate": None}):
        told = finished(rest, record, nothing, NOW)
        validator("step").validate(told)
        assert (told["mode"], told["target"], told["decided"]) == ("shadow", "rust", NOW - 60)
        assert (told["finished"], told["evidence"]) == (NOW, {})
