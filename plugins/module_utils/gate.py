"""The gate: may a step start?

A pure function of (evidence, criteria, now). It reads no clock, no file and no
network, so every outcome can be provoked by a test. The playbooks reach it through
the action plugin ``gate_decision``.

Three outcomes. ``pass``: the step may start now. ``wait``: something is missing that
time can bring. ``fail``: something was found that time does not mend. Nothing that is
missing, stale, empty or not a number is ever ``pass``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

OUTCOMES = ("match", "divergence", "rust_error", "legacy_error", "skipped", "alone")
"""Every call a node judges ends in exactly one of these."""

COMPARED_OUTCOME = {"legacy": "alone", "shadow": "match", "rust": "match", "final": "alone"}
"""Which outcome counts as a good sample of a mode's soak."""


class Decision(TypedDict):
    """What the gate says: its outcome, the reasons in words, and when a ``wait`` could pass.

    ``ready_at`` is in seconds since the epoch; None where no time can be named.
    """

    outcome: str
    reasons: list[str]
    ready_at: float | None


@dataclass(frozen=True)
class Criteria:
    """What a soak has to show, as data of the inventory.

    ``nodes`` names the mode every node must be in; ``soaking`` the nodes whose soak is
    asked about (the others must only be clean). Times are in seconds.
    """

    nodes: Mapping[str, str]
    soaking: tuple[str, ...]
    soak_seconds: float
    min_calls: int
    min_rejects: int
    min_reason_codes: int
    max_evidence_age_seconds: float
    max_idle_seconds: float
    max_clock_skew_seconds: float
    max_restarts: int

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Criteria:
        """Check and convert criteria as the inventory gives them.

        Raises:
            ValueError: A criterion is missing, is not a number, or is negative.
        """
        nodes = data.get("nodes")
        if not isinstance(nodes, Mapping) or not nodes:
            raise ValueError("criteria name no nodes")
        unknown = sorted({str(mode) for mode in nodes.values()} - set(COMPARED_OUTCOME))
        if unknown:
            raise ValueError(f"criteria name unknown modes: {', '.join(unknown)}")
        soaking = tuple(data.get("soaking", ()))
        if strangers := [name for name in soaking if name not in nodes]:
            raise ValueError(f"criteria ask for a soak of nodes they do not name: {', '.join(strangers)}")
        return cls(
            nodes=dict(nodes),
            soaking=soaking,
            soak_seconds=_criterion(data, "soak_seconds"),
            min_calls=int(_criterion(data, "min_calls")),
            min_rejects=int(_criterion(data, "min_rejects")),
            min_reason_codes=int(_criterion(data, "min_reason_codes")),
            max_evidence_age_seconds=_criterion(data, "max_evidence_age_seconds"),
            max_idle_seconds=_criterion(data, "max_idle_seconds"),
            max_clock_skew_seconds=_criterion(data, "max_clock_skew_seconds"),
            max_restarts=int(_criterion(data, "max_restarts")),
        )


@dataclass
class Findings:
    """Reasons collected while the evidence is read, and the latest time one of them could be gone."""

    failures: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    ready_times: list[float] = field(default_factory=list)
    ready_unknown: bool = False

    def fail(self, reason: str) -> None:
        """Record something that time does not mend."""
        self.failures.append(reason)

    def wait(self, reason: str, ready_at: float | None = None) -> None:
        """Record something that is missing, and when it could be there (None: nobody can say)."""
        self.waits.append(reason)
        if ready_at is None:
            self.ready_unknown = True
        else:
            self.ready_times.append(ready_at)

    def decision(self, passed: str) -> Decision:
        """The outcome: any failure is ``fail``, else anything missing is ``wait``, else ``pass``."""
        if self.failures:
            return {"outcome": "fail", "reasons": self.failures + self.waits, "ready_at": None}
        if self.waits:
            known = bool(self.ready_times) and not self.ready_unknown
            return {
                "outcome": "wait",
                "reasons": self.waits,
                "ready_at": max(self.ready_times) if known else None,
            }
        return {"outcome": "pass", "reasons": [passed], "ready_at": None}


class Garbled(ValueError):
    """The evidence is there, but a value in it cannot be believed."""


