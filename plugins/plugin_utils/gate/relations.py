"""What the fields of a status say of each other; read only after each has its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from ...module_utils.vocabulary import ANSWERING, OUTCOMES
from . import durations
from .criteria import GOOD_OUTCOME
from .forms import path_of
from .reading import GarbledError, finite, shown

RUNS = ("release", "python", "libc", "config_fingerprint", "interpreter")
EARLIEST, LATEST = 1e9, 4.1e9
"""A clock that tells a time before 2001 or after 2099 was never set."""
LISTED_GAPS, DEEPEST = 16, 6
SLACK_SECONDS, SLACK_SHARE = 60.0, 0.1
"""How far the steady clock may run ahead of the other one, which small steps set back without a gap."""


def contradictions(name: str, status: Mapping[str, Any]) -> Iterator[str]:
    """Every relation between the fields of a node's status that does not hold, in words."""
    record = status["evidence"]
    if record["node"] != name:
        yield (
            f"evidence.node is {record['node']!r}, not {name!r}: another node answers there, or node in its"
            " wrapper.json is not its name in the inventory"
        )
    mode, answering = status["mode"], status["answering"]
    if answering != ANSWERING[mode]:
        yield f"answering is {answering!r} in mode {mode!r}"
    if not status["engines"][answering]["loaded"]:
        yield f"engines.{answering}.loaded is False, but it answers"
    for fact in RUNS:
        one, other = status["process"].get(fact), record.get(fact)
        if one != other:
            yield f"process.{fact} is {one!r}, evidence.{fact} is {other!r}"
    yield from _latches(status, record)
    if not EARLIEST <= status["since"] <= LATEST:
        yield f"since is {status['since']!r}, no time since 2001"
    yield from _times(record)
    yield from _gaps(record["gaps"])
    yield from _calls(record)
    if record["baseline"] is not None:
        yield from _baseline(record["baseline"])
    if record["determinism"] is not None:
        yield from _durations_of_both(
            record["determinism"].get("durations"), "evidence.determinism.durations"
        )
    yield from _histograms(record, ["evidence"])


def view_contradictions(view: Mapping[str, Any]) -> Iterator[str]:
    """The same of what a node sees of the others' chains."""
    if strangers := [text for text in view["forked"] if text not in view["problems"]]:
        yield f"chain.forked has {strangers[0]!r}, which chain.problems has not"
    if not EARLIEST <= view["at"] <= LATEST:
        yield f"chain.at is {view['at']!r}, no time"
    if "agreed_hash" in view:
        if view["problems"]:
            yield "chain.agreed_hash is there in spite of problems"
        height, lowest = view.get("agreed_height"), min(view["heights"].values(), default=-1)
        if height is None or height > lowest:
            yield f"chain.agreed_height is {height!r} with {lowest} as the lowest tip"


def replay_contradictions(result: Mapping[str, Any]) -> Iterator[str]:
    """The same of a replay's result."""
    yield from _durations_of_both(result.get("durations"), "replay.result.durations")


