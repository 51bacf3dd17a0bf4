"""A rehearsal that cannot fail proves nothing: a wrong rule in the wheel halts it before node 2."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report.schemas import validator
from testnet.lab import network
from testnet.lab.plan import MONITOR, NODES, ROOT
from testnet.rehearsal.dashboard import ask
from testnet.rehearsal.droplet import Remote

pytestmark = pytest.mark.droplets

LIMIT = 600  # seconds for the whole of it, the building of the fault wheel included


@pytest.fixture(scope="module")
def halted() -> Iterator[tuple[int, dict[str, Any]]]:
    """Exit status and summary of a rehearsal with the fault `divergence`; its network goes with it."""
    command = [sys.executable, "-m", "testnet.rehearsal", "--fault", "divergence"]
    done = subprocess.run(command, cwd=ROOT, timeout=LIMIT)
    yield done.returncode, json.loads((ROOT / "build/rehearsal/summary.json").read_text())
    network.down()


def test_it_ends_with_an_exit_status_that_is_not_zero(halted: tuple[int, dict[str, Any]]) -> None:
    assert halted[0] == 2


def test_the_summary_says_where_and_why(halted: tuple[int, dict[str, Any]]) -> None:
    summary = halted[1]
    validator("summary").validate(summary)
    assert summary["result"] == "halted"
    assert summary["reason"].startswith("phase 1 on node2: "), "the gate after node 1's soak says no"
    assert "divergence" in summary["reason"]
    assert summary["blocks"]["divergences"] >= 1
    assert summary["dashboard"]["with_data"] >= 1, "it was watched"


def test_who_watches_the_network_is_told(halted: tuple[int, dict[str, Any]]) -> None:
    firing = ask(Remote(MONITOR), ['ALERTS{alertname="ConsensusDivergence",alertstate="firing"}'])[0]
    assert [alert["metric"]["node"] for alert in firing] == ["node1"]


def test_only_the_first_step_was_taken(halted: tuple[int, dict[str, Any]]) -> None:
    assert [(step["phase"], step["node"]) for step in halted[1]["steps"]] == [(1, "node1")]
    assert halted[1]["final_mode"] == {"node1": "shadow", "node2": "legacy"}


def test_the_other_node_is_untouched(halted: tuple[int, dict[str, Any]]) -> None:
    second = Remote(NODES[1])
    node_py = second.ssh("cat", "/opt/coinjecture/src/node.py").decode()
    assert node_py == (ROOT / "testnet/node/src/node.py").read_text()
    for path in (
        "/etc/coinjecture-migration",
        "/etc/systemd/system/coinjecture-node.service.d",
        "/opt/coinjecture/releases",
        "/opt/coinjecture/src/consensus_wrapper.py",
    ):
        second.ssh("test", "!", "-e", path)
    restarts = second.ssh("systemctl", "show", "-P", "NRestarts", "coinjecture-node.service").decode()
    assert restarts.strip() == "0"


def test_the_network_lost_nothing_by_it(halted: tuple[int, dict[str, Any]]) -> None:
    summary = halted[1]
    assert summary["forks"] == 0
    assert summary["blocks"]["lost"] == 0
    assert summary["transactions"]["lost"] == 0


def test_the_logs_of_every_play_are_kept(halted: tuple[int, dict[str, Any]]) -> None:
    logs = sorted(path.name for path in Path(ROOT / "build/rehearsal/logs").iterdir())
    assert logs[:2] == ["01-preflight.log", "02-monitoring.log"]
    assert logs[-2].endswith("-phase1.log")
    assert logs[-1].endswith("-report.log")
