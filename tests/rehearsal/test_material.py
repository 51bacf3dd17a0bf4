"""The page of a rehearsal tells what the rehearsal measured, and not more."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from report.migration import save
from report.run import check
from testnet.rehearsal.kinds import REFERENCE_KIND
from testnet.rehearsal.material import BIN, assemble, block_production
from testnet.rehearsal.operator import Operator, PlaybookRun
from testnet.rehearsal.summary import Summary
from testnet.users.ledger import Entry, report

START = 1000.0
NODES: dict[str, Any] = {
    "schema": 1,
    "read_at": 1100.0,
    "network": "inventory/local",
    "nodes": {"node1": {"state": None, "material": None}, "node2": {"state": None, "material": None}},
}


def database(path: Path, *rows: tuple[str, float]) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE blocks (seq INTEGER PRIMARY KEY, hash TEXT, raw BLOB, received_at REAL)")
        db.executemany("INSERT INTO blocks (hash, raw, received_at) VALUES (?, '', ?)", rows)


def a_play(status: int = 0, words: str = "no message") -> PlaybookRun:
    return PlaybookRun(
        "ansible-playbook playbooks/phase1.yml", status, START, START + 9, Path("x.log"), words
    )


def test_a_block_counts_when_it_was_first_stored(tmp_path: Path) -> None:
    path = tmp_path / "node1-final.db"
    database(path, ("a", 1001.0), ("b", 1001.5), ("a", 1001.0 + 2 * BIN), ("early", 900.0), ("late", 2000.0))
    assert block_production(path, REFERENCE_KIND.receipts, START, START + 3 * BIN)["counts"] == [2, 0, 0, 0]


def test_given_a_whole_rehearsal_then_its_figures_are_on_the_page(tmp_path: Path) -> None:
    database(tmp_path / "node1-final.db", ("a", 1001.0))
    ledger = report([Entry(1002.0, "node1", "new", "GET", "/health", 0.01)])
    (tmp_path / "requests.json").write_text(json.dumps(ledger))
    summary = Summary(result="complete", reason="every step done", requests=ledger["requests"])
    run = assemble(tmp_path, NODES, [], summary, [a_play(words="done")], (START, 1100.0))
    check(run)
    assert (run["kind"], run["result"]) == ("rehearsal", "complete")
    assert run["clients"]["node1"]["bins"][0]["requests"] == 1
    assert run["users"] == ledger["requests"]
    assert set(run["blocks"]) == {"node1"}
    assert run["plays"][0]["said"] == "done"
    assert (run["started"], run["finished"]) == (START, 1100.0)
    assert run["counts"]["in_soaks"] == summary.blocks["compared"]
    assert save(run, tmp_path).read_text().count("not measured") >= 4


@pytest.mark.parametrize("status", [0, 2])
def test_given_a_rehearsal_that_ended_early_then_what_it_did_not_measure_is_none(
    tmp_path: Path, status: int
) -> None:
    summary = Summary(result="halted", reason="phase 1 on node1: refused")
    run = assemble(tmp_path, NODES, [], summary, [a_play(status)], (START, 1010.0))
    check(run)
    assert (run["users"], run["transactions"], run["forks"], run["clients"]) == (None, None, None, {})
    assert run["plays"][0]["exit_status"] == status
    assert run["plays"][0]["said"] == ""


def test_the_operator_remembers_what_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ansible-playbook"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr("testnet.rehearsal.operator.sys.executable", str(tmp_path / "python"))
    operator = Operator(tmp_path / "logs")
    operator.play("status", "-v")
    (run,) = operator.runs
    assert (run.command, run.exit_status) == ("ansible-playbook playbooks/status.yml -v", 3)
