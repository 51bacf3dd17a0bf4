"""What the gate makes of the speed of both engines; the verdict itself is in `performance`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.vocabulary import COMPARING
from . import durations
from .criteria import Criteria
from .durations import Measured
from .findings import Findings
from .forecast import forecast
from .performance import judge, tell
from .reading import part
from .replay import Replay


def judge_latency(
    name: str,
    record: Mapping[str, Any],
    mode: str,
    replay: Replay | None,
    criteria: Criteria,
    now: float,
    findings: Findings,
) -> None:
    """In `shadow` and `rust` the soak itself, in `final` the baseline that was frozen before it."""
    if mode in COMPARING:
        _judge_soak(name, record, replay, criteria, now, findings)
    elif mode == "final":
        _judge_baseline(name, record, findings)


def replayed(self_check: Any, release: Any, by_replay: Measured | None) -> Measured | None:
    """Durations of blocks judged again on a node with this release: the self-check's and a replay's.

    Args:
        self_check: What the evidence holds of the self-check.
        release: The release in force.
        by_replay: What a replay with this release has measured.

    Raises:
        GarbledError: They are there, and a value in them cannot be believed.
    """
    by_self_check = None
    if isinstance(self_check, Mapping) and self_check.get("release") == release:
        by_self_check = durations.read(self_check.get("durations"), "determinism.durations")
    return durations.together([one for one in (by_replay, by_self_check) if one is not None])


def _judge_soak(
    name: str,
    record: Mapping[str, Any],
    replay: Replay | None,
    criteria: Criteria,
    now: float,
    findings: Findings,
) -> None:
    live = durations.read(record.get("durations"), "durations")
    again = _replayed(record, None if replay is None else replay.measured)
    verdict = judge(live, again, criteria.max_latency_ratio, criteria.confidence, criteria.min_latency_pairs)
    for told in verdict.told:
        findings.prove(f"{name}: {told}")
    if verdict.state == "slower":
        findings.fail("slow", name, verdict.why)
    elif verdict.state != "met":
        old = "; its wrapper is of before processor time was measured" if live is None else ""
        coming, ready_at = "", None
        if verdict.state == "too few":
            coming, ready_at = _coming(record, again, criteria, now)
        findings.wait("pairs", name, verdict.why + old + coming, ready_at)


def _coming(
    record: Mapping[str, Any], again: Measured | None, criteria: Criteria, now: float
) -> tuple[str, float | None]:
    """When enough pairs are there at the rate of the self-check, which alone goes on by itself.

    What a self-check has was gathered in this soak or before it, so at the earliest then.
    """
    mine = _replayed(record, None)
    have, gathered = (0 if one is None else one.cpu.pairs for one in (again, mine))
    missing, elapsed = criteria.min_latency_pairs - have, record["now"] - record["soak_started"]
    coming, ready_at = forecast(gathered, gathered + missing, elapsed, now)
    return f"; {coming}", ready_at


def _replayed(record: Mapping[str, Any], by_replay: Measured | None) -> Measured | None:
    return replayed(record.get("determinism"), record.get("release"), by_replay)


def _judge_baseline(name: str, record: Mapping[str, Any], findings: Findings) -> None:
    """In `final` nothing is left to compare with: what was measured before must be there, of this build."""
    if record.get("baseline") is None:
        findings.wait(
            "baseline", name, "no baseline was frozen at the end of phase 2; go back to rust and soak"
        )
        return
    baseline = part(record, "baseline")
    if baseline.get("release") != record.get("release"):
        text = "the baseline is of another release; go back to rust and soak with this one"
        findings.wait("baseline", name, text)
        return
    live = durations.read(baseline.get("durations"), "baseline.durations")
    for told in tell(live, _replayed(record, None)):
        findings.prove(f"{name}: before final: {told}")
