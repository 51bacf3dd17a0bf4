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
from .reading import GarbledError, finite
from .rules import Rules
from .soak import judge_samples, judge_time
from .status_reader import Reading, read

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
    findings = Findings()
    try:
        checked = Criteria.parse(criteria)
    except ValueError as error:
        findings.fail(
            "criteria", None, f"the criteria are not usable: {error}; mend gate_... in the inventory"
        )
        return findings.decision("")
    if not finite(now):
        findings.fail("criteria", None, "the controller's clock gave no number")
        return findings.decision("")
    known = {name: _believed(name, evidence, findings) for name in checked.nodes}
    for name, reading in known.items():
        if reading is not None:
            _judge_node(name, reading, checked, now, findings)
    if len(checked.nodes) > 1:
        views = {name: reading.view for name, reading in known.items() if reading is not None}
        judge_chain(views, checked, now, findings)
    _judge_releases(known, checked, findings)
    return findings.decision(_summary(checked))


def _believed(name: str, evidence: Mapping[str, Any], findings: Findings) -> Reading | None:
    """What is known of a node; None where it cannot be believed, which is a finding."""
    try:
        return read(name, evidence.get(name))
    except GarbledError as error:
        findings.fail("garbled", name, f"the evidence cannot be believed: {error}")
        return None


def _summary(criteria: Criteria) -> str:
    """One sentence for a passed gate."""
    if not criteria.soaking:
        return "first step: nothing has to soak before it"
    return f"{', '.join(criteria.soaking)} soaked for at least {criteria.soak_seconds:g} s without a fault"


def _judge_node(name: str, reading: Reading, criteria: Criteria, now: float, findings: Findings) -> None:
    """Judge one node; one in legacy that does not soak has no wrapper to ask."""
    status, record, mode = reading.status, reading.record, criteria.nodes[name]
    if status is None:
        if mode != "legacy" or name in criteria.soaking:
            findings.wait("no_evidence", name, "no evidence; its control socket gave no status")
        return
    if record is None:
        findings.wait("no_evidence", name, "the evidence is empty")
        return
    if latched := status["latched"]:
        findings.fail("latched", name, f"latched ({latched['why']}); {_where(latched)}, then acknowledge it")
    if stopped := status["stopped"]:
        findings.fail("latched", name, f"takes no blocks ({stopped['why']}); look, then acknowledge it")
    if problem := status.get("mode_file", {}).get("problem"):
        findings.fail("mode", name, f"its mode file: {problem['why']}; see status.yml, then acknowledge it")
    for source, has in (("status", status["mode"]), ("evidence", record["mode"])):
        if has != mode:
            findings.fail("mode", name, f"{source} says mode {has!r}, expected {mode!r}")
    judge_clock(name, record, criteria, now, findings)
    judge_faults(name, record, findings)
    judge_watchers(name, record, findings)
    if name in criteria.soaking:
        _judge_soak(name, reading, record, criteria, now, findings)


def _where(latched: Mapping[str, Any]) -> str:
    """Where a person finds what a latch is about: not every one has a divergence file."""
    capture = latched.get("capture")
    return f"look at captures/{capture}" if capture else "look into the log of its unit"


def _judge_soak(
    name: str, reading: Reading, record: Mapping[str, Any], criteria: Criteria, now: float, findings: Findings
) -> None:
    """Judge a node whose soak is asked about; raises nothing."""
    mode = criteria.nodes[name]
    try:
        rules = Rules.of(reading.status)
        replay = replays.read(name, reading.replay, record, rules, criteria, now, findings)
        judge_time(name, record, criteria, now, findings)
        judge_samples(name, record, mode, rules, replay, criteria, now, findings)
        judge_latency(name, record, mode, replay, criteria, now, findings)
    except GarbledError as error:  # of what the criteria alone tell, such as the edge of a histogram
        findings.fail("garbled", name, f"the evidence cannot be believed: {error}")


def _judge_releases(known: Mapping[str, Reading | None], criteria: Criteria, findings: Findings) -> None:
    """Nodes that have left legacy run one release: what runs is what was tested."""
    releases: dict[str, str] = {}
    for name, reading in known.items():
        record = reading.record if reading is not None else None
        if criteria.nodes[name] == "legacy" or record is None:
            continue
        if record["release"]:
            releases[name] = record["release"]
        else:
            findings.fail("release", name, "the evidence names no release")
    if len(set(releases.values())) > 1:
        named = ", ".join(f"{name} {release[:12]}" for name, release in releases.items())
        findings.fail("release", None, f"the nodes run different releases: {named}")
