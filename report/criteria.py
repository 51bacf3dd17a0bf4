"""The plan's six criteria of success, each with what was measured.

A criterion is met, not met, or not measured: what nobody looked at is never called met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.quantiles import quantile
from report.histogram import merged
from report.run import Run

Verdict = Literal["met", "not met", "not measured"]


@dataclass(frozen=True)
class Criterion:
    """One criterion, whether it holds, the evidence in words, and what elsewhere seems to contradict it."""

    name: str
    verdict: Verdict
    evidence: str
    note: str = ""


def judge(run: Run) -> list[Criterion]:
    """All six, in the plan's order."""
    return [
        _on_rust(run),
        _zero("Zero divergences", run["counts"]["divergences"], run["counts"]["compared"], "divergences"),
        _zero("Zero Rust errors", run["counts"]["rust_errors"], run["counts"]["rust_calls"], "Rust errors"),
        _performance(run),
        _no_downtime(run),
        _removable(run),
    ]


def _on_rust(run: Run) -> Criterion:
    name = "Both nodes on Rust"
    modes = {node: run["final"][node]["mode"] for node in run["nodes"] if node in run["final"]}
    if len(modes) < len(run["nodes"]) or None in modes.values():
        silent = [node for node in run["nodes"] if modes.get(node) is None]
        return Criterion(name, "not measured", f"the mode of {', '.join(silent)} was not read")
    told = ", ".join(f"{node} in {mode}" for node, mode in modes.items())
    return Criterion(name, "met" if set(modes.values()) == {"final"} else "not met", told)


def _zero(name: str, found: int | None, among: int | None, what: str) -> Criterion:
    if found is None and among:
        told = f"no {what} in {among:,} blocks of the nodes whose evidence is known; that of others is not"
        return Criterion(name, "not measured", told)
    if found is None or (not found and not among):
        return Criterion(name, "not measured", f"nothing was judged in which {what} could have shown")
    judges = "both engines" if what == "divergences" else "Rust"
    told = f"{found:,} {what} in {among or 0:,} blocks that {judges} judged"
    return Criterion(name, "not met" if found else "met", told)


def _performance(run: Run) -> Criterion:
    """The gate's verdict on every node; the worst of them counts."""
    name, found = "Performance equal or better", run.get("speed", {})
    states = {one["state"] for one in found.values()}
    told = "; ".join(one["told"] for one in found.values())
    if not found:
        return Criterion(name, "not measured", "nobody judged the processor time of both engines")
    if "not met" in states:
        return Criterion(name, "not met", told)
    return Criterion(name, "met" if states == {"met"} else "not measured", told, _single_pairs(run))


def _single_pairs(run: Run) -> str:
    """Why Rust may be slower block by block and not as an engine; empty where single blocks say the same."""
    ratio = merged(run["ratio"].values())
    if ratio is None:
        return ""
    middle, high = (quantile(ratio, share) for share in (0.5, 0.99))
    if high is not None and high <= 1:
        return ""
    return (
        f"Block by block and by the clock Rust took {_times(middle)} as long as Python at the median and "
        f"{_times(high)} at the 99th percentile of {ratio['count']:,} pairs. That does not contradict the "
        "verdict: where the machine interrupts one of the two judgements, that alone makes the ratio of the "
        "pair. The criterion compares all of Rust's durations with all of Python's, in processor time: "
        "there, what interrupts falls on both alike."
    )


def _times(value: float | None) -> str:
    return "more than 1,000 times" if value is None else f"{value:.2f} times"


def _no_downtime(run: Run) -> Criterion:
    name, users = "No downtime seen by users", run["users"]
    if not users or not users.get("total"):
        return Criterion(name, "not measured", "no ledger of users' requests belongs to this run")
    told = (
        f"{users['failed']:,} of {users['total']:,} requests failed; "
        f"the slowest took {users['slowest_s']:.2f} s; restarts: {len(run['restarts'])}"
    )
    return Criterion(name, "not met" if users["failed"] else "met", told)


def _removable(run: Run) -> Criterion:
    name = "Legacy code removable"
    ends = {node: run["final"].get(node) for node in run["nodes"]}
    if all(end and end["legacy_removed"] for end in ends.values()):
        return Criterion(name, "met", "it is removed on every node")
    parts, verdicts = [], set()
    for node, end in ends.items():
        if end is not None and end["legacy_removed"]:
            parts.append(f"{node}: removed")
        elif end is None or end["mode"] is None or end["legacy_imported"] is None:
            verdicts.add("not measured")
            parts.append(f"{node} did not say whether the module is imported")
        elif end["mode"] == "final" and not end["legacy_imported"]:
            parts.append(f"{node}: module not imported")
        else:
            verdicts.add("not met")
            parts.append(f"{node} in {end['mode']} still has it loaded")
    verdict: Verdict = "met"
    if verdicts:
        verdict = "not met" if "not met" in verdicts else "not measured"
    return Criterion(name, verdict, "; ".join(parts))
