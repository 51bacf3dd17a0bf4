"""The network in few numbers: what build/status.json holds for programs and the screen draws for people.

Pure functions of what `node_state.read` gave for every node, the steps that `steps.plan` made of it and a
look at the chain. What a node does not tell is None, never zero. Of a node whose status
the gate's reader does not believe nothing is taken: its mode is None, and why is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ...module_utils.unit_needs import text as unit_text
from ...module_utils.vocabulary import ENGINES, MODES
from ..gate.status_reader import reported_by
from ..messages.typed_run import command
from ..planning.troubles import troubles
from .quantiles import quantiles


class Soak(TypedDict):
    """A soak that a step waits for: since when (s since the epoch) and for how many seconds."""

    started: float | None
    needed: float


def status_report(
    states: Mapping[str, Mapping[str, Any] | None],
    steps: Sequence[Mapping[str, Any]],
    health: Mapping[str, Any],
    now: float,
    journal: Mapping[str, Sequence[str]] | None = None,
    lock: Sequence[str] = (),
    max_idle: float = math.inf,
    silent: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What build/status.json holds; its form is docs/schemas/network.schema.json.

    Args:
        states: For every node, in the order they migrate, what was read of it; None where it was silent.
        steps: Every step of the migration in order, see `steps.plan`.
        health: The result of the module ``chain_health``.
        now: The controller's clock in seconds since the epoch.
        journal: What the verification of the step journals found: ``lines`` in words, and those ``broken``.
        lock: Who holds the operator lock, in words.
        max_idle: Seconds without a block after which a node, or the chain, stands still.
        silent: Why a node could not be asked, in a sentence for each of those.
    """
    chain = health.get("chain", {})
    idle = _idle(chain.get("newest", {}), now, max_idle)
    following = next_step(states, steps, silent)
    if idle and set(idle) == set(chain["newest"]) and following["action"] not in ("silent", "done"):
        following = _following("still", None, list(idle.values()))
    soaks = _soaks(following, steps)
    return {
        "schema": 1,
        "now": now,
        "nodes": {name: state or {"answers": False} for name, state in states.items()},
        "overview": {
            name: node_overview(name, state, soaks.get(name), _by_api(name, chain), silent)
            for name, state in states.items()
        },
        "steps": [{key: value for key, value in step.items() if key != "evidence"} for step in steps],
        "next": following,
        "commands": {
            name: {"rollback": command("rollback", name), "ack": command("ack", name, why="what was found")}
            for name in states
        },
        "chain": {**chain, "problems": [*health.get("problems", []), *idle.values()]},
        "journal": None if journal is None else {name: list(journal[name]) for name in ("lines", "broken")},
        "lock": list(lock),
    }


