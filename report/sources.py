"""From what the toolkit leaves behind (decisions, step journals, statuses) to parts of a run's material."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import MODE_CHANGES, verify_chain
from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import (
    COMPARING,
    ENGINES,
    NEEDED,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import status_reader
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.forms import complaints
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.reading import GarbledError
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.status_reader import NAMED
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.completion import (
    speed as judge_speed,
)
from report.run import Counts, Final, Gate, Histogram, ModeChange, Play, Record, Soak, Speed

_BOTH = ("match", "divergence", "rust_error")
_ALONE = ("alone", "rust_error")
JUDGED_BY_RUST = {
    mode: _BOTH if mode in COMPARING else _ALONE if "rust" in engines else ()
    for mode, engines in NEEDED.items()
}
"""By mode the outcomes of calls in which the Rust engine was asked for a verdict."""
NO_FILE = "is not there"
"""How `node_material_info` ends where a node has no evidence yet."""


def gate(record: Mapping[str, Any], done: Mapping[str, Any] | None = None) -> Gate:
    """A decision as steps/<phase>-<node>.json of its network holds it.

    ``done`` is the record of the step journal that says the step is done, where there is one.
    A soak that cannot be believed is not shown; that it was there is said among the reasons.
    """
    asked = record["criteria"].get("soaking", ())
    soaks, garbled = [], []
    for name, known in record["evidence"].items():
        try:
            evidence = status_reader.read(name, known).record
        except GarbledError as error:
            garbled.append(f"{name}: its soak is not shown, it cannot be believed: {error}")
            continue
        if evidence is not None:
            soaks.append(soak(name, evidence, name in asked))
    return {
        "phase": record["phase"],
        "node": record["node"],
        "mode": record["mode"],
        "target": record["target"],
        "who": done["who"] if done else None,
        "decided": record["decided"],
        "finished": record["finished"],
        "action": record["action"],
        "reasons": [*record["reasons"], *garbled],
        "proven": list((record["gate"] or {}).get("proven", ())),
        "override": _override(record.get("gate_override")),
        "criteria": dict(record["criteria"]),
        "soaks": soaks,
        "record": done["seq"] if done else None,
    }


def _override(found: Mapping[str, Any] | None) -> str | None:
    """An operator's override of a gate, in words."""
    if not found:
        return None
    aside = found.get("set_aside") or ()
    listed = aside if isinstance(aside, str) else ", ".join(map(str, aside))
    text = f"overridden by {found.get('who')}: {found.get('why')}"
    return f"{text} (set aside: {listed})" if listed else text


def soak(node: str, evidence: Mapping[str, Any], asked: bool) -> Soak:
    """What the evidence of a soak, believed, says in the numbers that a gate asks about."""
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
    changes = [record for record in records if record["what"] in MODE_CHANGES and record.get("to")]
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


def final(name: str, state: Mapping[str, Any] | None, legacy_present: bool | None = None) -> Final:
    """A node at the end, from what `node_state.read` gave of it and whether consensus.py still lies there.

    Where it tells what cannot be believed, neither its mode nor what it imports is known.
    """
    if not state:
        return {"mode": None, "release": None, "legacy_imported": None, "legacy_removed": False}
    told = status_reader.reported_by(name, state)
    mode = None if told.wrong and state.get("status") is not None else state.get("mode")
    imported = told.status["engines"]["legacy"]["module_imported"] if told.status else None
    return {
        "mode": mode,
        "release": state.get("release"),
        "legacy_imported": True if imported is None and mode == "legacy" else imported,
        "legacy_removed": legacy_present is False,
    }


def evidence(name: str, kept: Mapping[str, Any] | None) -> tuple[Mapping[str, Any] | None, str]:
    """What a node's evidence file holds, believed, and in words why it is not known; a new node has none.

    Args:
        name: The node.
        kept: What `node_material.read` gave of it, None where it was silent.
    """
    if kept is None:
        return None, f"{name}: its evidence was not read"
    found = kept.get("evidence")
    if found is None:
        error = str(kept.get("evidence_error") or NO_FILE)
        return None, "" if error.endswith(NO_FILE) else f"{name}: its evidence was not read: {error}"
    if wrong := complaints("evidence-file", found):
        return None, f"{name}: its evidence is not shown, it cannot be believed: {'; '.join(wrong[:NAMED])}"
    return found, ""


def latency(evidence: Mapping[str, Any] | None) -> dict[str, Histogram]:
    """The histograms by engine, of believed evidence; without those that nobody filled."""
    found = evidence["latency"] if evidence else {}
    return {engine: found[engine] for engine in ENGINES if engine in found and found[engine]["count"]}


def ratio(evidence: Mapping[str, Any] | None) -> Histogram | None:
    """The histogram of Rust's duration over legacy's, of believed evidence; None without a pair."""
    found: Histogram | None = evidence["ratio"] if evidence else None
    return found if found and found["count"] else None


def speed(name: str, state: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Speed:
    """The gate's verdict on the speed of a node's engines, from what `node_state.read` gave."""
    found, told = judge_speed(name, state, wanted)
    return {"state": found, "told": told}


def counts(evidence: Iterable[Mapping[str, Any] | None], *, of_all: bool = True) -> Counts:
    """What all nodes counted since the wrapper came; see `JUDGED_BY_RUST`.

    Args:
        evidence: What each node's evidence holds, believed; None where it is not known.
        of_all: Whether it is known of every node; otherwise no fault among the rest says nothing.
    """
    totals = [counted for one in evidence if one for counted in one["totals"].items()]
    if not totals:
        return {"rust_calls": None, "compared": None, "divergences": None, "rust_errors": None}
    outcome = {name: sum(counted[name] for _, counted in totals) for name in totals[0][1]}
    return {
        "rust_calls": sum(counted[name] for mode, counted in totals for name in JUDGED_BY_RUST[mode]),
        "compared": outcome["match"] + outcome["divergence"],
        "divergences": outcome["divergence"] or (0 if of_all else None),
        "rust_errors": outcome["rust_error"] or (0 if of_all else None),
    }


def journal_records(text: str) -> tuple[list[dict[str, Any]], str | None]:
    """The records of a step journal, and where its chain breaks, if it does."""
    found = verify_chain(text)
    return found["records"], found["broken"]


def gate_from_journal(node: str, record: Mapping[str, Any]) -> Gate:
    """A step that only the journal knows: who and when, and what the gate said, but not on which soaks."""
    said = record["gate"] or {}
    return {
        "phase": record["phase"],
        "node": node,
        "mode": record["from"],
        "target": record["to"],
        "who": record["who"],
        "decided": record["at"],
        "finished": record["at"],
        "action": "start",
        "reasons": list(said.get("reasons", ())),
        "proven": list(said.get("proven", ())),
        "override": _override(said.get("override")),
        "criteria": {},
        "soaks": [],
        "record": record["seq"],
    }


def shown_record(record: Mapping[str, Any]) -> Record:
    """A record of a step journal as the page shows it."""
    return {
        "seq": record["seq"],
        "at": record["at"],
        "who": record["who"],
        "what": record["what"],
        "why": record["why"],
        "phase": record["phase"],
        "mode": record["from"],
        "target": record["to"],
        "digest": record["digest"],
    }
