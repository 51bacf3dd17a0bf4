"""What the step journal says of all that a play does: one function makes every record. For the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .steps import gate_record

Part = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
"""What is particular to a record, from what it is about and from the node's state."""

NEVER_HELD_UP = frozenset({"rollback", "removed", "repaired", "restart", "lock broken"})
"""What is done with a broken journal too, which is then set aside: it leads back, or is done already."""


def entry(
    what: str, of: Mapping[str, Any], state: Mapping[str, Any] | None = None, why: str = ""
) -> dict[str, Any]:
    """A record for the step journal, but for who, when and on which node.

    Args:
        what: What was done, see `PARTS`.
        of: What it is made from: the step of the gate, the plan of a rollback, an upgrade or a repair, the
            manifest of a sealed copy; of anything else, the details themselves.
        state: What `node_state.read` gave of the node last.
        why: The operator's reason; empty, and the record has its own.
    """
    state = state or {}
    found: dict[str, Any] = {
        "what": what,
        "why": what,
        "phase": None,
        "from": None,
        "to": None,
        "gate": None,
        "hashes": {"release": state["release"], "node_py": state["node_py"]["sha256"]} if state else {},
        "detail": {},
    }
    made = found | PARTS[what](of, state)
    own = what == "override" or (made["detail"] or {}).get("begun")
    return made if own or not why.strip() else made | {"why": why.strip()}


def if_broken(what: str) -> str:
    """Whether a broken journal refuses such a record or is set aside for it."""
    return "set_aside" if what in NEVER_HELD_UP else "refuse"


def begun(step: Mapping[str, Any], state: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The record of another run's beginning, where the step is only to be finished."""
    found: Mapping[str, Any] | None = None
    if step["action"] == "finish":
        found = state["journal"]["begun"]["step started"]
    return found


def _step(step: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    first = begun(step, state)
    return {
        "why": first["why"] if first else f"phase {step['phase']}",
        "phase": step["phase"],
        "from": step["mode"],
        "to": step["target"],
        "gate": first["gate"] if first else gate_record(step),
    }


def _override(step: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    given = step["gate_override"]
    return _step(step, state) | {"why": given["why"], "detail": given}


def _step_done(step: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    first, process = begun(step, state), (state.get("status") or {}).get("process") or {}
    in_force = {
        "release": state["release"],
        "node_py": state["node_py"]["sha256"],
        "configuration": process.get("config_fingerprint"),
    }
    detail = {"begun": {"seq": first["seq"], "who": first["who"]}} if first else {}
    return _step(step, state) | {"hashes": in_force, "detail": detail}


def _back(plan: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    left = "legacy" if plan["how"] == "remove" else plan["to"]
    return {"why": "rollback", "from": plan["origin"], "to": left}


def _upgrade(plan: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    releases = {"release": plan["to"], "release before": plan["from"]}
    return {"from": plan["mode"], "to": plan["mode"], "hashes": releases}


def _stays(of: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    return {"from": state["mode"], "to": state["mode"], "detail": dict(of)}


def _repaired(plan: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    put_back = {name: plan[name] for name in ("release", "drop_in", "entries") if name in plan}
    return _stays(put_back, state) | {"why": plan["why"]}


def _complete_started(of: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    return {"why": "complete", "from": state["mode"], "to": "final", "detail": dict(of)}


def _complete(manifest: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"sealed": manifest["sha256"], "legacy": manifest["files"]["consensus.py"]}
    in_force = {"release": state["release"], "node_py": state["node_py"]["sha256"]}
    why = "v4.0.0 complete: the legacy engine is removed"
    return {"why": why, "from": "final", "to": "final", "hashes": in_force | kept}


def _set_aside(found: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    detail = {"kept": found["kept"], "broken": found["broken"]}
    return {"to": found["mode"], "hashes": {"broken journal": found["sha256"]}, "detail": detail}


def _told(of: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    return {"detail": dict(of)}


PARTS: Mapping[str, Part] = {
    "override": _override,
    "step started": _step,
    "step done": _step_done,
    "rollback": _back,
    "removed": _back,
    "upgrade": _upgrade,
    "acknowledge started": _stays,
    "acknowledged": _stays,
    "paused": _stays,
    "pause lifted": _stays,
    "repaired": _repaired,
    "complete started": _complete_started,
    "complete": _complete,
    "journal set aside": _set_aside,
    "restart": _told,
    "lock broken": _told,
}
"""Everything that a play records."""
