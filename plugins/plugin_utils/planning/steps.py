"""Order of the migration: which step may a node take, and which soak comes before it.

A phase brings every node to its mode, one wave of nodes after the other; a wave is one node
unless the inventory says more. Between two waves lies one soak, after the last a longer one.
Nothing is remembered between runs: what is done already is read from the modes the nodes are in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from ...module_utils.unit_needs import text as unit_text
from ...module_utils.vocabulary import MODES
from ..gate import Decision, decide
from ..gate.status_reader import known_of
from ..messages.typed_run import command
from .pause import held
from .troubles import troubles
from .waves import Size, before

SAID = ("outcome", "reasons", "proven")
"""What the step journal keeps of a gate's decision."""


class Step(TypedDict):
    """What a node does in a phase: ``action`` is ``start``, ``wait``, ``fail``, ``nothing`` or ``finish``.

    ``finish`` is what is left of a step whose run was interrupted after the change of mode: its record in
    the journal, which says that the nodes were well after it. ``mode`` is then the one that it began in.
    ``decided`` is when (s since the epoch), ``gate`` is None where no gate was asked, and
    ``criteria`` and ``evidence`` are what it was asked with.
    """

    phase: int
    node: str
    mode: str | None
    target: str
    action: str
    reasons: list[str]
    ready_at: float | None
    decided: float
    gate: Decision | None
    criteria: dict[str, Any]
    evidence: dict[str, Any]
    gate_override: NotRequired[dict[str, Any] | None]


def plan(
    phase: int,
    node: str,
    states: Mapping[str, Mapping[str, Any] | None],
    phases: Sequence[Mapping[str, Any]],
    criteria: Mapping[str, Any],
    now: float,
    serial: Size | Sequence[Size] = 1,
) -> Step:
    """Say what ``node`` may do in ``phase`` now.

    Args:
        phase: 1, 2 or 3.
        node: The node whose step it is.
        states: For every node, in the order they migrate, what `node_state.read` gave, or
            None where the node did not answer.
        phases: For every phase its ``phase``, ``mode``, ``soak_between_nodes`` and ``soak_after`` (s), and
            where the soaks in its mode have to show something else, ``criteria``.
        criteria: The criteria that every soak shares, see `gate.Criteria`.
        now: The controller's clock in seconds since the epoch.
        serial: How many nodes are in a wave, see `waves.waves`.
    """
    order = list(states)
    earlier = before(node, order, serial)
    neighbours = [name for name in order if before(name, order, serial) == earlier]
    target = str(_phase(phases, phase)["mode"])
    state = states.get(node) or {}
    step: Step = {
        "phase": phase,
        "node": node,
        "mode": state.get("mode"),
        "target": target,
        "action": "fail",
        "reasons": [],
        "ready_at": None,
        "decided": now,
        "gate": None,
        "criteria": {},
        "evidence": {},
    }
    begun = {name: record for name, state in states.items() if (record := unrecorded(state))}
    if broken := _broken(states):
        step["reasons"] = broken
    elif (mine := begun.pop(node, None)) and mine["phase"] == phase:
        step["action"], step["mode"] = "finish", mine["from"]
        step["reasons"] = [_interrupted(node, mine)]
    elif _rank(step["mode"]) >= _rank(target):
        step["action"] = "nothing"
        step["reasons"] = [f"{node} is in {step['mode']}: phase {phase} is done here"]
    elif paused := held(states):
        step["reasons"] = paused
    elif unfinished := [
        _unrecorded(name, record) for name, record in begun.items() if name not in neighbours
    ]:
        step["reasons"] = unfinished
    elif early := _too_early(phase, node, states, target, earlier):
        step["action"], step["reasons"] = "wait", early
    elif step["mode"] == "legacy" and (defeated := unit_reasons(node, state, "obstacles")):
        step["reasons"] = defeated
    else:
        _ask_gate(step, soak_before(phase, earlier, order, phases), states, phases, criteria, now)
    return step


