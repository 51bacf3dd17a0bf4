"""Where a node goes back to, and how: from every mode, also where its wrapper is silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    from ansible.module_utils.steps import MODES
except ImportError:  # outside of Ansible, in the tests and in the filter
    from steps import MODES

TARGETS = ("rust", "shadow", "legacy")


def plan(state: Mapping[str, Any] | None, to: str | None) -> dict[str, Any]:
    """Plan the rollback of one node.

    Args:
        state: What `node_state.read` gave, or None where the node did not answer.
        to: The mode asked for, or None for one step back.

    Returns:
        ``from`` and ``to``, ``how`` (``socket``: at once; ``restart``: the wrapper does not answer, so
        the mode file is written while the unit is stopped; ``nothing``; ``refuse``) and ``why``.
    """
    if to is not None and to not in TARGETS:
        return _plan("unknown", to, "refuse", f"to={to} is not one of {', '.join(TARGETS)}")
    if state is None:
        return _plan("unknown", to or "legacy", "refuse", "it does not answer")
    silent = state["status"] is None
    recorded = (state.get("mode_file") or {}).get("mode")
    now = state["mode"] or (recorded if recorded in MODES else None)
    if silent and state["mode"] == "legacy":
        return _plan("legacy", "legacy", "nothing", "its process runs the legacy engine without the wrapper")
    if silent and state["node_py"]["state"] != "wrapped":
        return _plan(now or "unknown", to or "legacy", "refuse", f"its wrapper is not there: {state['why']}")
    target = to or _one_step_back(now)
    if not silent and MODES.index(target) >= MODES.index(str(now)):
        return _plan(str(now), target, "nothing", f"it is in {now}, which is not above {target}")
    if silent:
        return _plan(
            now or "unknown", target, "restart", f"its wrapper does not answer: {state['status_error']}"
        )
    return _plan(str(now), target, "socket", f"going back from {now} to {target}")


def _one_step_back(mode: str | None) -> str:
    """The mode below; where the mode is unknown, the one that the network has always run."""
    return MODES[max(MODES.index(mode) - 1, 0)] if mode else "legacy"


def _plan(start: str, target: str, how: str, why: str) -> dict[str, Any]:
    return {"from": start, "to": target, "how": how, "why": why}
