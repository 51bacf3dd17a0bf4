"""Filters that put the pure decisions of plugins/plugin_utils before a play."""

from __future__ import annotations

import math
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils import color
from ansible.utils.display import Display

from ..module_utils.api_shape import ApiShape, ShapeError
from ..module_utils.captures import merged as merged_captures
from ..module_utils.unit_needs import text as unit_text
from ..plugin_utils.gate.criteria import stated
from ..plugin_utils.gate.override import OverrideRefusedError, override
from ..plugin_utils.gate.status_reader import reported_by
from ..plugin_utils.messages.typed_run import command
from ..plugin_utils.planning.completion import Criterion, is_completed
from ..plugin_utils.planning.completion import advice as completion_advice
from ..plugin_utils.planning.completion import judge as judge_completion
from ..plugin_utils.planning.completion import lines as completion_lines
from ..plugin_utils.planning.completion import refused as completion_refused
from ..plugin_utils.planning.entries import begun, entry, if_broken
from ..plugin_utils.planning.pause import held as held_by_a_pause
from ..plugin_utils.planning.repair import plan as plan_repair
from ..plugin_utils.planning.rollback import closes as close_of_rollback
from ..plugin_utils.planning.rollback import pending_operation as operation_of_rollback
from ..plugin_utils.planning.rollback import plan as plan_rollback
from ..plugin_utils.planning.steps import Step, finished, plan
from ..plugin_utils.planning.troubles import drop_in_is_wrong, troubles
from ..plugin_utils.planning.upgrade import check as check_upgrade
from ..plugin_utils.planning.upgrade import lines as upgrade_lines
from ..plugin_utils.planning.upgrade import pending_operation as operation_of_upgrade
from ..plugin_utils.planning.upgrade import plan as plan_upgrade
from ..plugin_utils.planning.waves import Size, waves
from ..plugin_utils.runs import kept
from ..plugin_utils.runs.operators import journal_report, lock_lines, read_kept, way_on
from ..plugin_utils.status.answers import answers
from ..plugin_utils.status.no_log import without_log
from ..plugin_utils.status.overview import status_report
from ..plugin_utils.status.screen import status_lines, step_lines
from ..plugin_utils.status.terminal import lines_of_terminal
from ..plugin_utils.status.words import coloured, plain

WAVE = "coinjecture_step_wave_"
"""Groups that the phase plays make begin so: no name that an inventory has by chance."""


def states_of(results: Sequence[Mapping[str, Any]], order: Sequence[str]) -> dict[str, Any]:
    """The looped results of ``node_info`` as {node: state}, None for a node that did not answer."""
    found = {result["item"]: result.get("state") for result in results}
    return {name: found.get(name) for name in order}


def by_node(results: Sequence[Mapping[str, Any]], name: str, missing: Any = None) -> dict[str, Any]:
    """One value of the looped results of a question to every node, by node; ``missing`` for the silent.

    The filter ``map`` cannot say None for what is not there: to it that is no default.
    """
    return {str(result["item"]): result.get(name, missing) for result in results}


