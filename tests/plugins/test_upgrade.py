"""Which wheel comes to a node, and when it is put back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.pending_operation import parse
from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.upgrade import (
    check,
    lines,
    pending_operation,
    plan,
)

OLD, NEW, THIRD = "0" * 64, "1" * 64, "2" * 64


def a_node(mode: str | None = "rust", release: str | None = OLD, **change: Any) -> dict[str, Any]:
    """A node that runs a release."""
    status = {
        "mode": mode,
        "why": "phase 2",
        "latched": None,
        "process": {"release": release},
        "engines": {"rust": {"loaded": mode != "legacy", "error": None}},
    }
    state = {
        "mode": mode,
        "release": release,
        "status": status,
        "status_error": "",
        "mode_file": {"mode": mode},
        "node_py": {"state": "wrapped"},
        "pending_operation": None,
    }
    return state | change


def begun(kind: str = "upgrade", target: str = NEW) -> dict[str, Any]:
    """What is open on a node."""
    return {"kind": kind, "origin": OLD, "target": target, "mode": "rust", "since": 50.0, "by": "ann"}


@pytest.mark.parametrize("mode", MODES)
def test_given_any_mode_then_a_new_wheel_comes_and_the_mode_stays(mode: str) -> None:
    planned = plan({"node1": a_node(mode), "node2": a_node(mode)}, "node1", NEW)
    assert (planned["how"], planned["from"], planned["to"], planned["mode"]) == ("install", OLD, NEW, mode)
    assert planned["behind"] == ([] if mode == "legacy" else ["node2"])


def test_given_a_wrapper_that_does_not_start_then_the_wheel_comes_in_the_recorded_mode() -> None:
    dead = a_node(None, status=None, mode_file={"mode": "final"})
    planned = plan({"node1": dead, "node2": a_node("final")}, "node1", NEW)
    assert (planned["how"], planned["mode"]) == ("install", "final")


def test_given_the_release_that_runs_then_nothing_is_done() -> None:
    assert plan({"node1": a_node()}, "node1", OLD)["how"] == "nothing"


def test_given_a_link_that_was_changed_and_a_process_that_was_not_then_it_is_not_done() -> None:
    state = a_node(release=NEW)
    state["status"]["process"]["release"] = OLD
    assert plan({"node1": state}, "node1", NEW)["how"] == "install"


def test_given_an_interrupted_upgrade_then_it_is_looked_at_and_knows_the_old_release_and_mode() -> None:
    planned = plan({"node1": a_node("legacy", NEW, pending_operation=begun())}, "node1", NEW)
    assert (planned["how"], planned["from"], planned["mode"], planned["since"]) == (
        "verify",
        OLD,
        "rust",
        50.0,
    )


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ({"node1": None}, "does not answer"),
        ({"node1": a_node(node_py={"state": "legacy"})}, "wheel_file=PATH"),
        ({"node1": a_node(release=None)}, "wheel_file=PATH"),
        ({"node1": a_node(pending_operation=begun("rollback", "legacy"))}, "rollback.yml -l node1"),
        ({"node1": a_node(), "node2": None}, "node2 does not answer"),
        ({"node1": a_node(), "node2": a_node(), "node3": a_node(release=THIRD)}, "more than two releases"),
    ],
)
def test_given_a_reason_against_it_then_it_is_refused(states: dict[str, Any], why: str) -> None:
    planned = plan(states, "node1", NEW)
    assert planned["how"] == "refuse"
    assert why in planned["why"]


def test_given_a_network_halfway_then_the_second_node_may_follow() -> None:
    assert plan({"node1": a_node(release=NEW), "node2": a_node()}, "node2", NEW)["how"] == "install"


def test_given_the_new_release_in_the_old_mode_then_it_holds() -> None:
    planned = plan({"node1": a_node()}, "node1", NEW) | {"since": 50.0}
    assert check(planned, a_node(release=NEW)) == ""


def _latched(at: float) -> dict[str, Any]:
    state = a_node(release=NEW)
    state["status"]["latched"] = {"at": at, "why": "a divergence"}
    return state


def _unloaded() -> dict[str, Any]:
    state = a_node(release=NEW)
    state["status"]["engines"]["rust"] = {"loaded": False, "error": "no module"}
    return state


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (None, "silent"),
        (a_node(release=OLD), "runs the release"),
        (a_node("shadow", NEW), "gone from rust to shadow"),
        (a_node("legacy", NEW), "gone from rust to legacy"),
        (_latched(51.0), "latched itself: a divergence"),
        (_unloaded(), "not loaded: no module"),
        (a_node(release=NEW, status=None, status_error="nobody listens"), "nobody listens"),
    ],
)
def test_given_a_build_that_does_not_hold_then_it_is_said_why(state: Any, why: str) -> None:
    planned = plan({"node1": a_node()}, "node1", NEW) | {"since": 50.0}
    assert why in check(planned, state)


def test_given_a_latch_from_before_the_upgrade_then_it_is_not_the_new_builds() -> None:
    assert check(plan({"node1": a_node()}, "node1", NEW) | {"since": 50.0}, _latched(49.0)) == ""


def test_given_an_upgrade_then_its_operation_can_be_read_and_keeps_its_beginning() -> None:
    said = pending_operation(plan({"node1": a_node()}, "node1", NEW), "ann", 60.0)
    assert parse(json.dumps(said)) == said
    again = plan({"node1": a_node(pending_operation=begun())}, "node1", NEW)
    assert pending_operation(again, "bob", 70.0)["since"] == 50.0


def test_given_an_upgrade_then_the_operator_hears_of_the_soak_and_of_who_is_behind() -> None:
    planned = plan({"node1": a_node(), "node2": a_node()}, "node1", NEW)
    said = "\n".join(lines(planned, _latched(1.0), "node1"))
    assert "the soak of rust begins anew" in said
    assert "node2 still runs another release" in said
    assert "latched (a divergence)" in said
