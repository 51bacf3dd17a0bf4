"""Another Rust build on a node that has the wrapper already: whether it may come, and whether it holds.

One network runs one release. While it is upgraded, node by node, it runs two: the one that
comes and the one that goes. No third is let in, and the gate holds every step until it is one again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.vocabulary import MODES
from ..messages.typed_run import command


def plan(states: Mapping[str, Mapping[str, Any] | None], node: str, release: str) -> dict[str, Any]:
    """Plan the upgrade of one node.

    Args:
        states: What `node_state.read` gave for every node, None for one that did not answer.
        node: The node that is upgraded.
        release: The hash of the wheel that comes.

    Returns:
        ``from`` and ``to``; ``mode``, which the node keeps; ``since``, when an interrupted upgrade began, or
        None; ``how``: ``install``, ``verify`` (it runs already, and it was never seen that it holds),
        ``nothing`` or ``refuse``; ``behind``: the other nodes that still run another release; ``why``.
    """
    state = states.get(node)
    if not state:
        return _plan(None, release, "refuse", "it does not answer")
    begun = state.get("pending_operation") or {}
    begun = begun if begun.get("kind") == "upgrade" else {}
    origin = begun.get("origin") or state["release"]
    found: dict[str, Any] = {
        "mode": begun.get("mode") or _mode_of(state),
        "since": begun.get("since"),
        "behind": sorted(name for name, other in _others(states, node).items() if other != release),
    }
    if why := _refusal(states, node, release):
        return _plan(origin, release, "refuse", why, **found)
    running = ((state["status"] or {}).get("process") or {}).get("release")
    if (running, state["release"]) != (release, release):
        why = f"release {release[:12]} comes in place of {str(origin)[:12]}; mode {found['mode']} stays"
        return _plan(origin, release, "install", why, **found)
    if begun and begun["target"] == release:
        return _plan(
            origin, release, "verify", f"it runs {release[:12]} since an interrupted upgrade", **found
        )
    return _plan(origin, release, "nothing", f"it runs {release[:12]} already", **found)


def pending_operation(planned: Mapping[str, Any], by: str, now: float) -> dict[str, Any]:
    """The open operation of a planned upgrade, see `operation.Operation`; an open one keeps its beginning."""
    return {
        "schema": 1,
        "kind": "upgrade",
        "origin": planned["from"],
        "target": planned["to"],
        "mode": planned["mode"],
        "since": planned["since"] or now,
        "by": by,
        "why": planned["why"],
    }


def check(planned: Mapping[str, Any], state: Mapping[str, Any] | None) -> str:
    """What is wrong with a node that was to run the new release in its old mode; empty where nothing is."""
    status = (state or {}).get("status")
    if not status:
        return f"its wrapper does not answer: {(state or {}).get('status_error') or 'the node is silent'}"
    running = status["process"]["release"]
    if running != planned["to"]:
        return f"its process runs the release {running}"
    rust = status["engines"]["rust"]
    if status["mode"] != planned["mode"]:
        return f"it has gone from {planned['mode']} to {status['mode']}: {status['why']}"
    latched = status.get("latched") or {}
    if planned["since"] is not None and float(latched.get("at") or 0) >= planned["since"]:
        return f"it has latched itself: {latched.get('why')}"
    if status["mode"] != "legacy" and not rust["loaded"]:
        return f"the Rust engine is not loaded: {rust['error']}"
    return ""


def lines(
    planned: Mapping[str, Any], state: Mapping[str, Any], node: str, pretended: bool = False
) -> list[str]:
    """What an operator has to know after the upgrade of a node, and what to type next."""
    if planned["how"] == "nothing":
        said = [f"{node}: nothing to do, {planned['why']}"]
    elif pretended:
        return [f"{node}: would go from release {str(planned['from'])[:12]} to {planned['to'][:12]}"]
    else:
        said = [
            f"{node}: release {str(planned['from'])[:12]} -> {planned['to'][:12]}, and the old one is kept;"
            f" mode {planned['mode']} as before",
            f"{node}: the soak of {planned['mode']} begins anew: it belongs to one release",
        ]
    if planned["behind"]:
        said.append(
            f"{', '.join(planned['behind'])} still runs another release: no step starts until the same wheel "
            f"has been there too: {command('upgrade', ','.join(planned['behind']))}"
        )
    if latched := ((state.get("status") or {}).get("latched") or {}):
        said.append(f"{node} is latched ({latched.get('why')}): look, acknowledge it, and go on with phase 1")
    return said


def _refusal(states: Mapping[str, Mapping[str, Any] | None], node: str, release: str) -> str:
    """Why this wheel does not come to this node now; empty where it may."""
    state = states[node]
    assert state is not None
    begun = state.get("pending_operation") or {}
    if begun.get("kind") == "rollback":
        return f"a rollback to {begun['target']} is open on it; finish it first: {command('rollback', node)}"
    if state["node_py"]["state"] != "wrapped" or not state["release"]:
        return (
            "the wrapper is not in it yet; its wheel comes with the first step: "
            f"{command('phase1', node, wheel_file='PATH')}"
        )
    if silent := sorted(name for name, other in states.items() if not other):
        return f"{', '.join(silent)} does not answer, so nobody knows which release runs there"
    releases = {*_others(states, node).values(), release}
    if len(releases) > 2:
        named = ", ".join(f"{name} {value[:12]}" for name, value in sorted(_others(states, node).items()))
        return f"the network would run more than two releases: {named}; bring these to one first"
    return ""


def _others(states: Mapping[str, Mapping[str, Any] | None], node: str) -> dict[str, str]:
    """The release of every other node that has left legacy."""
    return {
        name: str(state["release"])
        for name, state in states.items()
        if name != node and state and state["mode"] != "legacy" and state["release"]
    }


def _mode_of(state: Mapping[str, Any]) -> str | None:
    """The mode in force, or else the one recorded."""
    recorded = (state.get("mode_file") or {}).get("mode")
    mode: str | None = state["mode"] or (recorded if recorded in MODES else None)
    return mode


def _plan(
    origin: str | None,
    release: str,
    how: str,
    why: str,
    *,
    mode: str | None = None,
    since: float | None = None,
    behind: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "from": origin,
        "to": release,
        "mode": mode,
        "since": since,
        "how": how,
        "behind": behind or [],
        "why": why,
    }
