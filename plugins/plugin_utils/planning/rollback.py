"""Where a node goes back to, and how: from every mode and half-done step, also with a silent wrapper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.vocabulary import MODES
from .troubles import starts_higher

TARGETS = (*reversed(MODES[:-1]), "removed")

NEVER_STARTED = "its process runs the legacy engine without the wrapper"


def plan(state: Mapping[str, Any] | None, to: str | None) -> dict[str, Any]:
    """Plan the rollback of one node.

    A rollback that is open on the node is finished before another begins: without ``to`` its target
    stands, however far it has come. A ``to`` of its own is another order, and replaces it.

    Args:
        state: What `node_state.read` gave, or None where the node did not answer.
        to: The target asked for, or None for one step back.

    Returns:
        ``from`` and ``to``; ``how``: ``socket`` (at once), ``restart`` (the wrapper does not answer, so the
        mode file is written while the unit is stopped), ``remove`` (the wrapper is taken out), ``nothing``
        or ``refuse``; ``first``: the mode that the wrapper is asked for before anything else, or empty;
        ``restarts``: whether the process has to be another one; ``resumed``: whether it finishes or replaces
        an open rollback; ``origin``: the mode that the first of them began in; ``why``.
    """
    if to is not None and to not in TARGETS:
        return _plan("unknown", to, "refuse", f"to={to} is not one of {', '.join(TARGETS)}")
    if state is None:
        return _plan("unknown", to or "legacy", "refuse", "it does not answer")
    now = _mode_now(state)
    begun = state.get("pending_operation") or {}
    resumed = begun.get("kind") == "rollback"
    target = to or (begun["target"] if resumed else _one_step_back(now))
    planned = _to_removed(state, now) if target == "removed" else _to_mode(state, now, target)
    planned |= {"resumed": resumed, "origin": begun["origin"] if resumed else planned["from"]}
    if resumed:
        done = "finished" if target == begun["target"] else f"replaced by one to {target}"
        planned["why"] = (
            f"the rollback to {begun['target']} begun by {begun['by']} is {done}: {planned['why']}"
        )
    return planned


def pending_operation(planned: Mapping[str, Any], by: str, now: float) -> dict[str, Any]:
    """The open operation of a planned rollback, see `operation.Operation`."""
    known = planned["from"] in MODES
    return {
        "schema": 1,
        "kind": "rollback",
        "origin": planned["origin"],
        "target": planned["to"],
        "mode": planned["from"] if known else None,
        "since": now,
        "by": by,
        "why": planned["why"],
    }


def closes(planned: Mapping[str, Any], is_open: Mapping[str, Any]) -> bool:
    """Whether a node that is back has an operation to close; one that goes altogether takes it with it."""
    if planned["to"] == "removed":
        return False
    return planned["how"] != "nothing" or is_open.get("kind") == "rollback" or "damaged" in is_open


def _to_mode(state: Mapping[str, Any], now: str | None, target: str) -> dict[str, Any]:
    """The way back to a mode."""
    silent = state["status"] is None
    if silent and state["mode"] == "legacy" and not starts_higher(state, target):
        return _plan("legacy", target, "nothing", NEVER_STARTED)
    if silent and state["node_py"]["state"] == "rust":
        why = "the migration was complete: wrapper and legacy engine come back from the sealed copy"
        return _plan(now or "unknown", target, "restart", why, restarts=True)
    if silent and state["node_py"]["state"] != "wrapped":
        return _plan(now or "unknown", target, "refuse", f"its wrapper is not there: {state['why']}")
    if silent:
        why = f"its wrapper does not answer: {state['status_error']}"
        return _plan(now or "unknown", target, "restart", why, restarts=True)
    if MODES.index(target) >= MODES.index(str(now)) and starts_higher(state, target):
        why = f"it is in {now}, but its next start would read {state['next_mode']}"
        return _plan(str(now), target, "restart", why, restarts=True)
    if MODES.index(target) >= MODES.index(str(now)):
        why = f"it is in {now}, which is not above {target}"
        return _plan(str(now), target, "nothing", why + _way_out(str(now)))
    return _plan(str(now), target, "socket", f"going back from {now} to {target}", first=target)


def _to_removed(state: Mapping[str, Any], now: str | None) -> dict[str, Any]:
    """The way to a node on which nothing of the migration is left."""
    silent = state["status"] is None
    if state["node_py"]["state"] is None:
        return _plan(now or "unknown", "removed", "refuse", str(state["node_py"]["why"]))
    if not state["remains"] and state["node_py"]["state"] == "legacy" and state["service"]["active"]:
        return _plan("removed", "removed", "nothing", "nothing of the migration is left on it")
    if state["node_py"]["state"] == "rust":
        why = "the migration was complete: -e to=legacy first brings the legacy engine back"
        return _plan(now or "unknown", "removed", "refuse", why)
    left = f"taking the wrapper out, from {now or 'an unknown mode'}"
    first = "legacy" if not silent and now != "legacy" else ""
    runs_legacy = silent and state["mode"] == "legacy"
    return _plan(now or "unknown", "removed", "remove", left, first=first, restarts=not runs_legacy)


def _mode_now(state: Mapping[str, Any]) -> str | None:
    """The mode in force, or else the one recorded."""
    recorded = (state.get("mode_file") or {}).get("mode")
    mode: str | None = state["mode"] or (recorded if recorded in MODES else None)
    return mode


def _one_step_back(mode: str | None) -> str:
    """The mode below; where the mode is unknown, the one that the network has always run."""
    return MODES[max(MODES.index(mode) - 1, 0)] if mode else "legacy"


def _way_out(mode: str) -> str:
    """What is left to do from legacy."""
    return "; -e to=removed takes the wrapper out" if mode == "legacy" else ""


def _plan(
    start: str, target: str, how: str, why: str, *, first: str = "", restarts: bool = False
) -> dict[str, Any]:
    return {"from": start, "to": target, "how": how, "first": first, "restarts": restarts, "why": why}