def decide(evidence: Mapping[str, Any], criteria: Mapping[str, Any], now: float) -> Decision:
    """Decide whether a step may start.

    Args:
        evidence: For each node the answer of its control socket to ``status`` (its
            ``evidence`` is the record of the running soak), or None where there is none.
        criteria: See `Criteria`.
        now: The controller's clock in seconds since the epoch.

    Returns:
        The outcome, its reasons and, for ``wait``, the time at which it could pass.
    """
    findings = Findings()
    try:
        wanted = Criteria.parse(criteria)
    except ValueError as error:
        findings.fail(f"the criteria are not usable: {error}; mend gate_criteria in the inventory")
        return findings.decision("")
    if not _finite(now):
        findings.fail("the controller's clock gave no number")
        return findings.decision("")
    for name, mode in wanted.nodes.items():
        status = evidence.get(name)
        if status is None:
            if mode != "legacy" or name in wanted.soaking:
                findings.wait(f"{name}: no evidence; its control socket gave no status")
            continue
        try:
            _judge_node(name, status, mode, wanted, now, findings)
        except Garbled as error:
            findings.fail(f"{name}: the evidence cannot be believed: {error}")
    _judge_releases(evidence, wanted, findings)
    return findings.decision(_summary(wanted))


def _summary(wanted: Criteria) -> str:
    """One sentence for a passed gate."""
    if not wanted.soaking:
        return "first step: nothing has to soak before it"
    return f"{', '.join(wanted.soaking)} soaked for at least {wanted.soak_seconds:g} s without a fault"


def _judge_node(name: str, status: Any, mode: str, wanted: Criteria, now: float, findings: Findings) -> None:
    """Judge one node's status; raises `Garbled` at the first value that is none."""
    if not isinstance(status, Mapping):
        raise Garbled("status is not an object")
    record = status.get("evidence")
    if not isinstance(record, Mapping) or not record:
        findings.wait(f"{name}: the evidence is empty")
        return
    if latched := status.get("latched"):
        why = latched.get("why", "no reason given") if isinstance(latched, Mapping) else latched
        findings.fail(f"{name}: latched ({why}); look at the capture, then acknowledge it")
    for source, found in (("status", status.get("mode")), ("evidence", record.get("mode"))):
        if found != mode:
            findings.fail(f"{name}: {source} says mode {found!r}, expected {mode!r}")
    _judge_clock(name, record, wanted, now, findings)
    _judge_faults(name, record, wanted, findings)
    if name in wanted.soaking:
        _judge_soak(name, record, mode, wanted, now, findings)


def _judge_clock(
    name: str, record: Mapping[str, Any], wanted: Criteria, now: float, findings: Findings
) -> None:
    """Evidence must be fresh, and no clock may have gone backwards."""
    written, started = _number(record, "now"), _number(record, "soak_started")
    age, skew = now - written, wanted.max_clock_skew_seconds
    if age > wanted.max_evidence_age_seconds:
        findings.wait(f"{name}: the newest evidence is {age:.0f} s old")
    if age < -skew:
        findings.wait(f"{name}: its clock is {-age:.1f} s ahead of the controller's")
    if started > written or started > now + skew:
        findings.wait(f"{name}: a clock went backwards: the soak began in the future")
    if record.get("last_call") is None:
        findings.wait(f"{name}: no block has been judged in this soak")
        return
    idle = written - _number(record, "last_call")
    if idle > wanted.max_idle_seconds:
        findings.wait(f"{name}: no block has been judged for {idle:.0f} s")
    if idle < -skew:
        findings.wait(f"{name}: a clock went backwards: the last call lies in the future")


def _judge_faults(name: str, record: Mapping[str, Any], wanted: Criteria, findings: Findings) -> None:
    """Whatever must be zero is zero, and the counters agree with each other."""
    outcomes = record.get("outcomes")
    if not isinstance(outcomes, Mapping):
        raise Garbled("outcomes is not an object")
    counts = {kind: _count(outcomes, kind, "outcomes.") for kind in OUTCOMES}
    if strangers := sorted(set(outcomes) - set(OUTCOMES)):
        raise Garbled(f"unknown outcomes {', '.join(map(str, strangers))}")
    calls = _count(record, "calls")
    if sum(counts.values()) != calls:
        findings.fail(f"{name}: {calls} calls but {sum(counts.values())} outcomes: a call was not counted")
    for kind, words in (
        ("divergence", "divergences"),
        ("rust_error", "Rust errors"),
        ("legacy_error", "legacy errors"),
    ):
        if counts[kind]:
            findings.fail(f"{name}: {counts[kind]} {words} in this soak")
    if accepted := _count(record, "out_of_domain_accepted"):
        findings.fail(
            f"{name}: {accepted} accepted blocks outside the parity domain; Rust cannot follow them"
        )
    if (restarts := _count(record, "restarts")) > wanted.max_restarts:
        findings.fail(
            f"{name}: restarted {restarts} times in this soak, at most {wanted.max_restarts} allowed"
        )


