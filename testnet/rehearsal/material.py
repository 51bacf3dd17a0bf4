"""What the page of a rehearsal tells: the nodes' own story, and what only a rehearsal measures."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from report import migration
from report.run import Blocks, ModeChange, Play, Run
from testnet.rehearsal.kinds import REFERENCE_KIND, Kind
from testnet.rehearsal.operator import PlaybookRun
from testnet.rehearsal.summary import Summary

BIN = 5.0  # seconds of a bin of the block production


def assemble(
    folder: Path,
    nodes: Mapping[str, Any],
    decisions: Iterable[Mapping[str, Any]],
    summary: Summary,
    plays: Sequence[PlaybookRun],
    span: tuple[float, float],
    kind: Kind = REFERENCE_KIND,
) -> Run:
    """The material of a rehearsal.

    Args:
        folder: The rehearsal's folder, with the nodes' databases and the users' requests.json as far as they
            were read; captures are copied below it.
        nodes: What playbooks/report.yml read from the nodes.
        decisions: The decisions of this rehearsal.
        summary: Its summary.
        plays: What was typed.
        span: First and last moment, in seconds since the epoch.
        kind: The nodes.
    """
    run = migration.assemble(nodes, decisions, folder)
    figures = summary.as_dict()
    requests = _read(folder / "requests.json")
    databases = {name: folder / f"{name}-final.db" for name in run["nodes"]}
    started, finished = span
    return {
        **run,
        "kind": "rehearsal",
        "network": "the local test network",
        "result": summary.result,
        "reason": summary.reason,
        "started": started,
        "finished": finished,
        "plays": [as_play(play) for play in plays],
        "counts": {**run["counts"], "in_soaks": figures["blocks"]["compared"]},
        "modes": {name: begun_at(started, changes) for name, changes in run["modes"].items()},
        "restarts": figures["restarts"],
        "blocks": {
            name: block_production(path, kind.receipts, started, finished)
            for name, path in databases.items()
            if path.exists()
        },
        "clients": requests.get("timeline", {}),
        "users": figures["requests"] if figures["requests"]["total"] else None,
        "transactions": figures["transactions"] if requests else None,
        "reorgs": figures["reorgs"] if requests else None,
        "forks": figures["forks"] if requests else None,
    }


def begun_at(started: float, changes: Sequence[ModeChange]) -> list[ModeChange]:
    """The modes of a node, the first of them from the rehearsal's first moment on."""
    return [{**changes[0], "at": started}, *changes[1:]] if changes else []


def as_play(play: PlaybookRun) -> Play:
    """A playbook as a line of the page."""
    return {
        "at": play.started,
        "took": play.finished - play.started,
        "who": "the rehearsal",
        "what": play.command,
        "exit_status": play.exit_status,
        "said": "" if play.last_words == "no message" else play.last_words[:500],
    }


def block_production(database: Path, receipts: str, started: float, finished: float) -> Blocks:
    """When a node first stored each block, in bins from the start on."""
    counts = [0] * (int((finished - started) / BIN) + 1)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        for (received_at,) in connection.execute(receipts):
            if started <= received_at <= finished:
                counts[int((received_at - started) / BIN)] += 1
    return {"start": started, "bin_s": BIN, "counts": counts}


def _read(path: Path) -> dict[str, Any]:
    """A JSON file of the rehearsal; empty where it was never written."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found
