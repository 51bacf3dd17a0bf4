"""Filters that put the pure decisions of plugins/module_utils before a play."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "module_utils"))

from ansible.errors import AnsibleFilterError
from captures import merged as merged_captures
from node_import import ImportEditRefused, unwrap
from report import status_lines, status_report, step_lines
from rollback import operation as operation_of_rollback
from rollback import plan as plan_rollback
from steps import Step, plan
from upgrade import check as check_upgrade
from upgrade import lines as upgrade_lines
from upgrade import operation as operation_of_upgrade
from upgrade import plan as plan_upgrade


def states_of(results: Sequence[Mapping[str, Any]], order: Sequence[str]) -> dict[str, Any]:
    """The looped results of ``migration_state`` as {node: state}, None for a node that did not answer."""
    found = {result["item"]: result.get("state") for result in results}
    return {name: found.get(name) for name in order}


def migration_step(
    states: Mapping[str, Any],
    phase: int,
    node: str,
    phases: Sequence[Mapping[str, Any]],
    criteria: Mapping[str, Any],
) -> Step:
    """What ``node`` may do in ``phase`` by the controller's clock; see `steps.plan`."""
    try:
        return plan(int(phase), node, states, phases, criteria, time.time())
    except (ValueError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"phase {phase} of {node} cannot be planned: {error!r}") from error


def step_record(step: Mapping[str, Any], finished: bool = False) -> dict[str, Any]:
    """A step's decision as build/steps/<phase>-<node>.json holds it."""
    return {"schema": 1, **step, "finished": time.time() if finished else None}


def migration_steps(
    states: Mapping[str, Any], phases: Sequence[Mapping[str, Any]], criteria: Mapping[str, Any]
) -> list[Step]:
    """Every step of the migration in order, with what its gate says now."""
    return [
        migration_step(states, phase["phase"], node, phases, criteria) for phase in phases for node in states
    ]


def other_release(states: Mapping[str, Any], node: str) -> dict[str, str]:
    """The release another node has in force outside of legacy: ``node`` and ``release``, or both empty."""
    for name, state in states.items():
        if name != node and state and state["mode"] not in ("legacy", None) and state["release"]:
            return {"node": name, "release": state["release"]}
    return {"node": "", "release": ""}


def status_of(
    states: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], chain: Mapping[str, Any]
) -> dict[str, Any]:
    """What build/status.json holds; ``chain`` is the result of ``chain_health``."""
    return status_report(states, steps, chain, time.time())


def rollback_plan(state: Mapping[str, Any] | None, to: str | None = None) -> dict[str, Any]:
    """Where a node goes back to and how; see `rollback.plan`."""
    return plan_rollback(state, to)


def rollback_operation(planned: Mapping[str, Any], by: str) -> dict[str, Any]:
    """The open operation of a planned rollback; see `rollback.operation`."""
    return operation_of_rollback(planned, by, time.time())


def upgrade_plan(states: Mapping[str, Any], node: str, release: str) -> dict[str, Any]:
    """Whether and how a node gets another release; see `upgrade.plan`."""
    return plan_upgrade(states, node, release)


def upgrade_operation(planned: Mapping[str, Any], by: str) -> dict[str, Any]:
    """The open operation of a planned upgrade; see `upgrade.operation`."""
    return operation_of_upgrade(planned, by, time.time())


def upgrade_fault(planned: Mapping[str, Any], state: Mapping[str, Any] | None) -> str:
    """What is wrong with a node after its upgrade, or an empty text; see `upgrade.check`."""
    return check_upgrade(planned, state)


def mode_file(state: Mapping[str, Any], mode: str, who: str) -> dict[str, Any]:
    """The mode file of a stopped node that goes back to ``mode``; a latch that is there stays."""
    latched = (state.get("mode_file") or {}).get("latched")
    return {"schema": 1, "mode": mode, "since": time.time(), "by": who, "why": "rollback", "latched": latched}


def legacy_node_py(source: str) -> str:
    """The text of a node.py with the legacy engine's import in it; see `node_import.unwrap`."""
    try:
        return unwrap(source.encode()).decode()
    except ImportEditRefused as error:
        raise AnsibleFilterError(f"node.py cannot be turned back: {error}") from error


class FilterModule:
    """Names of the filters for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Every filter by its name in a template."""
        return {
            "states_of": states_of,
            "migration_step": migration_step,
            "migration_steps": migration_steps,
            "step_record": step_record,
            "rollback_plan": rollback_plan,
            "rollback_operation": rollback_operation,
            "upgrade_plan": upgrade_plan,
            "upgrade_operation": upgrade_operation,
            "upgrade_fault": upgrade_fault,
            "upgrade_lines": upgrade_lines,
            "merged_captures": merged_captures,
            "mode_file": mode_file,
            "legacy_node_py": legacy_node_py,
            "other_release": other_release,
            "step_lines": step_lines,
            "status_lines": status_lines,
            "status_report": status_of,
        }
