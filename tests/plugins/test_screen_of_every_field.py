"""The screen draws only what it believes: any field of a healthy status, changed to anything."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.reading import GarbledError
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.status_reader import read_state
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.overview import status_report
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.screen import status_lines
from report.schemas import validator
from tests.gate.asked import NOW
from tests.gate.test_every_field import ANYTHING, REMOVED, a_full_node, at, changed, dotted, places, same
from tests.plugins.test_screen import a_step

STEPS = [a_step(phase=1, node="node1", action="nothing"), a_step(phase=2, node="node1", target="rust")]
NUMBERS = ("since", "calls", "compared", "divergence", "rust_error", "legacy_error", "skipped", "rejects")
DRAWN = [
    ("mode",), ("since",), ("answering",), ("latched",), ("stopped",), ("tip",),
    *(("evidence", name) for name in ("calls", "outcomes", "rejected", "latency", "soak_started", "now")),
    *(("evidence", "outcomes", name) for name in ("match", "divergence", "rust_error", "skipped")),
    ("evidence", "rejected", "bad_proof"), ("evidence", "latency", "rust", 0),
]  # fmt: skip
"""Fields of a status that the screen shows, or reckons with."""


def state_of(told: Any) -> dict[str, Any]:
    """What is read of a node whose wrapper tells this; the mode is what `node_state.read` makes of it."""
    status = copy.copy(told)
    beside = {name: status.pop(name, None) for name in ("chain", "replay")}
    mode = status.get("mode")
    fits = isinstance(mode, str) and mode in MODES
    service = {"state": "active (running)"}
    return {"mode": mode if fits else None, "why": "said by the wrapper", "release": "a" * 64,
            "service": service, "status": status, **beside}  # fmt: skip


def drawn(told: Any) -> tuple[dict[str, Any], str, bool]:
    """The report and the screen of a network of one node, and whether the gate's reader believes it."""
    state = state_of(told)
    report = status_report({"node1": state}, STEPS, {"chain": {"heights": {"node1": 13}}}, NOW)
    try:
        read_state("node1", state)
    except GarbledError:
        return report, "\n".join(status_lines(report)), False
    return report, "\n".join(status_lines(report)), state["status"].get("evidence") is not None


def assert_garbled_is_said(report: dict[str, Any], shown: str) -> None:
    """A garbled node is said to be garbled: dashes for its numbers, no mode, no step."""
    node = report["overview"]["node1"]
    assert node["mode"] is None and all(node[name] is None for name in NUMBERS)
    assert "GARBLED" in shown and "node1 unknown" in shown and "playbooks/phase" not in shown
    assert "cannot be believed" in shown or "tells no evidence" in shown


def test_given_a_healthy_status_then_its_numbers_are_drawn() -> None:
    report, shown, believed = drawn(a_full_node("shadow"))
    assert believed and "WAITING" in shown and "node1 shadow" in shown
    assert report["overview"]["node1"]["compared"] == 460


@pytest.mark.parametrize("mode", ["shadow", "final"])
def test_given_any_field_changed_then_the_screen_is_drawn_and_what_is_garbled_is_said(mode: str) -> None:
    node, form = a_full_node(mode), validator("network")
    for path in places(node):
        if mode == "final" and path[:2] != ("evidence", "baseline"):
            continue
        for value in ANYTHING if path in DRAWN else ("x",):  # tests/gate/test_every_field.py tries the rest
            if same(at(node, path), value):
                continue
            report, shown, believed = drawn(changed(node, path, value))
            wrong = [error.message for error in form.iter_errors({"overview": report["overview"]})
                     if error.path]  # fmt: skip
            assert not wrong, (dotted(path), value, wrong)
            if not believed:
                assert_garbled_is_said(report, shown)


@pytest.mark.parametrize("path", DRAWN, ids=dotted)
def test_given_a_field_that_is_drawn_and_no_value_of_its_kind_then_the_node_is_garbled(path: Any) -> None:
    for value in ("x\x1b[2J", -1.5, REMOVED):
        report, shown, believed = drawn(changed(a_full_node("shadow"), path, value))
        assert not believed, value
        assert_garbled_is_said(report, shown)


@pytest.mark.parametrize("height", ["x", -1, True, 1.5, None])
def test_given_a_height_that_is_none_then_a_dash_is_drawn(height: Any) -> None:
    report, shown, _ = drawn(changed(a_full_node("shadow"), ("tip", "height"), height))
    assert report["overview"]["node1"]["height"] is None
    (line,) = (line for line in shown.splitlines() if line.startswith("node1 shadow"))
    assert line.split()[-2:] == ["-", "-"]


@pytest.mark.parametrize("value", [*ANYTHING, "x"], ids=lambda value: ascii(type(value).__name__))
def test_given_anything_for_a_whole_status_then_there_is_a_screen(value: Any) -> None:
    state = state_of(a_full_node("shadow")) | {"status": value}
    assert status_lines(status_report({"node1": state}, STEPS, {}, NOW))


@pytest.mark.parametrize("why", ["the disk is full", None, "\x1b[31m"])
def test_given_a_tree_that_is_not_kept_then_the_screen_says_so_and_refuses_nothing(why: Any) -> None:
    tree = {"state": "lost", "why": why, "nodes": 7, "rows": 0, "bytes": 0, "max_bytes": 9, "carried": None}
    told = a_full_node("shadow") | {"tree": tree | {"refused": None}}
    report, shown, believed = drawn(told)
    assert believed
    assert "playbooks/phase" in shown
    (trouble,) = report["overview"]["node1"]["troubles"]
    assert "its tree is not kept" in trouble
    assert "\x1b" not in shown
    told["tree"]["state"] = "kept"
    assert drawn(told)[0]["overview"]["node1"]["troubles"] == []