def _judge_soak(
    name: str, record: Mapping[str, Any], mode: str, wanted: Criteria, now: float, findings: Findings
) -> None:
    """The soak is long enough and has seen enough, rejects of several kinds among it."""
    started = _number(record, "soak_started")
    elapsed = _number(record, "now") - started
    if elapsed < wanted.soak_seconds:
        ready = started + wanted.soak_seconds
        findings.wait(f"{name}: soaked {max(elapsed, 0):.0f} of {wanted.soak_seconds:g} s", ready)
    rejected = record.get("rejected")
    if not isinstance(rejected, Mapping):
        raise Garbled("rejected is not an object")
    rejects = {str(code): _count(rejected, code, "rejected.") for code in rejected}
    good = COMPARED_OUTCOME[mode]
    samples = _count(record["outcomes"], good, "outcomes.")
    missing: list[tuple[str, int, int, Callable[[int, int], float | None]]] = [
        (f"calls counted as {good}", samples, wanted.min_calls, _rate_forecast(elapsed, now)),
        ("rejects", sum(rejects.values()), wanted.min_rejects, _rate_forecast(elapsed, now)),
        ("reason codes", sum(n > 0 for n in rejects.values()), wanted.min_reason_codes, lambda *_: None),
    ]
    for words, have, need, forecast in missing:
        if have < need:
            findings.wait(f"{name}: {have} of {need} {words}", forecast(have, need))


def _rate_forecast(elapsed: float, now: float) -> Callable[[int, int], float | None]:
    """When a count reaches its minimum if it goes on at the rate of the soak so far."""

    def forecast(have: int, need: int) -> float | None:
        if have <= 0 or elapsed <= 0:
            return None
        return now + (need - have) * elapsed / have

    return forecast


def _judge_releases(evidence: Mapping[str, Any], wanted: Criteria, findings: Findings) -> None:
    """Nodes that have left legacy run one release: what runs is what was tested."""
    releases: dict[str, str] = {}
    for name, mode in wanted.nodes.items():
        record = _record(evidence.get(name))
        if mode == "legacy" or record is None:
            continue
        release = record.get("release")
        if not isinstance(release, str) or not release:
            findings.fail(f"{name}: the evidence names no release")
        else:
            releases[name] = release
    if len(set(releases.values())) > 1:
        named = ", ".join(f"{name} {release[:12]}" for name, release in releases.items())
        findings.fail(f"the nodes run different releases: {named}")


def _record(status: Any) -> Mapping[str, Any] | None:
    """The evidence inside a status, or None where there is none to read."""
    record = status.get("evidence") if isinstance(status, Mapping) else None
    return record if isinstance(record, Mapping) and record else None


def _finite(value: Any) -> bool:
    """True for a finite int or float; a bool is not a number here."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(record: Mapping[str, Any], key: str) -> float:
    """A finite number of the evidence."""
    value = record.get(key)
    if not _finite(value):
        raise Garbled(f"{key} is {value!r}, not a finite number")
    assert isinstance(value, int | float)
    return float(value)


def _count(record: Mapping[Any, Any], key: Any, where: str = "") -> int:
    """A whole number of at least 0."""
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Garbled(f"{where}{key} is {value!r}, not a count")
    return value


def _criterion(data: Mapping[str, Any], key: str) -> float:
    """A criterion: a finite number of at least 0."""
    value = data.get(key)
    if not _finite(value):
        raise ValueError(f"{key} is {value!r}, not a number")
    assert isinstance(value, int | float)
    if value < 0:
        raise ValueError(f"{key} is negative")
    return float(value)
