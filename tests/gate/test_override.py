"""An operator overrides a gate: recorded, never silent, and never against a divergence."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.findings import NEVER_OVERRIDDEN
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.override import (
    OverrideRefusedError,
    override,
)
from report.schemas import validator
from tests.gate.asked import NOW, arm_found, count_calls, decide_with, fork, latch, put, release


def a_step(change: Any = None) -> dict[str, Any]:
    """A step with the gate's decision about it."""
    gate = decide_with(change)
    action = "start" if gate["outcome"] == "pass" else gate["outcome"]
    return {
        "phase": 1, "node": "node2", "mode": "legacy", "target": "shadow", "action": action,
        "reasons": gate["reasons"], "ready_at": gate["ready_at"], "decided": NOW, "gate": gate,
        "criteria": {}, "evidence": {},
    }  # fmt: skip


TOO_SHORT = put("evidence", "observed_seconds", value=3.0)


@pytest.mark.parametrize("change", [TOO_SHORT, release(None)])
def test_given_a_reason_then_the_step_starts_and_says_who_and_why(change: Any) -> None:
    step = a_step(change)
    done = override(step, "  a known gap  ", "eve@laptop", NOW)
    assert done["action"] == "start"
    assert done["reasons"] == ["OVERRIDDEN by eve@laptop: a known gap", *step["reasons"]]
    assert done["gate_override"] == {
        "who": "eve@laptop", "why": "a known gap", "at": NOW, "instead_of": step["action"],
        "set_aside": step["reasons"],
    }  # fmt: skip
    validator("step").validate({"schema": 1, **done, "finished": None})


@pytest.mark.parametrize("reason", ["", "   "])
def test_given_no_reason_then_nothing_is_overridden(reason: str) -> None:
    step = a_step(TOO_SHORT)
    assert override(step, reason, "eve", NOW) == step | {"gate_override": None}


def test_given_a_passed_gate_then_the_reason_is_not_used() -> None:
    assert override(a_step(), "why not", "eve", NOW)["gate_override"] is None


@pytest.mark.parametrize(
    "change",
    [
        latch("divergence at block 7"),
        lambda status: count_calls(status, match=460, divergence=1),
        fork,
        arm_found(mismatches=1),
        arm_found(differences=1),
        put("evidence", "out_of_domain_accepted", value=1),
        put("evidence", "calls", value=1),
    ],
)
def test_given_a_divergence_a_fork_or_a_latch_then_no_reason_outweighs_it(change: Any) -> None:
    step = a_step(change)
    assert {finding["code"] for finding in step["gate"]["findings"]} & NEVER_OVERRIDDEN
    with pytest.raises(OverrideRefusedError, match="no reason outweighs this"):
        override(step, "I am sure", "eve", NOW)


def test_given_a_step_without_a_gate_then_there_is_nothing_to_override() -> None:
    silent = a_step() | {"action": "fail", "gate": None, "reasons": ["node2 does not answer now"]}
    with pytest.raises(OverrideRefusedError, match="node2 does not answer now"):
        override(silent, "I am sure", "eve", NOW)
