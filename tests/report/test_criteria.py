"""Each of the six criteria can be met, be missed, or stay unmeasured: no data is never success."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.completion import speed
from report.criteria import Criterion, judge
from report.migration import assemble
from report.run import Run
from tests.complete.test_completion import WANTED, a_node, a_self_check
from tests.gate.machines import measured
from tests.report.material import rehearsal

NAMES = [
    *("Both nodes on Rust", "Zero divergences", "Zero Rust errors", "Performance equal or better"),
    *("No downtime seen by users", "Legacy code removable"),
]
FINAL = {"mode": "final", "release": "ab", "legacy_imported": False, "legacy_removed": False}
UNREAD = {"mode": None, "release": None, "legacy_imported": None, "legacy_removed": False}
COUNTS = {"rust_calls": 900, "compared": 700, "divergences": 0, "rust_errors": 0}

MET = {"state": "met", "told": "node1: processor time of 5,000 replayed accepts"}
SLOW = {"state": "not met", "told": "node2: Rust is slower"}
OPEN = {"state": "unknown", "told": "node2: 900 of 1,000 pairs"}


def both(**changes: Any) -> dict[str, Any]:
    return {"node1": FINAL, "node2": FINAL | changes}


def verdict(run: Run, name: str) -> Criterion:
    return next(one for one in judge(run) if one.name == name)


def test_given_a_complete_rehearsal_then_all_six_are_met_with_their_numbers() -> None:
    found = judge(rehearsal(speed={"node1": MET, "node2": MET}))
    assert [(one.name, one.verdict) for one in found] == [(name, "met") for name in NAMES]
    assert all(one.evidence for one in found)


def test_given_nothing_measured_then_no_criterion_is_met() -> None:
    nothing = rehearsal(
        final={}, speed={}, users=None, restarts=[],
        counts=dict.fromkeys(("rust_calls", "compared", "divergences", "rust_errors")),
    )  # fmt: skip
    assert {one.verdict for one in judge(nothing)} == {"not measured"}


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("Both nodes on Rust", {"final": both(mode="rust")}, "not met"),
        ("Both nodes on Rust", {"final": {"node1": FINAL}}, "not measured"),
        ("Both nodes on Rust", {"final": both(mode=None)}, "not measured"),
        ("Zero divergences", {"counts": COUNTS | {"divergences": 1}}, "not met"),
        ("Zero divergences", {"counts": COUNTS | {"compared": 0}}, "not measured"),
        ("Zero Rust errors", {"counts": COUNTS | {"rust_errors": 2}}, "not met"),
        ("Zero Rust errors", {"counts": COUNTS | {"rust_calls": 0}}, "not measured"),
        ("No downtime seen by users", {"users": {"total": 9, "failed": 1, "slowest_s": 1.0}}, "not met"),
        ("No downtime seen by users", {"users": {"total": 0, "failed": 0, "slowest_s": 0.0}}, "not measured"),
        ("Legacy code removable", {"final": both(legacy_imported=True)}, "not met"),
        ("Legacy code removable", {"final": both(mode="rust")}, "not met"),
        ("Legacy code removable", {"final": both(legacy_imported=None)}, "not measured"),
        ("Legacy code removable", {"final": {"node1": FINAL, "node2": UNREAD}}, "not measured"),
        ("Legacy code removable", {"final": {"node1": FINAL}}, "not measured"),
        ("Legacy code removable", {"final": both(legacy_removed=True, legacy_imported=None)}, "met"),
    ],
)
def test_a_criterion_says_no_or_that_nobody_looked(name: str, changes: dict[str, Any], expected: str) -> None:
    assert verdict(rehearsal(**changes), name).verdict == expected


@pytest.mark.parametrize(
    ("node2", "expected"),
    [(MET, "met"), (SLOW, "not met"), (OPEN, "not measured"), (None, "not measured")],
)
def test_performance_is_the_verdict_of_the_gate_and_the_worst_node_counts(node2: Any, expected: str) -> None:
    judged = {} if node2 is None else {"node1": MET, "node2": node2}
    found = verdict(rehearsal(speed=judged), "Performance equal or better")
    assert found.verdict == expected
    assert node2 is None or node2["told"] in found.evidence


def test_performance_of_material_from_before_it_was_judged_so_is_not_measured() -> None:
    run: Any = {key: value for key, value in rehearsal().items() if key != "speed"}
    assert verdict(run, "Performance equal or better").verdict == "not measured"


def test_the_page_and_the_completion_say_the_same_of_the_same_nodes(tmp_path: Path) -> None:
    """One definition, so the page cannot say that it is met where the last step is refused for it."""
    for rust, told in ((5e-5, "met"), (3e-4, "not met")):
        state = a_node("node1")
        state["status"]["evidence"]["determinism"] = a_self_check(measured(1000, rust=rust))
        nodes = {"node1": {"state": state, "material": None}}
        read = {"schema": 1, "read_at": 1.0, "network": "x", "criteria": WANTED, "nodes": nodes}
        found = verdict(assemble(read, [], tmp_path), "Performance equal or better")
        assert (found.verdict, speed("node1", state, WANTED)[0]) == (told, told)
