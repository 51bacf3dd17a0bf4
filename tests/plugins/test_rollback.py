"""Where a node goes back to, and how, from every state it can be in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.pending_operation import parse
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.rollback import (
    pending_operation,
    plan,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.steps import plan as plan_step


def a_node(
    mode: str | None, answers: bool = True, recorded: str | None = None, imports: str | None = "wrapped"
) -> Any:
    """A node in ``mode``, with a wrapper that answers or does not, and what its mode file says."""
    return {
        "mode": mode,
        "why": "no socket",
        "status": {"mode": mode} if answers else None,
        "status_error": "" if answers else "nobody listens",
        "mode_file": {"mode": recorded} if recorded else None,
        "node_py": {"state": imports, "why": "a half-made edit"},
        "pending_operation": None,
        "remains": ["/opt/coinjecture/releases"],
        "service": {"active": mode is not None},
    }


def begun(target: str, kind: str = "rollback") -> dict[str, Any]:
    """An operation that is open on a node."""
    return {
        "schema": 1,
        "kind": kind,
        "origin": "final",
        "target": target,
        "mode": "final",
        "since": 1.0,
        "by": "ann@laptop",
        "why": "a test",
    }


@pytest.mark.parametrize(("mode", "back"), [("final", "rust"), ("rust", "shadow"), ("shadow", "legacy")])
def test_given_a_mode_then_the_default_is_one_step_back_without_a_restart(mode: str, back: str) -> None:
    planned = plan(a_node(mode), None)
    assert (planned["from"], planned["to"], planned["first"]) == (mode, back, back)
    assert (planned["how"], planned["restarts"]) == ("socket", False)


@pytest.mark.parametrize("target", ["rust", "shadow", "legacy"])
def test_given_final_then_every_lower_mode_can_be_named(target: str) -> None:
    assert plan(a_node("final"), target)["to"] == target


@pytest.mark.parametrize(("mode", "target"), [("legacy", None), ("shadow", "rust"), ("rust", "rust")])
def test_given_a_node_that_is_there_or_below_then_nothing_is_done(mode: str, target: str | None) -> None:
    assert plan(a_node(mode), target)["how"] == "nothing"


def test_given_a_node_that_was_never_migrated_then_nothing_is_done() -> None:
    assert plan(a_node("legacy", answers=False, imports="legacy"), None)["how"] == "nothing"


def test_given_a_half_done_step_whose_process_has_no_wrapper_yet_then_nothing_is_done() -> None:
    assert plan(a_node("legacy", answers=False), "legacy")["how"] == "nothing"


@pytest.mark.parametrize(("recorded", "back"), [("final", "rust"), ("rust", "shadow"), (None, "legacy")])
def test_given_a_silent_wrapper_then_the_mode_file_decides_and_a_restart_is_needed(
    recorded: str | None, back: str
) -> None:
    planned = plan(a_node(None, answers=False, recorded=recorded), None)
    assert (planned["how"], planned["to"]) == ("restart", back)


def test_given_a_silent_wrapper_then_a_named_mode_is_brought_about_whatever_was_recorded() -> None:
    assert plan(a_node(None, answers=False, recorded="shadow"), "legacy")["how"] == "restart"


def test_given_no_answer_of_the_node_then_it_is_refused() -> None:
    assert plan(None, None)["how"] == "refuse"


@pytest.mark.parametrize("target", ["final", "gone", "rusty", ""])
def test_given_a_target_that_is_none_then_it_is_refused(target: str) -> None:
    assert plan(a_node("rust"), target)["how"] == "refuse"


def test_given_a_node_py_without_the_wrapper_that_does_not_run_then_it_is_refused_with_the_reason() -> None:
    refused = plan(a_node(None, answers=False, imports="legacy"), "legacy")
    assert refused["how"] == "refuse"
    assert "no socket" in refused["why"]


@pytest.mark.parametrize(("mode", "target"), [("final", "rust"), ("rust", "rust"), ("shadow", "legacy")])
def test_given_an_open_rollback_then_it_is_finished_and_none_is_begun(mode: str, target: str) -> None:
    planned = plan(a_node(mode) | {"pending_operation": begun(target)}, None)
    assert planned["to"] == target
    assert planned["how"] == ("nothing" if mode == target else "socket")
    assert "begun by ann@laptop" in planned["why"]
    assert (planned["resumed"], planned["origin"]) == (True, "final")


def test_given_an_open_rollback_and_another_order_then_the_new_one_counts() -> None:
    assert plan(a_node("final") | {"pending_operation": begun("rust")}, "legacy")["to"] == "legacy"


def test_given_an_open_rollback_and_the_advice_to_go_further_then_nothing_left_to_do_still_replaces_it() -> (
    None
):
    planned = plan(a_node("legacy") | {"pending_operation": begun("shadow")}, "legacy")
    assert (planned["how"], planned["to"], planned["resumed"], planned["origin"]) == (
        "nothing",
        "legacy",
        True,
        "final",
    )
    assert "begun by ann@laptop is replaced by one to legacy" in planned["why"]
    assert (
        pending_operation(planned, "bob", 5.0)["target"],
        pending_operation(planned, "bob", 5.0)["origin"],
    ) == (
        "legacy",
        "final",
    )


def test_given_an_open_rollback_and_the_same_order_again_then_it_is_finished() -> None:
    planned = plan(a_node("legacy") | {"pending_operation": begun("legacy")}, "legacy")
    assert (planned["how"], planned["resumed"], planned["origin"]) == ("nothing", True, "final")


def test_given_an_open_upgrade_then_a_rollback_is_one_step_all_the_same() -> None:
    assert plan(a_node("rust") | {"pending_operation": begun("abc", "upgrade")}, None)["to"] == "shadow"


def test_given_an_operation_that_cannot_be_read_then_a_rollback_is_not_held_back() -> None:
    assert plan(a_node("rust") | {"pending_operation": {"damaged": "not JSON"}}, None)["to"] == "shadow"


@pytest.mark.parametrize(("mode", "first"), [("final", "legacy"), ("shadow", "legacy"), ("legacy", "")])
def test_given_removed_and_a_wrapper_that_answers_then_legacy_comes_first_and_a_restart(
    mode: str, first: str
) -> None:
    planned = plan(a_node(mode), "removed")
    assert (planned["how"], planned["first"], planned["restarts"]) == ("remove", first, True)


@pytest.mark.parametrize("imports", ["legacy", "wrapped"])
def test_given_removed_and_a_process_that_never_ran_the_wrapper_then_it_is_not_restarted(
    imports: str,
) -> None:
    planned = plan(a_node("legacy", answers=False, imports=imports), "removed")
    assert (planned["how"], planned["first"], planned["restarts"]) == ("remove", "", False)


def test_given_removed_and_a_unit_that_is_down_then_it_is_started_without_the_wrapper() -> None:
    planned = plan(a_node(None, answers=False, imports="legacy"), "removed")
    assert (planned["how"], planned["restarts"]) == ("remove", True)


def test_given_removed_and_nothing_left_then_nothing_is_done() -> None:
    clean = a_node("legacy", answers=False, imports="legacy") | {"remains": []}
    assert plan(clean, "removed")["how"] == "nothing"


def test_given_removed_and_a_node_py_of_another_shape_then_it_is_refused() -> None:
    refused = plan(a_node("legacy", answers=False, imports=None), "removed")
    assert (refused["how"], refused["why"]) == ("refuse", "a half-made edit")


def test_given_a_rollback_then_its_operation_can_be_read_back() -> None:
    said = pending_operation(plan(a_node(None, answers=False), "removed"), "ann@laptop", 5.0)
    assert parse(json.dumps(said)) == said
    assert (said["origin"], said["mode"]) == ("unknown", None)


def test_given_an_open_operation_on_any_node_then_no_step_starts() -> None:
    states = {"node1": _runtime(a_node("legacy")), "node2": _runtime(a_node("legacy"))}
    phases = [{"phase": 1, "mode": "shadow", "soak_between_nodes": 0, "soak_after": 0}]
    states["node2"]["pending_operation"] = begun("removed")
    step = plan_step(1, "node1", states, phases, {}, 0.0)
    assert step["action"] == "fail"
    assert "run ansible-playbook playbooks/rollback.yml -l node2 first" in step["reasons"][0]


def _runtime(state: Any) -> Any:
    return state | {"runtime": {"python": "3.11", "libc": "glibc 2.36"}}


@pytest.mark.parametrize("target", ["rust", "shadow", "legacy"])
def test_given_a_completed_node_then_it_goes_back_by_a_restart_from_the_sealed_copy(target: str) -> None:
    planned = plan(a_node("final", answers=False, imports="rust"), target)
    assert (planned["from"], planned["to"], planned["how"]) == ("final", target, "restart")
    assert planned["restarts"] is True
    assert "sealed copy" in planned["why"]


def test_given_a_completed_node_then_one_step_back_is_rust() -> None:
    assert plan(a_node("final", answers=False, imports="rust"), None)["to"] == "rust"


def test_given_a_completed_node_then_it_is_not_removed_before_the_legacy_engine_is_back() -> None:
    planned = plan(a_node("final", answers=False, imports="rust"), "removed")
    assert planned["how"] == "refuse"
    assert "-e to=legacy first" in planned["why"]
