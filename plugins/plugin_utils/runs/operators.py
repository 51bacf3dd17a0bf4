"""What operators are told of lock and journals, with the command to type next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils.bounded_reader import UnreadableError, read_object
from ...module_utils.journal import is_another, known_by, verify_chain
from ..messages.typed_run import command, this_run


def way_on(states: Mapping[str, Mapping[str, Any] | None] | None, node: str) -> str:
    """What to do after a run that stopped: the way back too, where the migration has touched the node."""
    state = (states or {}).get(node) or {}
    touched = bool(state.get("remains")) or state.get("mode") not in ("legacy", None)
    again = "Mend the cause and run the same command again"
    if this_run().playbook == "rollback":
        return again
    return f"{again}, or go back: {command('rollback', node)}" if touched else again


def lock_refusals(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why this run may not go on, from the looped results of ``operator_lock``; empty where it may."""
    reasons = []
    for result in results:
        if result.get("outcome") == "refused":
            reasons.append(f"{result['item']} is locked: {result['why']}. {_way_out(result['lock'])}")
        elif result.get("outcome") == "broken":
            reasons.append(f"{result['item']}: {result['why']}; this run stops")
    return reasons


def lock_lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who holds the lock of every node, how it is broken, and of which node that is not known."""
    locked = [result for result in results if result.get("lock")]
    lines = [f"{result['item']}: {result['why']}" for result in locked]
    lines += sorted({_way_out(result["lock"]) for result in locked})
    unknown = [result for result in results if result.get("unreachable")]
    free = [str(result["item"]) for result in results if result not in locked and result not in unknown]
    if unknown and free:
        lines.append(f"no lock on {', '.join(free)}")
    lines += [f"whether {result['item']} is locked is not known: {_why(result)}" for result in unknown]
    return lines or ["nobody is at work: no node is locked"]


def journal_report(
    results: Sequence[Mapping[str, Any]], copies: Mapping[str, str | None]
) -> dict[str, list[str]]:
    """Every node's journal in a line, those that are broken, and the nodes whose journal was not read.

    Args:
        results: The looped results of ``step_journal`` with ``state: verified``, compared with the copies.
        copies: The controller's copy of every node's journal, None where there is none.
    """
    report: dict[str, list[str]] = {"lines": [], "broken": [], "unread": []}
    for result in results:
        node = str(result["item"])
        if "digests" not in result:
            report["unread"].append(node)
            report["lines"].append(f"journal of {node}: not read: {_why(result)}")
            continue
        if wrong := result["broken"]:
            mend = command("journal", node, set_aside="the reason")
            report["broken"].append(
                f"the step journal of {node} is broken: {wrong}. Look into it, then: {mend}"
            )
            report["lines"].append(report["broken"][-1])
        elif gone := _gone(result["digests"], copies.get(node)):
            report["lines"].append(f"journal of {node}: {gone}")
        else:
            report["lines"].append(f"journal of {node}: {_whole(result['last'])}{_place(result)}")
    return report


def _why(result: Mapping[str, Any]) -> str:
    """Why a node could not be asked."""
    return str(result.get("msg") or f"{result['item']} does not answer")


def _whole(last: Mapping[str, Any] | None) -> str:
    """A whole journal by its last record: how long it is, and what was done last."""
    if last is None:
        return "empty, nothing was done"
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(last["at"]))
    phase = f" of phase {last['phase']}" if last["phase"] else ""
    did = f"{last['what']}{phase} by {last['who']} at {when} ({last['why']})"
    return f"{last['seq']} records, whole; last: {did}"


def _place(result: Mapping[str, Any]) -> str:
    """Where the journal lies, if that is not yet where only root writes."""
    if result.get("moved", True):
        return ""
    return f"; still in the old place, {result['path']}: the next play that writes to it moves it"


def _gone(digests: Sequence[str], copy: str | None) -> str:
    """What the copy tells of a journal that went with the wrapper; empty where there is one on the node."""
    known = known_by(copy)
    if digests or known is None or not is_another([], known):
        return ""
    last = verify_chain(copy or "")["records"][-1]
    return f"taken away with the wrapper; the controller's copy: {_whole(last)}"


def _way_out(lock: Mapping[str, Any]) -> str:
    way = command("unlock", "", break_lock=lock["id"], why="the reason")  # the lock is on every node
    return f"Wait for it; or, if that run is dead or must not go on, break its lock: {way}"


def read_kept(folder: Path, step: Mapping[str, Any]) -> dict[str, Any] | None:
    """What this controller has kept of a step, None where that is nothing that can be read."""
    try:
        found: dict[str, Any] = read_object(folder / f"{step['phase']}-{step['node']}.json")
    except (OSError, UnreadableError):
        return None
    return found
