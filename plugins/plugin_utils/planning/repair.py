"""What the migration has laid down on a node, put back as it was: release, drop-in, imports of its files.

It changes no mode. A node that does not say its mode, or would start in another one, goes back first: nobody
knows what it would come up with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..messages.typed_run import command
from .troubles import drop_in_is_wrong, entries_apart, others_win, process_is_old, troubles


def plan(states: Mapping[str, Mapping[str, Any] | None], node: str, named: bool = False) -> dict[str, Any]:
    """Plan the repair of one node.

    Args:
        states: What `node_state.read` gave for every node, None for one that did not answer.
        node: The node.
        named: Whether the operator names a wheel.

    Returns:
        ``how``: ``mend``, ``nothing`` or ``refuse``; ``release``, ``drop_in`` and ``entries``: which of
        them are put back; ``wheel``: node and release of a wheel that is kept whole, both empty where there
        is none; ``restarts``: whether the process has to be another one; ``why``.
    """
    state = states.get(node)
    if why := _refusal(state, node):
        return _plan("refuse", why)
    assert state is not None
    drop_in, release = drop_in_is_wrong(state), bool((state["installed"] or {}).get("differs"))
    if release and not named and not kept(states, node)["node"]:
        wheel = command("repair", node, wheel="PATH")
        return _plan("refuse", f"no node keeps the wheel {state['release']} whole; name it: {wheel}")
    unread = any(f"/{state['release']}" in path for path in state["changed_since_start"])
    apart = bool(entries_apart(state))
    restarts = release or unread or apart or process_is_old(state)
    if not restarts and not drop_in:
        return _plan("nothing", "everything lies there as it was laid down")
    why = "; ".join(troubles(node, state)) or "its process has not read what lies there now"
    return _plan("mend", why) | {
        "release": release,
        "drop_in": drop_in,
        "entries": apart,
        "wheel": kept(states, node),
        "restarts": restarts,
    }


def kept(states: Mapping[str, Mapping[str, Any] | None], node: str) -> dict[str, str]:
    """Where the wheel of a node's release is kept whole: on itself, or on another node."""
    release = (states[node] or {}).get("release")
    for name in (node, *(other for other in states if other != node)):
        state = states[name] or {}
        if state.get("release") == release and (state.get("installed") or {}).get("wheel"):
            return {"node": name, "release": str(release)}
    return {"node": "", "release": ""}


def _refusal(state: Mapping[str, Any] | None, node: str) -> str:
    """Why nothing is put back on this node now; empty where it may be."""
    if not state:
        return "it does not answer"
    if begun := state["pending_operation"]:
        kind = begun.get("kind", "operation")
        return f"the {kind} that is open on it is finished first; its command: {command('gate')}"
    if not state["release"]:
        return "the migration has installed nothing on it"
    if state["mode"] is None:
        back = command("rollback", node, to="legacy")
        return f"nobody can say its mode ({state['why']}); it goes back first: {back}"
    if others := others_win(state):
        return ". ".join(others)
    if state["mode_file_error"] or state["next_mode"] != state["mode"]:
        return "; ".join(troubles(node, state))
    return ""


def _plan(how: str, why: str) -> dict[str, Any]:
    nowhere = {"node": "", "release": ""}
    nothing = {"release": False, "drop_in": False, "entries": False, "wheel": nowhere, "restarts": False}
    return {"how": how, "why": why, **nothing}