def node_overview(
    name: str,
    state: Mapping[str, Any] | None,
    soak_needed: float | None,
    by_api: Mapping[str, Any],
    silent: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One node in few numbers; of what it tells, only what is believed.

    Args:
        name: The node.
        state: What was read of it.
        soak_needed: Seconds of soak that the next step asks of it, None for nothing.
        by_api: What its API tells: ``height`` of its tip, for a node whose wrapper tells none, and
            ``last_block``, when it took or made its newest block (seconds since the epoch).
        silent: Why a node could not be asked, in a sentence for each of those.
    """
    if not state:
        return {"answers": False, "why": (silent or {}).get(name) or f"{name} does not answer"}
    told = reported_by(name, state)
    wrong = told.wrong.removeprefix(f"{name}: ")
    latch = (told.status or {}).get("latched") or {}
    if wrong and state.get("status") is not None:  # its mode is what its status said
        latch = _latch_among(state["status"])
        state = {**state, "mode": None, "why": wrong, "status": {}}
        wrong = ""
    status = told.status or {}
    record = status.get("evidence") or {}
    outcomes = record.get("outcomes") or {}
    rejected = record.get("rejected")
    compared = None if not outcomes else outcomes.get("match", 0) + outcomes.get("divergence", 0)
    return {
        "answers": True,
        "mode": state.get("mode"),
        "why": state.get("why") or "",
        "answering": status.get("answering"),
        "since": status.get("since"),
        "soak": None if soak_needed is None else Soak(started=_counted_from(record), needed=soak_needed),
        "calls": record.get("calls"),
        "compared": compared,
        **{name: outcomes.get(name) for name in ("divergence", "rust_error", "legacy_error", "skipped")},
        "rejects": None if rejected is None else sum(rejected.values()),
        "reject_codes": None if rejected is None else sum(count > 0 for count in rejected.values()),
        "latency": {engine: quantiles((record.get("latency") or {}).get(engine)) for engine in ENGINES},
        "height": _height(status.get("tip") or by_api),
        "last_block": by_api["last_block"],
        "latched": latch.get("why"),
        "stopped": (status.get("stopped") or {}).get("why"),
        "recorded": (state.get("journal") or state).get("mode"),
        "release": state.get("release"),
        "service": state["service"]["state"],
        "unit": _unit(state),
        "troubles": [*([wrong] if wrong else []), *troubles(name, state), *_lost_tree(status)],
    }


def _latch_among(status: Any) -> dict[str, str]:
    """A latch in a status that is not believed: that somebody has to look is said all the same."""
    latch = status.get("latched") if isinstance(status, Mapping) else None
    why = latch.get("why") if isinstance(latch, Mapping) else None
    return {"why": f"it says so among what cannot be believed: {why}"} if isinstance(why, str) else {}


def _lost_tree(status: Mapping[str, Any]) -> list[str]:
    """That the wrapper does not keep the tree though it should; it keeps no step from being taken."""
    tree = status.get("tree")
    if not isinstance(tree, Mapping) or tree.get("state") != "lost":
        return []
    return [
        f"its tree is not kept, the next restart begins at the genesis: {tree.get('why')};"
        " mend that, then, as root on the node: ctl.py export-tree"
    ]


def _height(tip: Mapping[str, Any]) -> int | None:
    """The height of a tip, which no schema knows: its blocks are the node's own."""
    height = tip.get("height")
    return height if isinstance(height, int) and not isinstance(height, bool) and height >= 0 else None


def _by_api(name: str, chain: Mapping[str, Any]) -> dict[str, Any]:
    """What a look at the chain gave of one node, see `node_overview`."""
    return {"height": chain.get("heights", {}).get(name), "last_block": chain.get("newest", {}).get(name)}


def _idle(newest: Mapping[str, float | None], now: float, max_idle: float) -> dict[str, str]:
    """The nodes that have taken no block for too long, each in a sentence."""
    return {
        name: f"{name} stands still: it has taken no block for {now - when:.0f} s"
        for name, when in newest.items()
        if when is not None and now - when > max_idle
    }


def _unit(state: Mapping[str, Any]) -> list[str]:
    """What the unit lacks; on a node without the wrapper, what would defeat it there."""
    untouched = (state.get("node_py") or {}).get("state") == "legacy"
    found = (state.get("unit") or {}).get("obstacles" if untouched else "lacks", ())
    return [unit_text(one) for one in found]


def next_step(
    states: Mapping[str, Mapping[str, Any] | None],
    steps: Sequence[Mapping[str, Any]],
    silent: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The first step that is not done, and the command to type for it.

    ``action`` is that of the step, or ``complete`` after the last one, or ``done`` when node.py of all nodes
    imports the Rust engine itself, or ``silent`` while one does not answer: then nothing may start, and the
    command looks again; or ``garbled`` while what one tells cannot be believed, ``node`` the first of these;
    or ``still`` while the chain stands still (see `status_report`), without a command;
    or ``unrecorded`` where a node is in a mode that its step journal knows nothing of.
    """
    if unasked := [name for name, state in states.items() if not state]:
        causes = [(silent or {}).get(name) or f"{name} does not answer" for name in unasked]
        return _following(
            "silent", command("status"), [f"{cause}; no step starts before it does" for cause in causes]
        )
    if garbled := {
        name: wrong for name, state in states.items() if (wrong := reported_by(name, state).wrong)
    }:
        first = {"node": next(iter(garbled))}
        return _following("garbled", command("status"), list(garbled.values())) | first
    for step in steps:
        if step_done(states, step):
            continue
        typed = command(f"phase{step['phase']}", step["node"])
        chosen = {name: step[name] for name in ("phase", "node", "ready_at")}
        return _following(step["action"], typed, step["reasons"]) | chosen
    if all((state or {}).get("node_py", {}).get("state") == "rust" for state in states.values()):
        return _following("done", None, ["the legacy engine is removed from every node"])
    if strange := [text for name, state in states.items() if state and (text := _unrecorded(name, state))]:
        return _following("unrecorded", command("journal"), strange)
    reason = "the six criteria are checked; nothing is removed without -e confirm=remove-legacy"
    return _following("complete", command("complete", ""), [reason])


def recorded(state: Mapping[str, Any], mode: str) -> bool:
    """Whether the node's step journal tells that the node was brought to this mode, or beyond."""
    journal = state.get("journal")
    if journal is None or mode == "legacy":
        return True
    told = journal.get("mode")
    return told in MODES and MODES.index(told) >= MODES.index(mode)


def _unrecorded(name: str, state: Mapping[str, Any]) -> str:
    """A node in a mode that no step or rollback in its journal has brought it to; empty where one has."""
    mode = str(state.get("mode"))
    if mode not in MODES or recorded(state, mode):
        return ""
    told = state["journal"].get("mode") or "no step"
    return f"{name} is in {mode}, and its step journal tells of {told}: no step brought it there"


def step_done(states: Mapping[str, Mapping[str, Any] | None], step: Mapping[str, Any]) -> bool:
    """Whether a node is where the step brings it, or beyond, and nothing is left to be recorded."""
    if step["action"] == "finish":
        return False
    mode = (states.get(step["node"]) or {}).get("mode")
    return mode in MODES and MODES.index(mode) >= MODES.index(step["target"])


def _counted_from(record: Mapping[str, Any]) -> float | None:
    """When the soak would have begun if it had been observed throughout: the gate counts only what was."""
    started = record.get("soak_started")
    if started is None or "observed_seconds" not in record:
        return started
    return max(float(started), float(record["now"]) - float(record["observed_seconds"]))


def _following(action: str, command: str | None, reasons: Sequence[str]) -> dict[str, Any]:
    return {
        "action": action,
        "phase": None,
        "node": None,
        "ready_at": None,
        "command": command,
        "reasons": list(reasons),
    }


def _soaks(following: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The nodes whose soak the next step waits for, each with the seconds it takes."""
    for step in steps:
        if (step["phase"], step["node"]) == (following["phase"], following["node"]):
            criteria = step["criteria"]
            return dict.fromkeys(criteria.get("soaking", ()), float(criteria.get("soak_seconds", 0)))
    return {}
