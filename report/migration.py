"""`python -m report.migration FOLDER STEPS`: the page of a migration, from what the nodes hold.

FOLDER holds nodes.json, which playbooks/report.yml reads from the nodes, and gets run.json, report.html and
copies of the captures. STEPS is the controller's cache of decisions; the step journals know the steps even
where it is empty, but not the soaks they were decided on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import clock
from report import sources
from report.criteria import judge
from report.page import write
from report.run import Divergence, Gate, Journal, MaterialError, ModeChange, Run


def assemble(nodes: Mapping[str, Any], decisions: Iterable[Mapping[str, Any]], folder: Path) -> Run:
    """The material of a migration.

    Args:
        nodes: What nodes.json holds.
        decisions: Decisions as steps/ of the network holds them.
        folder: Where the page will lie; captures are copied below it.
    """
    found: Mapping[str, Mapping[str, Any]] = nodes["nodes"]
    kept = {name: node["material"] or {} for name, node in found.items()}
    journals = {
        name: sources.journal_records(one["journal"]) for name, one in kept.items() if one.get("journal")
    }
    records = {name: journal[0] for name, journal in journals.items()}
    gates = _gates(decisions, records)
    finished = float(nodes["read_at"])
    started = min([finished, *_moments(gates, records)])
    ends = {
        name: sources.final(name, node["state"], kept[name].get("legacy_present"))
        for name, node in found.items()
    }
    done = all(end["mode"] == "final" for end in ends.values())
    read = {name: sources.evidence(name, node["material"]) for name, node in found.items()}
    evidence = {name: one for name, (one, _) in read.items()}
    unknown = [why for _, why in read.values() if why]
    return {
        "schema": 1,
        "kind": "migration",
        "network": nodes["network"],
        "result": "complete" if done else "under way",
        "reason": "; ".join(["every node is in final" if done else _where(ends), *unknown]),
        "started": started,
        "finished": finished,
        "nodes": list(found),
        "plays": sources.plays_from_journals(records),
        "gates": gates,
        "modes": {name: _modes(name, records.get(name), gates, started) for name in found},
        "latency": {name: latency for name, one in evidence.items() if (latency := sources.latency(one))},
        "ratio": {name: ratio for name, one in evidence.items() if (ratio := sources.ratio(one))},
        "speed": {
            name: sources.speed(name, node["state"], nodes.get("criteria") or {})
            for name, node in found.items()
        },
        "divergences": _divergences(kept, folder),
        "counts": sources.counts(evidence.values(), of_all=not unknown),
        "final": ends,
        "journal": {name: Journal(records=len(own), broken=why) for name, (own, why) in journals.items()},
        "records": {name: [sources.shown_record(one) for one in own] for name, own in records.items()},
        "restarts": [],
        "blocks": {},
        "clients": {},
        "users": None,
        "transactions": None,
        "reorgs": None,
        "forks": None,
    }


def read_decisions(folder: Path, since: float = 0.0) -> list[dict[str, Any]]:
    """Decisions in a folder, in the order of the migration; those before ``since`` belong to another run.

    Raises:
        MaterialError: A file there is no decision.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_text())
            if record["decided"] >= since:
                found.append(record)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MaterialError(f"{path} is no decision: {error!r}") from error
    return sorted(found, key=lambda record: (record["phase"], record["decided"]))


def _gates(
    decisions: Iterable[Mapping[str, Any]], records: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Gate]:
    """The cached decisions, and from the journals the steps that are not among them."""
    done = {
        (record["phase"], name): record
        for name, own in records.items()
        for record in own
        if record["what"] == "step done"
    }
    gates = []
    for decision in decisions:
        record = done.pop((decision["phase"], decision["node"]), None)
        gates.append(sources.gate(decision, record))
    gates += [sources.gate_from_journal(name, record) for (_, name), record in done.items()]
    return sorted(gates, key=lambda gate: gate["decided"])


def _modes(
    node: str, records: Sequence[Mapping[str, Any]] | None, gates: Sequence[Gate], started: float
) -> list[ModeChange]:
    """The modes of a node over time: the journal knows them best."""
    if records:
        return sources.modes_from_journal(records, started)
    return sources.modes_from_gates(gates, node, started)


def _moments(gates: Sequence[Gate], records: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[float]:
    return [gate["decided"] for gate in gates] + [own[0]["at"] for own in records.values() if own]


def _where(ends: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} is in {end['mode'] or 'an unknown mode'}" for name, end in ends.items())


def _divergences(kept: Mapping[str, Mapping[str, Any]], folder: Path) -> list[Divergence]:
    """Every capture, its copy written below the page's folder."""
    rows: list[Divergence] = []
    for node, one in kept.items():
        for capture in one.get("captures", ()):
            copy = folder / "captures" / node / Path(capture["name"]).name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(capture["text"])
            rows.append(
                {
                    "node": node,
                    "at": capture["at"],
                    "kind": _kinds(capture["text"]),
                    "capture": copy.name,
                    "href": str(copy.relative_to(folder)),
                }
            )
    return sorted(rows, key=lambda row: row["at"] or 0.0)


def _kinds(text: str) -> str:
    try:
        return ", ".join(json.loads(text)["kinds"])
    except (ValueError, KeyError, TypeError):
        return "unreadable"


def save(run: Run, folder: Path) -> Path:
    """Write run.json and report.html into a folder; returns the page.

    Raises:
        MaterialError: The material has another form.
        OSError: The folder cannot be written.
    """
    page = write(run, folder / "report.html")
    (folder / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    return page


def summary_lines(run: Run, page: Path) -> list[str]:
    """What to say at the terminal: the criteria, and where the page is."""
    verdicts = [f"{one.verdict:<14}{one.name}: {one.evidence}" for one in judge(run)]
    return [f"{run['kind']} {run['result']}, as of {clock(run['finished'])} UTC", *verdicts, f"page: {page}"]


def main(arguments: Sequence[str]) -> int:
    """Make the page: 0, or 2 for material that is none."""
    parser = argparse.ArgumentParser(prog="python -m report.migration", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("steps", type=Path)
    options = parser.parse_args(arguments)
    try:
        nodes = json.loads((options.folder / "nodes.json").read_text())
        run = assemble(nodes, read_decisions(options.steps), options.folder)
        page = save(run, options.folder)
    except (MaterialError, OSError, ValueError, KeyError) as error:
        print(f"no page can be made: {error!r}", file=sys.stderr)
        return 2
    print("\n".join(summary_lines(run, page)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
