"""A migration on a machine whose cores are all busy: the gates judge the engine, and users notice nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from testnet.lab import network
from testnet.lab.plan import ROOT

pytestmark = [pytest.mark.droplets, pytest.mark.soak]

LIMIT = 2700  # seconds; every play takes several times as long as on a quiet machine


@pytest.fixture(scope="module")
def busy() -> Iterator[tuple[int, dict[str, Any]]]:
    """Exit status and summary of a rehearsal on busy cores; its network goes with it."""
    done = subprocess.run(
        [sys.executable, "-m", "testnet.rehearsal", "--load", "busy"], cwd=ROOT, timeout=LIMIT
    )
    yield done.returncode, json.loads((ROOT / "build/rehearsal/summary.json").read_text())
    network.down()


def test_given_busy_cores_then_every_gate_passes_and_the_migration_is_complete(
    busy: tuple[int, dict[str, Any]],
) -> None:
    status, summary = busy
    assert (status, summary["result"]) == (0, "complete"), summary["reason"]
    assert [step["gate"] for step in summary["steps"]] == ["pass"] * 6
    assert summary["final_mode"] == {"node1": "final", "node2": "final"}


def test_given_busy_cores_then_no_request_failed_and_nothing_was_lost(
    busy: tuple[int, dict[str, Any]],
) -> None:
    summary = busy[1]
    assert summary["requests"]["total"] > 0
    assert summary["requests"]["failed"] == 0
    assert (summary["transactions"]["lost"], summary["blocks"]["lost"], summary["forks"]) == (0, 0, 0)


def test_given_busy_cores_then_the_page_says_of_both_nodes_that_the_engine_is_as_fast(
    busy: tuple[int, dict[str, Any]],
) -> None:
    run = json.loads((ROOT / "build/rehearsal/run.json").read_text())
    assert {name: found["state"] for name, found in run["speed"].items()} == {"node1": "met", "node2": "met"}