def silent_of(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The looped results of a question to every node as {node: why it could not be asked}."""
    return {
        str(result["item"]): str(result.get("msg") or f"{result['item']} does not answer")
        for result in results
        if result.get("unreachable")
    }


def migration_step(
    states: Mapping[str, Any],
    phase: int,
    node: str,
    phases: Sequence[Mapping[str, Any]],
    criteria: Mapping[str, Any],
    serial: Size | Sequence[Size] = 1,
) -> Step:
    """What ``node`` may do in ``phase`` by the controller's clock; see `steps.plan`."""
    try:
        return plan(int(phase), node, states, phases, criteria, time.time(), serial)
    except (ValueError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"phase {phase} of {node} cannot be planned: {error!r}") from error


def gate_criteria(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """All criteria of the gate, those that the inventory states and the role's own; see `criteria.stated`."""
    try:
        return stated(names, values)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


def gate_override(step: Mapping[str, Any], reason: str, who: str) -> dict[str, Any]:
    """A step whose gate an operator has overridden, where there is a reason; see `gate.override`.

    Where that cannot be, the step is refused with the reasons, like any other.
    """
    try:
        return override(step, str(reason or ""), who, time.time())
    except OverrideRefusedError as error:
        return dict(step) | {
            "action": "fail",
            "reasons": [f"override_gate is refused: {error}"],
            "ready_at": None,
        }


def step_record(step: Mapping[str, Any], finished: bool = False) -> dict[str, Any]:
    """A step's decision as steps/<phase>-<node>.json holds it, see `kept`."""
    return {"schema": 1, **step, "finished": time.time() if finished else None}


def finished_record(step: Mapping[str, Any], state: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The same for a step whose mode is in force, which another run may have begun.

    What that run kept in ``folder`` stays, with its evidence; where it kept nothing here, the journal's
    record of the beginning tells what the gate said.
    """
    first = begun(step, state)
    if first is None:
        return step_record(step, finished=True)
    return finished(step, first, read_kept(Path(folder), step), time.time())


def migration_steps(
    states: Mapping[str, Any],
    phases: Sequence[Mapping[str, Any]],
    criteria: Mapping[str, Any],
    serial: Size | Sequence[Size] = 1,
) -> list[Step]:
    """Every step of the migration in order, with what its gate says now."""
    return [
        migration_step(states, phase["phase"], node, phases, criteria, serial)
        for phase in phases
        for node in states
    ]


def wave_of(node: str, order: Sequence[str], serial: Size | Sequence[Size]) -> str:
    """The name of the group of a node's wave; the names sort as the waves follow each other."""
    try:
        cut = waves(order, serial)
    except (ValueError, TypeError) as error:
        raise AnsibleFilterError(f"{error}; mend step_serial in the inventory") from error
    return next(f"{WAVE}{number:04}" for number, wave in enumerate(cut, start=1) if node in wave)


def wave_lengths(groups: Mapping[str, Sequence[str]], hosts: Sequence[str]) -> list[int]:
    """How many of the play's hosts are in each wave, for ``serial``; an empty wave is left out."""
    named = sorted(name for name in groups if re.fullmatch(rf"{WAVE}\d{{4}}", name))
    return [count for name in named if (count := len(set(groups[name]) & set(hosts)))]


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
    journal: Mapping[str, Sequence[str]] | None = None,
    lock: Sequence[str] = (),
    max_idle: float = math.inf,
    silent: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What build/status.json holds; see `overview.status_report`.

    Args:
        states: What was read of every node.
        steps: Every step of the migration, as ``migration_steps`` plans them.
        chain: The result of ``chain_health``.
        journal: What the verification of the step journals found.
        lock: Who holds the operator lock.
        max_idle: Seconds without a block after which the chain stands still.
        silent: Why a node could not be asked, for each of those.
    """
    return status_report(states, steps, chain, time.time(), journal, lock, float(max_idle), silent)


def node_materials(
    states: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    criteria: Mapping[str, Any],
) -> dict[str, Any]:
    """What report/nodes.json holds: every node's state and what it keeps, None where it was silent.

    Beside it the gate's criteria, by which the page judges the speed.
    """
    kept = {result["item"]: result.get("material") for result in results}
    return {
        "schema": 1,
        "read_at": time.time(),
        "network": _inventory_option(sources) or "inventory/local",
        "criteria": dict(criteria),
        "nodes": {name: {"state": state, "material": kept.get(name)} for name, state in states.items()},
    }


def screen_lines(report: Mapping[str, Any]) -> list[str]:
    """The network on one screen; coloured where Ansible itself would colour, which respects NO_COLOR.

    On a terminal it leaves room for what stands around it: empty lines, where it is kept, the prompt, and
    the task that ends the play where a node is silent.
    """
    around = 4 if all(node["answers"] for node in report["overview"].values()) else 11
    high = lines_of_terminal(Display())
    room = None if high is None else max(high - around, 5)
    return status_lines(report, coloured if color.ANSIBLE_COLOR else plain, height=room)


def _inventory_option(sources: Sequence[str]) -> str:
    """The inventory to name in a command typed at the root of the clone; empty for the default one."""
    root = Path(__file__).resolve().parents[2]
    if len(sources) != 1 or Path(sources[0]).resolve() == root / "inventory/local":
        return ""
    path = Path(sources[0]).resolve()
    return shlex.quote(str(path.relative_to(root) if path.is_relative_to(root) else path))


def troubles_of(state: Mapping[str, Any], node: str) -> list[str]:
    """What is wrong with what the migration has laid down on a node; see `troubles.troubles`."""
    return troubles(node, state)


def rollback_plan(state: Mapping[str, Any] | None, to: str | None = None) -> dict[str, Any]:
    """Where a node goes back to and how; see `rollback.plan`."""
    return plan_rollback(state, to)


def rollback_operation(planned: Mapping[str, Any], by: str) -> dict[str, Any]:
    """The open operation of a planned rollback; see `rollback.pending_operation`."""
    return operation_of_rollback(planned, by, time.time())


def rollback_closes(variables: Mapping[str, Any], nodes: Sequence[str]) -> dict[str, dict[str, str]]:
    """By node the operation to close at the end of a rollback, see `rollback.closes`.

    Args:
        variables: ``hostvars``.
        nodes: Those that are back.
    """
    found = {}
    for node in nodes:
        own = variables[node]
        planned, is_open = own["rollback_plan"], own["state_nodes"][node]["pending_operation"] or {}
        if close_of_rollback(planned, is_open):
            target = "" if "damaged" in is_open else str(planned["to"])
            places = {"folder": own["migration_operator_dir"], "old": own["migration_state_dir"]}
            found[node] = {**places, "target": target}
    return found


def upgrade_plan(states: Mapping[str, Any], node: str, release: str) -> dict[str, Any]:
    """Whether and how a node gets another release; see `upgrade.plan`."""
    return plan_upgrade(states, node, release)


def upgrade_operation(planned: Mapping[str, Any], by: str) -> dict[str, Any]:
    """The open operation of a planned upgrade; see `upgrade.pending_operation`."""
    return operation_of_upgrade(planned, by, time.time())


def upgrade_fault(planned: Mapping[str, Any], state: Mapping[str, Any] | None) -> str:
    """What is wrong with a node after its upgrade, or an empty text; see `upgrade.check`."""
    return check_upgrade(planned, state)


def mode_file(state: Mapping[str, Any], mode: str, who: str) -> dict[str, Any]:
    """The mode file of a stopped node that goes back to ``mode``; a latch stays.

    ``while_stopped``: somebody wants this mode, though the node's evidence may remember a lower one.
    """
    latched = (state.get("status") or {}).get("latched") or (state.get("mode_file") or {}).get("latched")
    record = {
        "schema": 1,
        "mode": mode,
        "since": time.time(),
        "by": who,
        "why": "rollback",
        "latched": latched,
    }
    return record | {"while_stopped": True}


def repair_plan(states: Mapping[str, Any], node: str, wheel: str = "") -> dict[str, Any]:
    """What is put back on a node; see `repair.plan`."""
    return plan_repair(states, node, bool(wheel))


def lock_lines_of(read: Mapping[str, Any]) -> list[str]:
    """Who holds the lock, from what was registered of ``operator_lock``."""
    return lock_lines(read["answers"])


def kept_folder(base: str, identity: str) -> str:
    """Where the controller keeps everything of a network; see `kept.folder`."""
    return str(kept.folder(Path(base), identity))


def kept_strangers(base: str, states: Mapping[str, Any], nodes: Sequence[str]) -> str:
    """A sentence about other networks at this address, until something is kept of this one."""
    if not (kept.to_give(states, nodes) and (others := kept.strangers(Path(base), kept.told(states)))):
        return ""
    return (
        f"{' and '.join(others)} is of another network at this address, or of this one before the wrapper "
        "was taken out; nothing of that is read or changed"
    )


def journal_lines_of(read: Mapping[str, Any]) -> dict[str, list[str]]:
    """Every journal in a line, and what is broken, from what was registered of ``journals_info``."""
    copies = {
        str(result["item"]): kept.read(Path(result["copy"]))
        for result in read["answers"]
        if "digests" in result
    }
    return journal_report(read["answers"], copies)


def completion(
    states: Mapping[str, Any],
    chain: Mapping[str, Any],
    obstacles: Mapping[str, Any],
    accept: Mapping[str, str],
    criteria: Mapping[str, Any],
    undecided: Mapping[str, Sequence[str]] | None = None,
) -> list[Criterion]:
    """The six criteria, judged; ``chain`` is the result of ``chain_health``, see `completion.judge`."""
    if not isinstance(accept, Mapping):
        raise AnsibleFilterError(
            'accept names criteria with reasons: -e \'{"accept": {"no_downtime": "why"}}\''
        )
    restarts = {name: (state or {}).get("journal", {}).get("restarts", []) for name, state in states.items()}
    return judge_completion(states, restarts, chain, obstacles, accept, criteria, undecided)


def kept_evidence(state: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """What of a node's evidence outlives the wrapper; what cannot be believed is not kept."""
    told = reported_by(name, state)
    if told.wrong:
        raise AnsibleFilterError(f"{told.wrong}; nothing was removed")
    return {key: told.record.get(key) for key in ("ever", "baseline", "determinism")} if told.record else None


def completion_declared(states: Mapping[str, Any]) -> list[str]:
    """How far the completion is, for a person."""
    open_nodes = [name for name, state in states.items() if not (state and is_completed(state))]
    if open_nodes:
        return [f"not yet complete: {', '.join(open_nodes)}; the same command goes on there"]
    return [
        "v4.0.0 is complete: every node runs the Rust engine by itself, the legacy engine is removed.",
        f"A sealed copy stays on every node; {command('rollback')} brings it back.",
    ]


def api_shape(stated: Mapping[str, Any]) -> dict[str, Any]:
    """How a node's API is read, every key of it; what is not stated is as the reference node has it.

    Raises:
        AnsibleFilterError: The mapping has an unknown key or a value that cannot be meant.
    """
    try:
        return asdict(ApiShape.of(stated))
    except ShapeError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Names of the filters for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Every filter by its name in a template."""
        return {
            "api_shape": api_shape,
            "states_of": states_of,
            "silent_of": silent_of,
            "by_node": by_node,
            "way_on": way_on,
            "migration_step": migration_step,
            "migration_steps": migration_steps,
            "gate_criteria": gate_criteria,
            "gate_override": gate_override,
            "step_record": step_record,
            "finished_record": finished_record,
            "repair_plan": repair_plan,
            "rollback_plan": rollback_plan,
            "troubles": troubles_of,
            "drop_in_is_wrong": drop_in_is_wrong,
            "rollback_operation": rollback_operation,
            "rollback_closes": rollback_closes,
            "upgrade_plan": upgrade_plan,
            "upgrade_operation": upgrade_operation,
            "upgrade_fault": upgrade_fault,
            "unit_text": unit_text,
            "upgrade_lines": upgrade_lines,
            "merged_captures": merged_captures,
            "mode_file": mode_file,
            "other_release": other_release,
            "lock_lines": lock_lines_of,
            "journal_entry": entry,
            "journal_if_broken": if_broken,
            "journal_lines": journal_lines_of,
            "kept_folder": kept_folder,
            "kept_strangers": kept_strangers,
            "network_told": kept.told,
            "network_to_give": kept.to_give,
            "wave_of": wave_of,
            "wave_lengths": wave_lengths,
            "completion": completion,
            "completion_advice": completion_advice,
            "completion_lines": completion_lines,
            "completion_refused": completion_refused,
            "completion_declared": completion_declared,
            "kept_evidence": kept_evidence,
            "is_completed": is_completed,
            "five_answers": answers,
            "step_lines": step_lines,
            "typed_command": command,
            "held_by_a_pause": held_by_a_pause,
            "node_materials": node_materials,
            "without_log": without_log,
            "status_lines": screen_lines,
            "status_report": status_of,
        }
