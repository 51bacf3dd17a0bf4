"""The gate: may a step start?

A pure function of (evidence, criteria, now). It reads no clock, no file and no
network, so every outcome can be provoked by a test. The playbooks reach it through
the filter ``migration_step``; `docs/gate.md` lists what it can say.

Three outcomes. ``pass``: the step may start now. ``wait``: something is missing that
time can bring. ``fail``: something was found that time does not mend. Nothing that is
missing, stale, empty or not a number is ever ``pass``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import replay as replays
from .criteria import Criteria
from .findings import Decision, Findings
from .health import judge_chain, judge_clock, judge_faults, judge_watchers
from .latency import judge_latency
from .reading import Garbled, finite
from .soak import judge_samples, judge_time

__all__ = ["Criteria", "Decision", "decide"]


def decide(evidence: Mapping[str, Any], criteria: Mapping[str, Any], now: float) -> Decision:
    """Decide whether a step may start.

    Args:
        evidence: For each node the answer of its control socket to ``status`` (its
            ``evidence`` is the record of the running soak), and beside it ``chain``, what the
            node sees of the others' chains, and ``replay``, the result of a replay there.
            None for a node of which nothing is known.
        criteria: See `Criteria`.
        now: The controller's clock in seconds since the epoch.

    Returns:
        The outcome, its reasons and, for ``wait``, the time at which it could pass.
    """
    found = Findings()
    try:
        wanted = Criteria.parse(criteria)
    except ValueError as error:
        found.fail(
            "criteria", None, f"the criteria are not usable: {error}; mend gate_criteria in the inventory"
        )
        return found.decision("")
    if not finite(now):
        found.fail("criteria", None, "the controller's clock gave no number")
        return found.decision("")
    for name, mode in wanted.nodes.items():
        known = evidence.get(name)
        try:
            if not _is_silent(name, known, mode, wanted, found):
                _judge_node(name, known, mode, wanted, now, found)
        except Garbled as error:
            found.fail("garbled", name, f"the evidence cannot be believed: {error}")
    if len(wanted.nodes) > 1:
        judge_chain({name: _beside(evidence, name, "chain") for name in wanted.nodes}, wanted, now, found)
    _judge_releases(evidence, wanted, found)
    return found.decision(_summary(wanted))


def _is_silent(name: str, known: Any, mode: str, wanted: Criteria, found: Findings) -> bool:
    """Whether a node has told nothing; one in legacy that does not soak has no wrapper to ask."""
    told = known is not None and not (isinstance(known, Mapping) and not set(known) - {"chain", "replay"})
    if not told and (mode != "legacy" or name in wanted.soaking):
        found.wait("no_evidence", name, "no evidence; its control socket gave no status")
    return not told


def _summary(wanted: Criteria) -> str:
    """One sentence for a passed gate."""
    if not wanted.soaking:
        return "first step: nothing has to soak before it"
    return f"{', '.join(wanted.soaking)} soaked for at least {wanted.soak_seconds:g} s without a fault"


def _judge_node(name: str, status: Any, mode: str, wanted: Criteria, now: float, found: Findings) -> None:
    """Judge one node's status; raises `Garbled` at the first value that is none."""
    if not isinstance(status, Mapping):
        raise Garbled("status is not an object")
    record = status.get("evidence")
    if not isinstance(record, Mapping) or not record:
        found.wait("no_evidence", name, "the evidence is empty")
        return
    if latched := status.get("latched"):
        why = latched.get("why", "no reason given") if isinstance(latched, Mapping) else latched
        found.fail("latched", name, f"latched ({why}); look at the capture, then acknowledge it")
    for source, has in (("status", status.get("mode")), ("evidence", record.get("mode"))):
        if has != mode:
            found.fail("mode", name, f"{source} says mode {has!r}, expected {mode!r}")
    judge_clock(name, record, wanted, now, found)
    judge_faults(name, record, found)
    judge_watchers(name, record, found)
    if name in wanted.soaking:
        replay = replays.read(name, status.get("replay"), record, wanted, now, found)
        judge_time(name, record, wanted, now, found)
        judge_samples(name, record, mode, replay, wanted, now, found)
        judge_latency(name, record, mode, replay, wanted, found)


def _judge_releases(evidence: Mapping[str, Any], wanted: Criteria, found: Findings) -> None:
    """Nodes that have left legacy run one release: what runs is what was tested."""
    releases: dict[str, str] = {}
    for name, mode in wanted.nodes.items():
        record = _beside(evidence, name, "evidence")
        if mode == "legacy" or not isinstance(record, Mapping) or not record:
            continue
        release = record.get("release")
        if not isinstance(release, str) or not release:
            found.fail("release", name, "the evidence names no release")
        else:
            releases[name] = release
    if len(set(releases.values())) > 1:
        named = ", ".join(f"{name} {release[:12]}" for name, release in releases.items())
        found.fail("release", None, f"the nodes run different releases: {named}")


def _beside(evidence: Mapping[str, Any], name: str, key: str) -> Any:
    """A part of what is known of a node, None where there is none to read."""
    known = evidence.get(name)
    return known.get(key) if isinstance(known, Mapping) else None