def _latches(status: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    """Everything that waits for an acknowledgement is in the list of it, and nothing else."""
    self_check, sentinel = record["determinism"], record["sentinel"]
    waiting = {
        "latch": status["latched"] is not None,
        "fork": sentinel is not None and sentinel["latched"] is not None,
        "determinism": self_check is not None and bool(self_check["mismatches"] or self_check["differences"]),
    }
    if "mode_file" in status:  # older wrappers do not tell of it
        problem = status["mode_file"]["problem"]
        waiting["mode_file"] = problem is not None and problem["kind"] in ("damaged", "missing")
    listed = {item["kind"] for item in status["unacknowledged"]}
    for kind, waits in waiting.items():
        if waits and kind not in listed:
            yield f"unacknowledged lacks the {kind} that the rest of the status tells of"
        if not waits and kind in listed:
            yield f"unacknowledged has a {kind} of which the rest of the status tells nothing"


def _times(record: Mapping[str, Any]) -> Iterator[str]:
    for name in ("now", "soak_started", "process_started", "flushed", "last_call"):
        if record[name] is not None and not EARLIEST <= record[name] <= LATEST:
            yield f"evidence.{name} is {record[name]!r}, no time since 2001"
    apart = record["process_started"] - record["soak_started"]
    gaps = record["gaps"]
    set_back = gaps["count"] > len(gaps["recent"]) or any(gap["to"] < gap["from"] for gap in gaps["recent"])
    if record["restarts"] == 0 and abs(apart) > 1:
        yield f"evidence.process_started is {apart:g} s after soak_started without a restart"
    if record["restarts"] and apart <= 0 and not set_back:
        yield f"evidence.process_started is {-apart:g} s before soak_started, and no clock was set back"
    elapsed = record["now"] - record["soak_started"]
    if elapsed >= 0 and not set_back:
        most = elapsed + max(SLACK_SECONDS, SLACK_SHARE * elapsed)
        if record["observed_seconds"] > most:
            yield f"evidence.observed_seconds is {record['observed_seconds']:g} in a soak of {elapsed:.0f} s"


def _gaps(gaps: Mapping[str, Any]) -> Iterator[str]:
    listed, total, seconds = gaps["recent"], gaps["count"], gaps["seconds"]
    if len(listed) != min(total, LISTED_GAPS):
        yield f"evidence.gaps.count is {total}, but evidence.gaps.recent has {len(listed)} of them"
    for gap in listed:
        if not (EARLIEST <= gap["from"] <= LATEST and EARLIEST <= gap["to"] <= LATEST):
            yield f"evidence.gaps.recent has one from {gap['from']!r} to {gap['to']!r}"
    known = sum(max(gap["to"] - gap["from"], 0.0) for gap in listed)
    if seconds < known - 0.01 or (total == len(listed) and seconds > known + 0.01):
        yield f"evidence.gaps.seconds is {seconds:g}, those listed last {known:g} s"


def _calls(record: Mapping[str, Any]) -> Iterator[str]:
    """Counters that count the same calls in two ways."""
    outcomes, calls = record["outcomes"], record["calls"]
    yield from _strangers(outcomes, "evidence.outcomes")
    for parts, whole in (("divergence_kinds", "divergence"), ("skipped", "skipped")):
        if (total := sum(record[parts].values())) != outcomes[whole]:
            yield f"evidence.{parts} add up to {total}, not to the {outcomes[whole]} outcomes"
    if record["out_of_domain_accepted"] > record["skipped"].get("out_of_domain", 0):
        yield "evidence.out_of_domain_accepted is more than were skipped as out_of_domain"
    answered = record["accepted"] + sum(record["rejected"].values())
    fewest = outcomes["match"] + outcomes["alone"]
    if not fewest <= answered <= calls:
        yield (
            f"evidence.accepted and evidence.rejected are {answered} answers to {calls} calls,"
            f" {fewest} of which ended well"
        )
    for code, n in record["rejects_compared"].items():
        if n > record["rejected"].get(code, 0):
            yield f"evidence.rejects_compared.{code} is {n}, more than were rejected"
    if (pairs := record["ratio"]["count"]) > min(record["accepted"], outcomes["match"]):
        yield f"evidence.ratio has {pairs} pairs, more than both engines accepted"
    if (pairs := record["reject_ratio"]["count"]) > sum(record["rejects_compared"].values()):
        yield f"evidence.reject_ratio has {pairs} pairs, more than both engines rejected"
    yield from _durations(record, "evidence", min(record["accepted"], outcomes["match"]))
    for kind, n in record["ever"].items():
        if n < outcomes.get(kind, 0):
            yield f"evidence.ever.{kind} is {n}, less than in this soak"


def _baseline(baseline: Mapping[str, Any]) -> Iterator[str]:
    outcomes, calls, where = baseline["outcomes"], baseline["calls"], "evidence.baseline"
    yield from _strangers(outcomes, f"{where}.outcomes")
    if baseline["mode"] not in GOOD_OUTCOME:
        yield f"{where}.mode is {baseline['mode']!r}"
    if sum(outcomes.values()) != calls:
        yield f"{where}: {calls} calls but {sum(outcomes.values())} outcomes"
    pairs = baseline["ratio"]["count"] + sum(baseline["rejects_compared"].values())
    if pairs > outcomes["match"]:
        yield f"{where}.ratio and {where}.rejects_compared are {pairs}, more than both engines judged alike"
    yield from _durations(baseline, where, outcomes["match"])


def _strangers(outcomes: Mapping[str, int], where: str) -> Iterator[str]:
    if strangers := sorted(set(outcomes) - set(OUTCOMES)):
        yield f"{where}: unknown outcomes {', '.join(strangers)}"


def _durations(record: Mapping[str, Any], where: str, alike: int) -> Iterator[str]:
    """Durations by the clock, and those of the accepts that both engines judged alike."""
    for engine, buckets in record["latency"].items():
        if sum(buckets) > record["calls"]:
            yield f"{where}.latency.{engine} has {sum(buckets)} durations of {record['calls']} calls"
    yield from _durations_of_both(record.get("durations"), f"{where}.durations", alike)


def _durations_of_both(found: Any, where: str, most: int | None = None) -> Iterator[str]:
    try:
        measured = durations.read(found, where)
    except GarbledError as error:
        yield str(error)
        return
    if measured is not None and most is not None and measured.cpu.pairs > most:
        yield f"{where} has {measured.cpu.pairs} pairs, more than both engines accepted"


def _histograms(value: Any, path: list[Any]) -> Iterator[str]:
    """Every histogram in it: its edges rise, and its buckets are as many and as full as it says."""
    if not isinstance(value, Mapping) or len(path) > DEEPEST:
        return
    bounds, counts = value.get("bounds"), value.get("counts")
    if isinstance(bounds, list) and isinstance(counts, list) and all(map(finite, bounds)):
        if not bounds or any(a >= b for a, b in pairwise(bounds)):
            yield f"{path_of(path)} has edges that do not rise"
        if len(counts) != len(bounds) + 1:
            yield f"{path_of(path)} has {len(counts)} counts for {len(bounds)} bounds"
    buckets = list(counts.values()) if isinstance(counts, Mapping) else counts
    total = sum(buckets) if isinstance(buckets, list) and all(map(finite, buckets)) else None
    if total is not None and value.get("count", total) != total:
        yield f"{path_of(path)}.count is {shown(value['count'])}, its counts add up to {total}"
    for name, item in value.items():
        yield from _histograms(item, [*path, name])
