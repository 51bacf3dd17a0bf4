"""From what the toolkit leaves behind (decisions, step journals, statuses) to parts of a run's material."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from overview import ENGINES

from report.run import Counts, Final, Gate, Histogram, ModeChange, Play, Soak

MODE_RECORDS = ("step done", "rollback", "complete")
"""Records of the step journal whose ``to`` is the mode that the node was left in."""


def gate(record: Mapping[str, Any], who: str | None = None) -> Gate:
    """A decision as build/steps/<phase>-<node>.json holds it."""
    asked = record["criteria"].get("soaking", ())
    soaks = [
        soak(name, status["evidence"], name in asked)
        for name, status in record["evidence"].items()
        if status and status.get("evidence")
    ]
    return {
        "phase": record["phase"],
        "node": record["node"],
        "mode": record["mode"],
        "target": record["target"],
        "who": who,
        "decided": record["decided"],
        "finished": record["finished"],
        "action": record["action"],
        "reasons": list(record["reasons"]),
        "criteria": dict(record["criteria"]),
        "soaks": soaks,
    }


def soak(node: str, evidence: Mapping[str, Any], asked: bool) -> Soak:
    """What the evidence of a soak says, in the numbers that a gate asks about."""
    return {
        "node": node,
        "mode": evidence["mode"],
        "asked": asked,
        "seconds": max(0.0, evidence["now"] - evidence["soak_started"]),
        "calls": evidence["calls"],
        "accepted": evidence["accepted"],
        "rejects": sum(evidence["rejected"].values()),
        "codes": sum(count > 0 for count in evidence["rejected"].values()),
        "outcomes": dict(evidence["outcomes"]),
        "restarts": evidence["restarts"],
    }


def plays_from_journals(journals: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Play]:
    """The records of all nodes' step journals as one story, oldest first."""
    plays: list[Play] = []
    for node, records in journals.items():
        for record in records:
            phase = f"phase {record['phase']}, " if record.get("phase") else ""
            change = f": {record['from']} -> {record['to']}" if record.get("to") else ""
            plays.append(
                {
                    "at": record["at"],
                    "took": None,
                    "who": record["who"],
                    "what": f"{record['what']} on {node} ({phase}{record['why']}){change}",
                    "exit_status": None,
                    "said": "",
                }
            )
    return sorted(plays, key=lambda play: play["at"])


def modes_from_journal(records: Iterable[Mapping[str, Any]], started: float) -> list[ModeChange]:
    """The modes a node went through; it began in what the first record says it came from."""
    changes = [record for record in records if record["what"] in MODE_RECORDS and record.get("to")]
    first = changes[0]["from"] or "legacy" if changes else "legacy"
    return [
        ModeChange(at=started, mode=first),
        *(ModeChange(at=one["at"], mode=one["to"]) for one in changes),
    ]


def modes_from_gates(gates: Iterable[Gate], node: str, started: float) -> list[ModeChange]:
    """The same from the decisions, where no journal was read."""
    done = sorted(
        (gate["finished"], gate["target"])
        for gate in gates
        if gate["node"] == node and gate["finished"] is not None
    )
    return [
        ModeChange(at=started, mode="legacy"),
        *(ModeChange(at=at, mode=mode) for at, mode in done if at is not None),
    ]


def final(state: Mapping[str, Any] | None) -> Final:
    """A node at the end, from what `node_state.read` gave of it."""
    if not state:
        return {"mode": None, "release": None, "legacy_imported": None, "legacy_removed": False}
    legacy = ((state.get("status") or {}).get("engines") or {}).get("legacy") or {}
    return {
        "mode": state.get("mode"),
        "release": state.get("release"),
        "legacy_imported": legacy.get("module_imported", True if state.get("mode") == "legacy" else None),
        "legacy_removed": bool(state.get("completed")),
    }


def latency(status: Mapping[str, Any] | None) -> dict[str, Histogram]:
    """The histograms of a node's evidence by engine; without those that nobody filled."""
    found = ((status or {}).get("evidence") or {}).get("latency") or {}
    return {engine: found[engine] for engine in ENGINES if _is_histogram(found.get(engine))}


def ratio(status: Mapping[str, Any] | None) -> Histogram | None:
    """The histogram of Rust's duration over legacy's, if the evidence has one."""
    found: Histogram | None = ((status or {}).get("evidence") or {}).get("ratio")
    return found if _is_histogram(found) else None


def _is_histogram(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value.get("count")) and "bounds" in value


def counts(gates: Iterable[Gate], statuses: Mapping[str, Mapping[str, Any] | None]) -> Counts:
    """What all nodes counted: faults since the wrapper came, calls of the soaks that are known."""
    soaks: dict[tuple[str, str], Soak] = {}
    ever: dict[str, int] = {}
    for one in gates:
        soaks |= {(found["node"], found["mode"]): found for found in one["soaks"]}
    for name, status in statuses.items():
        evidence = (status or {}).get("evidence")
        if evidence:
            soaks[name, evidence["mode"]] = soak(name, evidence, asked=False)
            for kind in ("divergence", "rust_error"):
                ever[kind] = ever.get(kind, 0) + evidence["ever"][kind]
    if not soaks:
        return {"calls": None, "compared": None, "divergences": None, "rust_errors": None}
    outcomes = [one["outcomes"] for one in soaks.values()]
    return {
        "calls": sum(one["calls"] for one in soaks.values()),
        "compared": sum(one.get("match", 0) + one.get("divergence", 0) for one in outcomes),
        "divergences": ever.get("divergence"),
        "rust_errors": ever.get("rust_error"),
    }
