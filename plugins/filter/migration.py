"""Filters that put the pure decisions of plugins/module_utils before a play."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "module_utils"))

from ansible.errors import AnsibleFilterError
from ansible.utils import color
from node_import import ImportEditRefused, unwrap
from overview import status_report
from rollback import plan as plan_rollback
from screen import coloured, plain, status_lines, step_lines
from steps import Step, plan


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
    states: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    chain: Mapping[str, Any],
    sources: Sequence[str] = (),
    journal: Mapping[str, Sequence[str]] | None = None,
    lock: Sequence[str] = (),
) -> dict[str, Any]:
    """What build/status.json holds; see `overview.status_report`.

    Args:
        states: What was read of every node.
        steps: Every step of the migration, as ``migration_steps`` plans them.
        chain: The result of ``chain_health``.
        sources: The inventories in use, as ``ansible_inventory_sources`` has them.
        journal: What the verification of the step journals found.
        lock: Who holds the operator lock.
    """
    return status_report(states, steps, chain, time.time(), _inventory_option(sources), journal, lock)


def node_materials(
    states: Mapping[str, Any], results: Sequence[Mapping[str, Any]], sources: Sequence[str]
) -> dict[str, Any]:
    """What build/report/nodes.json holds: every node's state and what it keeps, None where it was silent."""
    kept = {result["item"]: result.get("material") for result in results}
    return {
        "schema": 1,
        "read_at": time.time(),
        "network": _inventory_option(sources) or "inventory/local",
        "nodes": {name: {"state": state, "material": kept.get(name)} for name, state in states.items()},
    }


def screen_lines(report: Mapping[str, Any]) -> list[str]:
    """The network on one screen; coloured where Ansible itself would colour, which respects NO_COLOR."""
    return status_lines(report, coloured if color.ANSIBLE_COLOR else plain)


def _inventory_option(sources: Sequence[str]) -> str:
    """The inventory to name in a command typed at the root of the clone; empty for the default one."""
    root = Path(__file__).resolve().parents[2]
    if len(sources) != 1 or Path(sources[0]).resolve() == root / "inventory/local":
        return ""
    path = Path(sources[0]).resolve()
    return shlex.quote(str(path.relative_to(root) if path.is_relative_to(root) else path))


def rollback_plan(state: Mapping[str, Any] | None, to: str | None = None) -> dict[str, Any]:
    """Where a node goes back to and how; see `rollback.plan`."""
    return plan_rollback(state, to)


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
            "mode_file": mode_file,
            "legacy_node_py": legacy_node_py,
            "other_release": other_release,
            "step_lines": step_lines,
            "node_materials": node_materials,
            "status_lines": screen_lines,
            "status_report": status_of,
        }
