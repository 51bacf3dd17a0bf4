"""What operators are told of lock and journals, with the command to type next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

try:
    from ansible.module_utils.journal import verify_chain
    from ansible.module_utils.typed_run import command
except ImportError:  # outside of Ansible, in the tests and in the filter
    from journal import verify_chain
    from typed_run import command


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
    """Who holds the lock of every node that answered, and how it is broken."""
    lines = [f"{result['item']}: {result['why']}" for result in results if result.get("lock")]
    ways = {_way_out(result["lock"]) for result in results if result.get("lock")}
    return [*lines, *sorted(ways)] if lines else ["nobody is at work: no node is locked"]


def journal_report(
    results: Sequence[Mapping[str, Any]], copies: Mapping[str, str | None]
) -> dict[str, list[str]]:
    """Every node's journal in a line, and what is broken.

    Args:
        results: The looped results of ``step_journal`` with ``state: verified``.
        copies: The controller's copy of every node's journal, None where there is none.
    """
    report: dict[str, list[str]] = {"lines": [], "broken": []}
    for result in results:
        node = str(result["item"])
        if "digests" not in result:
            report["lines"].append(f"journal of {node}: it does not answer")
            continue
        known = _known(copies.get(node))
        ended = _ended(result["digests"], known)
        wrong = result["broken"] or _differs(result["digests"], [] if ended else known)
        if wrong:
            mend = command("journal", node, set_aside="the reason")
            report["broken"].append(
                f"the step journal of {node} is broken: {wrong}. Look into it, then: {mend}"
            )
            report["lines"].append(report["broken"][-1])
        elif ended and not result["digests"]:
            gone = f"taken away with the wrapper; the controller's copy: {_whole(known[-1])}"
            report["lines"].append(f"journal of {node}: {gone}")
        else:
            report["lines"].append(f"journal of {node}: {_whole(result['last'])}")
    return report


def _whole(last: Mapping[str, Any] | None) -> str:
    """A whole journal by its last record: how long it is, and what was done last."""
    if last is None:
        return "empty, nothing was done"
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(last["at"]))
    phase = f" of phase {last['phase']}" if last["phase"] else ""
    did = f"{last['what']}{phase} by {last['who']} at {when} ({last['why']})"
    return f"{last['seq']} records, whole; last: {did}"


def _known(copy: str | None) -> list[dict[str, Any]]:
    """The records of the controller's copy, as far as they are whole."""
    return verify_chain(copy)["records"] if copy else []


def _ended(digests: Sequence[str], known: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the copy is of a journal that went with the wrapper: what the node has now began without it."""
    last = next((record["what"] for record in reversed(known) if record["what"] != "restart"), None)
    return last == "removed" and (not digests or digests[0] != known[0]["digest"])


def _differs(digests: Sequence[str], known: Sequence[Mapping[str, Any]]) -> str | None:
    """What the controller's copy knows better, or None; an empty one tells nothing."""
    for record in known:
        seq = record["seq"]
        if seq > len(digests):
            return f"record {seq}, which the controller has a copy of, is missing on the node"
        if digests[seq - 1] != record["digest"]:
            return f"record {seq} is another one than the controller has a copy of"
    return None


def _way_out(lock: Mapping[str, Any]) -> str:
    way = command("unlock", "", break_lock=lock["id"], why="the reason")  # the lock is on every node
    return f"Wait for it; or, if that run is dead or must not go on, break its lock: {way}"


def read_copies(folder: Path, nodes: Sequence[str]) -> dict[str, str | None]:
    """The controller's copies of the journals."""
    copies: dict[str, str | None] = {}
    for node in nodes:
        try:
            copies[node] = (folder / f"{node}.jsonl").read_text(encoding="utf-8", errors="replace")
        except OSError:
            copies[node] = None
    return copies
