"""The gate as a play reaches it: the filters of plugins/filter/migration.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.coinjecture.migration.plugins.filter import migration
from tests.gate.asked import count_calls, put
from tests.plugins.test_steps import CRITERIA, PHASES, a_node


def filters() -> dict[str, Any]:
    """The filters by their names in a template."""
    found: dict[str, Any] = migration.FilterModule().filters()
    return found


def a_step(change: Callable[[dict[str, Any]], None]) -> Any:
    """The step of node2 in phase 1, with this change of what node1 tells."""
    states = {"node1": a_node("shadow"), "node2": a_node("legacy")}
    change(states["node1"]["status"])
    return filters()["migration_step"](states, 1, "node2", PHASES, CRITERIA)


def test_given_a_reason_then_a_step_that_waits_starts_and_its_lines_say_overridden() -> None:
    step = a_step(put("evidence", "observed_seconds", value=1.0))
    assert step["action"] == "wait"
    done = filters()["gate_override"](step, "rehearsed by hand", "eve@laptop")
    assert done["action"] == "start"
    assert "OVERRIDDEN by eve@laptop: rehearsed by hand" in " ".join(filters()["step_lines"](done))
    record = filters()["step_record"](done)
    assert record["gate_override"]["instead_of"] == step["action"]


def refused(step: Any, reason: str) -> str:
    """Why an override of this step is refused, in one text."""
    done = filters()["gate_override"](step, reason, "eve@laptop")
    assert done["action"] == "fail"
    (said,) = done["reasons"]
    assert said in " ".join(filters()["step_lines"](done))
    return str(said)


def test_given_a_divergence_then_the_step_is_refused_whatever_the_reason() -> None:
    said = refused(a_step(lambda status: count_calls(status, match=404, divergence=1)), "I am sure")
    assert said.startswith("override_gate is refused: ") and "1 divergences in this soak" in said


def test_given_evidence_that_cannot_be_believed_then_no_reason_outweighs_it() -> None:
    said = refused(a_step(put("evidence", "now", value=math.nan)), "I am sure")
    assert "evidence.now is nan, not a finite number" in said


@pytest.mark.parametrize(
    ("reason", "begins"), [("", "node1: rollback to shadow was begun"), ("now!", "override_gate")]
)
def test_given_an_open_operation_then_an_override_with_or_without_a_reason_gets_a_sentence(
    reason: str, begins: str
) -> None:
    states = {"node1": a_node("shadow"), "node2": a_node("legacy")}
    states["node1"]["pending_operation"] = {"kind": "rollback", "target": "shadow", "by": "ann@laptop"}
    planned = filters()["migration_step"](states, 1, "node2", PHASES, CRITERIA)
    step = filters()["gate_override"](planned, reason, "eve@laptop")
    assert step["action"] == "fail"
    assert step["reasons"][0].startswith(begins)
    assert "playbooks/rollback.yml -l node1 first" in step["reasons"][0]


def test_given_evidence_that_is_garbled_then_a_completion_keeps_nothing_of_it_and_stops() -> None:
    kept, names = filters()["kept_evidence"], ("ever", "baseline", "determinism")
    told = a_node("final")
    record = told["status"]["evidence"]
    assert kept(told, "node1") == {name: record[name] for name in names}
    last = dict.fromkeys(names)
    again = told | {"status": None, "journal": {"kept_evidence": last}}
    assert kept(again, "node1") == last
    record["ever"] = "none"
    with pytest.raises(AnsibleFilterError, match=r"ever is 'none', not an object; nothing was removed"):
        kept(told, "node1")
