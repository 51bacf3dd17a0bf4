"""The page shows only what it believes: a field of a healthy status changed, in a decision or at the end."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.reading import GarbledError
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.status_reader import read
from report.criteria import judge
from report.migration import assemble
from report.page import render
from report.run import Run
from report.schemas import validator
from tests.gate.asked import CRITERIA, NOW
from tests.gate.test_every_field import ANYTHING, REMOVED, a_full_node, changed, dotted, places
from tests.report.test_migration import decision

SHOWN = [
    ("mode",), ("engines", "legacy", "module_imported"),
    *(("evidence", name) for name in ("mode", "now", "soak_started", "calls", "accepted", "restarts")),
    ("evidence", "rejected"), ("evidence", "outcomes"),
    ("evidence", "rejected", "bad_proof"), ("evidence", "outcomes", "match"),
]  # fmt: skip
FORM = validator("run")
"""Fields of a status that the page shows of a soak, or of a node at the end."""


def page_of(told: Any, folder: Path) -> Run:
    """The material of a node whose wrapper tells this, now and in the decision of a step."""
    status = copy.copy(told)
    state: dict[str, Any] = {"release": "a" * 64, "mode": None, "status": status}
    if isinstance(status, dict):
        state |= {name: status.pop(name, None) for name in ("chain", "replay")}
        state["mode"] = mode if isinstance(mode := status.get("mode"), str) else None
    found = {"schema": 1, "read_at": NOW, "network": "inventory/testnet", "criteria": CRITERIA,
             "nodes": {"node1": {"state": state, "material": {"legacy_present": True}}}}  # fmt: skip
    run = assemble(found, [decision(evidence={"node1": told, "node2": None}, decided=NOW)], folder)
    assert not list(FORM.iter_errors(run))
    return run


def assert_garbled_is_said(run: Run) -> None:
    """A garbled node is said to be garbled: no mode, no soak, no criterion that is met by it."""
    assert run["gates"][0]["soaks"] == []
    assert "node1: its soak is not shown, it cannot be believed: " in run["gates"][0]["reasons"][-1]
    assert (run["final"]["node1"]["mode"], run["final"]["node1"]["legacy_imported"]) == (None, None)
    assert run["reason"] == "node1 is in an unknown mode"
    verdicts = {one.name: one for one in judge(run)}
    for name in ("Both nodes on Rust", "Performance equal or better", "Legacy code removable"):
        assert verdicts[name].verdict == "not measured"
    assert "cannot be believed" in verdicts["Performance equal or better"].evidence


def test_given_a_healthy_status_then_its_soak_and_its_end_are_shown(tmp_path: Path) -> None:
    run = page_of(a_full_node("final"), tmp_path)
    assert run["gates"][0]["soaks"][0]["accepted"] == 400
    assert run["final"]["node1"]["mode"] == "final" and run["result"] == "complete"
    assert "cannot be believed" not in render(run)


def test_given_any_field_changed_then_a_page_is_made_and_what_is_garbled_is_said(tmp_path: Path) -> None:
    node, garbled = a_full_node("shadow"), []
    for path in places(node):
        told = changed(node, path, "x")  # tests/gate/test_every_field.py tries the rest on the same reader
        run = page_of(told, tmp_path)
        try:
            read("node1", told)
        except GarbledError:
            assert_garbled_is_said(run)
            garbled.append(run)
    assert len(garbled) > 150
    for run in garbled[::40]:
        assert "its soak is not shown, it cannot be believed" in render(run)


def test_given_a_soak_that_is_garbled_in_a_decision_alone_then_the_node_at_the_end_is_as_it_tells(
    tmp_path: Path,
) -> None:
    garbled = changed(a_full_node("shadow"), ("evidence", "calls"), "many")
    found = {
        "schema": 1,
        "read_at": NOW,
        "network": "x",
        "nodes": {"node1": {"state": None, "material": None}},
    }
    run = assemble(found, [decision(evidence={"node1": garbled})], tmp_path)
    assert "evidence.calls is 'many', not a whole number" in run["gates"][0]["reasons"][-1]
    assert "many" in render(run)


@pytest.mark.parametrize("path", SHOWN, ids=dotted)
def test_given_a_field_that_is_shown_and_another_value_then_the_node_is_garbled(
    path: Any, tmp_path: Path
) -> None:
    node = a_full_node("shadow")
    for value in (*ANYTHING, REMOVED):
        told = changed(node, path, value)
        run = page_of(told, tmp_path)
        if value is REMOVED or isinstance(value, float | str | None) or value in (-1, 10**400):
            assert_garbled_is_said(run)


@pytest.mark.parametrize("value", [*ANYTHING, "x"], ids=lambda value: ascii(type(value).__name__))
def test_given_anything_for_a_whole_status_then_there_is_a_page(value: Any, tmp_path: Path) -> None:
    run = page_of(value, tmp_path)
    assert render(run) and run["gates"][0]["soaks"] == [] and run["final"]["node1"]["mode"] is None
