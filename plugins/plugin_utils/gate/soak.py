"""Whether a soak is long enough and has seen enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.vocabulary import COMPARING
from ..messages.typed_run import command
from .bounds import highest_rate
from .criteria import GOOD_OUTCOME, Criteria
from .findings import Findings
from .forecast import forecast, moment
from .replay import Replay
from .rules import Rules


def judge_time(
    name: str, record: Mapping[str, Any], criteria: Criteria, now: float, findings: Findings
) -> None:
    """Continuous healthy time: from the last break on, and only what a process has observed."""
    since, broken = _continuous_since(record, criteria)
    elapsed = max(0.0, min(record["now"] - since, record["observed_seconds"]))
    if elapsed < criteria.soak_seconds:
        ready_at = now + criteria.soak_seconds - elapsed
        text = f"soaked {elapsed:.0f} of {criteria.soak_seconds:g} s{broken}; there {moment(ready_at)}"
        findings.wait("soak", name, text, ready_at)


def _continuous_since(record: Mapping[str, Any], criteria: Criteria) -> tuple[float, str]:
    """When the soak last began anew, and in words what broke it."""
    since, broken = record["soak_started"], ""
    restarts, started, gaps = record["restarts"], record["process_started"], record["gaps"]
    if restarts > criteria.max_restarts and started > since:
        since = started
        broken = f", from the last of {restarts} restarts on (at most {criteria.max_restarts:g} allowed)"
    hidden = gaps["count"] > len(gaps["recent"])
    for place, gap in enumerate(gaps["recent"]):
        began, ended = gap["from"], gap["to"]
        too_long = ended - began > criteria.max_gap_seconds or ended < began or (hidden and place == 0)
        if too_long and ended > since:
            since, broken = ended, f", from a gap on ({gap['why']}, {max(ended - began, 0):.0f} s)"
    return since, broken


def judge_samples(
    name: str,
    record: Mapping[str, Any],
    mode: str,
    rules: Rules,
    replay: Replay | None,
    criteria: Criteria,
    now: float,
    findings: Findings,
) -> None:
    """Calls and rejects of live traffic; reason codes of it and of a replay, each said apart."""
    elapsed = record["now"] - record["soak_started"]
    good = GOOD_OUTCOME[mode]
    samples = record["outcomes"][good]
    comparing = mode in COMPARING
    live = record["rejects_compared" if comparing else "rejected"]
    codes = {code for code, n in live.items() if n}
    for words, have, need in (
        (f"calls counted as {good}", samples, criteria.min_calls),
        (
            "rejects that both engines gave" if comparing else "rejects",
            sum(live.values()),
            criteria.min_rejects,
        ),
    ):
        if have < need:
            coming, ready_at = forecast(have, need, elapsed, now)
            findings.wait("samples", name, f"{have} of {need:g} {words}; {coming}", ready_at)
    replayed = replay.rejects if replay is not None and comparing else frozenset()
    if len(codes | replayed) < (needed := rules.codes(criteria)):
        text = (
            f"{len(codes | replayed)} of {needed:g} reason codes"
            f" ({len(codes)} live, {len(replayed - codes)} more by a replay)"
        )
        if rules.header:
            text += " of the header profile"
        if not rules.has_log:
            text += "; only live blocks bring them, as the node keeps no log to replay"
        elif comparing and replay is None:
            text += f"; {command('replay', name)} brings those that live traffic does not"
        findings.wait("coverage", name, text)
    if comparing:
        _prove(name, samples, len(codes), rules, replay, criteria, findings)


def _prove(
    name: str,
    samples: int,
    codes: int,
    rules: Rules,
    replay: Replay | None,
    criteria: Criteria,
    findings: Findings,
) -> None:
    """The honest bound of what was compared, live traffic apart from the replay."""
    percent = round(criteria.confidence * 100)
    rate = highest_rate(samples, criteria.confidence)
    text = f"{name}: 0 in {samples:,} blocks: at most {rate:.2g} at {percent} %"
    if samples:
        text = f"{name}: 0 in {samples:,} blocks: at most {_percent(rate)} at {percent} %"
    findings.prove(f"{text}; {codes} reason codes live")
    if not rules.has_log:
        findings.prove(f"{name}: no log of blocks to replay: shown by live blocks and the self-check alone")
    if replay is not None:
        rate = highest_rate(replay.compared, criteria.confidence)
        findings.prove(
            f"{name}: replay: {replay.divergences} in {replay.compared:,} blocks and mutants:"
            f" at most {_percent(rate)} at {percent} %; {len(replay.rejects)} reason codes"
        )


def _percent(rate: float) -> str:
    return f"{rate * 100:.2g} %"