def unrecorded(state: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The journal's record of a step that has changed the mode and was never recorded as done; or None."""
    journal = (state or {}).get("journal") or {}
    begun: Mapping[str, Any] | None = (journal.get("begun") or {}).get("step started")
    if state is None or begun is None or begun["phase"] is None or begun["to"] != state.get("mode"):
        return None
    return begun


def _interrupted(name: str, begun: Mapping[str, Any]) -> str:
    """A step that was interrupted after its change of mode."""
    return (
        f"{name} is in {begun['to']} by a step of {begun['who']} that was interrupted before it was recorded "
        "as done"
    )


def _unrecorded(name: str, begun: Mapping[str, Any]) -> str:
    """The same with the command that finishes it."""
    typed = command(f"phase{begun['phase']}", name)
    return f"{_interrupted(name, begun)}; first: {typed}"


def gate_record(step: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the step journal keeps of a step's gate (its schema has the form); None where none was asked."""
    gate = step["gate"]
    if gate is None:
        return None
    said = {key: gate[key] for key in SAID}
    return said | {"override": step.get("gate_override")}


def finished(
    step: Mapping[str, Any], begun: Mapping[str, Any], kept: Mapping[str, Any] | None, now: float
) -> dict[str, Any]:
    """What build/steps/<phase>-<node>.json holds of a step that another run began.

    Args:
        step: The step that is to be finished.
        begun: The journal's record of its beginning.
        kept: What the controller has there; what it holds of another beginning does not count.
        now: When it is finished, in seconds since the epoch.
    """
    said = begun["gate"] or {}
    told = (kept or {}).get("gate")
    if kept and isinstance(told, Mapping) and all(told.get(key) == said.get(key) for key in SAID):
        return dict(kept) | {"finished": now}
    names = ("phase", "node", "mode", "target")
    gate = {key: said[key] for key in SAID if key in said} | {"ready_at": None} if said else None
    record = {
        "schema": 1,
        **{name: step[name] for name in names},
        "action": "start",
        "reasons": list(said.get("reasons") or [begun["why"]]),
        "ready_at": None,
        "decided": begun["at"],
        "gate": gate,
        "criteria": {},
        "evidence": {},
        "finished": now,
    }
    override = said.get("override")
    return record | ({"gate_override": override} if override else {})


def soak_before(
    phase: int, earlier: Sequence[str], order: Sequence[str], phases: Sequence[Mapping[str, Any]]
) -> tuple[list[str], float]:
    """The nodes that soak before a step, and for how many seconds.

    Within a phase it is the nodes of the ``earlier`` waves; for its first wave all nodes,
    in the phase before. The very first step has no soak before it.
    """
    if earlier:
        return list(earlier), float(_phase(phases, phase)["soak_between_nodes"])
    if phase == 1:
        return [], 0.0
    return list(order), float(_phase(phases, phase - 1)["soak_after"])


def soak_criteria(
    phase: int,
    soaking: Sequence[str],
    states: Mapping[str, Mapping[str, Any] | None],
    phases: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What the phase whose soak comes before a step asks otherwise than the criteria of all."""
    if not soaking:
        return {}
    whose = phase if len(soaking) < len(states) else phase - 1
    return dict(_phase(phases, whose).get("criteria") or {})


def _ask_gate(
    step: Step,
    soak: tuple[Sequence[str], float],
    states: Mapping[str, Mapping[str, Any] | None],
    phases: Sequence[Mapping[str, Any]],
    criteria: Mapping[str, Any],
    now: float,
) -> None:
    """Put the evidence of all nodes before the gate and take its answer into the step."""
    soaking, seconds = soak
    step["criteria"] = (
        dict(criteria)
        | soak_criteria(step["phase"], soaking, states, phases)
        | {
            "nodes": {name: state["mode"] for name, state in states.items() if state},
            "soaking": list(soaking),
            "soak_seconds": seconds,
        }
    )
    step["evidence"] = {name: known_of(state) for name, state in states.items() if state}
    decision = decide(step["evidence"], step["criteria"], now)
    step["gate"] = decision
    step["action"] = "start" if decision["outcome"] == "pass" else decision["outcome"]
    step["reasons"], step["ready_at"] = decision["reasons"], decision["ready_at"]


def _broken(states: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """Why no step may start anywhere: a node is silent, its mode unknown, or the nodes differ."""
    reasons = []
    for name, state in states.items():
        if not state:
            reasons.append(f"{name} does not answer now: no step starts while a node cannot be asked")
        elif state.get("mode") not in MODES:
            reasons.append(f"{name}: its mode is not known: {state.get('why') or 'nothing tells it'}")
            reasons += [f"{name}: {text}" for text in troubles(name, state)]
        elif wrong := (state.get("journal") or {}).get("broken"):
            reasons.append(
                f"{name}: its step journal is broken: {wrong}; look into it, then set it aside with a "
                f"reason: {command('journal', name, set_aside='the reason')}"
            )
        elif state["mode"] != "legacy" and (lacks := unit_reasons(name, state, "lacks")):
            reasons += [*lacks, *(f"{name}: {text}" for text in troubles(name, state))]
        elif begun := state.get("pending_operation"):
            reasons.append(f"{name}: {_unfinished(name, begun)}")
        else:
            reasons += [f"{name}: {text}" for text in troubles(name, state)]
    for what in ("python", "libc", "switches"):
        found = {name: _told(state["runtime"].get(what)) for name, state in states.items() if state}
        if len(set(found.values())) > 1:
            listed = ", ".join(f"{name} {value}" for name, value in found.items())
            reasons.append(f"the nodes differ in {what}: {listed}; they would not compute the same sums")
    return reasons + _strangers(states)


def _strangers(states: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """Nodes of several networks in one inventory, by the identities that lie on them."""
    told = {name: str(state["network"]) for name, state in states.items() if state and state.get("network")}
    if len(set(told.values())) < 2:
        return []
    listed = ", ".join(f"{name} to {identity}" for name, identity in told.items())
    return [
        f"the nodes belong to several networks: {listed}; each network has an inventory of its own (a node "
        "that joins another one gets its network.json, see docs/reference/node-files.md)"
    ]


def unit_reasons(name: str, state: Mapping[str, Any], which: str) -> list[str]:
    """What a node's unit ``lacks``, or the ``obstacles`` to the drop-in of the migration, in sentences."""
    return [f"{name}: {unit_text(found)}" for found in (state.get("unit") or {}).get(which, ())]


def _told(value: Any) -> str:
    """A fact of a node's interpreter in words; its switches are a list."""
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)


def _unfinished(name: str, begun: Mapping[str, Any]) -> str:
    """What is open on a node, and the command that finishes it."""
    if "damaged" in begun:
        return f"what has been begun there cannot be read ({begun['damaged']}); look, then remove the file"
    if begun["kind"] == "rollback":
        typed = command("rollback", name)
    else:
        typed = command("upgrade", name, wheel="PATH") + " with the same wheel"
    what = f"{begun['kind']} to {begun['target'][:12]} was begun by {begun['by']} and is not finished"
    return f"{what}; run {typed} first"


def _too_early(
    phase: int,
    node: str,
    states: Mapping[str, Mapping[str, Any] | None],
    target: str,
    earlier: Sequence[str],
) -> list[str]:
    """The steps that come before this one and have not been taken."""
    reasons = []
    for name, state in states.items():
        needed = _rank(target) if name in earlier else _rank(target) - 1
        mode = (state or {}).get("mode")
        if _rank(mode) < needed:
            first = phase if name in earlier else phase - 1
            reasons.append(
                f"{name} is in {mode}: phase {first} on {name} comes before phase {phase} on {node}"
            )
    return reasons


def _rank(mode: Any) -> int:
    return MODES.index(mode) if mode in MODES else -1


def _phase(phases: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any]:
    for phase in phases:
        if phase["phase"] == number:
            return phase
    raise ValueError(f"no phase {number} in the inventory's phases")
