"""What a person reads: a step in a few lines, the network on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

VERBS = {"start": "starts now", "wait": "waits", "fail": "is refused", "nothing": "has nothing to do"}


def step_lines(step: Mapping[str, Any]) -> list[str]:
    """A step's decision with its reasons, and when a ``wait`` could end."""
    head = f"phase {step['phase']} on {step['node']} ({step['mode']} -> {step['target']})"
    lines = [f"{head}: {VERBS[step['action']]}", *(f"  {reason}" for reason in step["reasons"])]
    lines += [f"  {proven}" for proven in (step.get("gate") or {}).get("proven", ())]
    if step["action"] == "wait":
        lines.append(f"  could pass: {_clock(step['ready_at'])}")
    return lines


def status_report(
    states: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], health: Mapping[str, Any], now: float
) -> dict[str, Any]:
    """What build/status.json holds: every node's state, the next step of each phase, the chain."""
    return {
        "schema": 1,
        "now": now,
        "nodes": {name: state or {"answers": False} for name, state in states.items()},
        "steps": [{key: value for key, value in step.items() if key != "evidence"} for step in steps],
        "chain": {"problems": health.get("problems", []), **health.get("chain", {})},
    }


def status_lines(report: Mapping[str, Any]) -> list[str]:
    """The network on one screen."""
    lines = [
        f"{'node':<10}{'mode':<8}{'since':<22}{'calls':>8}{'bad':>5}{'rejects':>9}  {'release':<14}service"
    ]
    for name, state in report["nodes"].items():
        lines += _node_lines(name, state)
    lines.append(_chain_line(report["chain"]))
    waiting = [step for step in report["steps"] if step["action"] != "nothing"]
    lines.append("next: every phase is done" if not waiting else "next:")
    for step in waiting[:2]:
        lines += [f"  {line}" for line in step_lines(step)]
    return lines


def _node_lines(name: str, state: Mapping[str, Any]) -> list[str]:
    """One line of a node, and one more for what is wrong with it."""
    if "service" not in state:
        return [f"{name:<10}does not answer"]
    status = state.get("status") or {}
    record = status.get("evidence") or {}
    outcomes = record.get("outcomes") or {}
    bad = sum(outcomes.get(kind, 0) for kind in ("divergence", "rust_error", "legacy_error"))
    counted = {
        "calls": record.get("calls", "-"),
        "bad": bad if outcomes else "-",
        "rejects": sum((record.get("rejected") or {}).values()) if record else "-",
    }
    lines = [
        f"{name:<10}{state['mode'] or 'unknown':<8}{_clock(status.get('since')):<22}"
        f"{counted['calls']:>8}{counted['bad']:>5}{counted['rejects']:>9}"
        f"  {(state['release'] or '-')[:12]:<14}{state['service']['state']}"
    ]
    if latched := status.get("latched"):
        lines.append(f"{'':<10}LATCHED: {latched.get('why') if isinstance(latched, Mapping) else latched}")
    if state["mode"] is None:
        lines.append(f"{'':<10}{state['why']}")
    return lines


def _chain_line(chain: Mapping[str, Any]) -> str:
    """Heights, and whether the nodes agree."""
    heights = ", ".join(f"{name} at {height}" for name, height in chain.get("heights", {}).items())
    if chain["problems"]:
        return f"chain: {heights or 'unknown'}; {'; '.join(chain['problems'])}"
    if "agreed_height" not in chain:
        return "chain: not asked"
    return f"chain: {heights}; the same block {chain['agreed_hash'][:12]} at height {chain['agreed_height']}"


def _clock(when: Any) -> str:
    """A time as UTC, or a dash where none is known."""
    if not isinstance(when, int | float) or isinstance(when, bool):
        return str(when)[:19] if isinstance(when, str) else "-"
    return datetime.fromtimestamp(when, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
