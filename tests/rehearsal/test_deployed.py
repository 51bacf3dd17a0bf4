"""Networks of deployed nodes take every step in a short walk; their users and their chain notice nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from report.schemas import validator
from testnet.lab import network
from testnet.lab.plan import NODES, ROOT
from testnet.rehearsal.droplet import Remote
from testnet.rehearsal.kinds import KINDS, Kind
from testnet.rehearsal.rehearse import BUILD

pytestmark = pytest.mark.droplets

LIMIT = 2400  # seconds; 312 and 549 beside other work on both cores


@pytest.fixture(scope="module", params=["deployed-a", "deployed-b"])
def walked(request: pytest.FixtureRequest) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """What walked, and the summary; the network goes with it, and its logs stay where a test has failed."""
    command = [sys.executable, "-m", "testnet.rehearsal", "--short", "--node", request.param]
    failed = request.session.testsfailed
    subprocess.run(command, cwd=ROOT, timeout=LIMIT)
    summary = json.loads((BUILD / "summary.json").read_text())
    yield KINDS[request.param], summary
    network.down()
    if request.session.testsfailed > failed:
        kept = BUILD.with_name(f"failed-{request.param}")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(BUILD, kept)
        print(f"what the walk left is in {kept}")


def remotes(kind: Kind) -> list[Remote]:
    return [Remote(node, kind) for node in NODES]


def told(node: Remote) -> list[dict[str, Any]]:
    """The step journal of a node."""
    lines = node.ssh("cat", "/var/lib/coinjecture-operator/journal.jsonl").splitlines()
    return [json.loads(line) for line in lines]


def test_every_step_is_taken_and_every_gate_passed(walked: tuple[Kind, dict[str, Any]]) -> None:
    summary = walked[1]
    validator("summary").validate(summary)
    assert (summary["result"], summary["reason"]) == ("complete", "every step done")
    assert [(step["phase"], step["node"], step["gate"]) for step in summary["steps"]] == [
        (phase, node, "pass") for phase in (1, 2, 3) for node in ("node1", "node2")
    ]
    assert summary["final_mode"] == {"node1": "final", "node2": "final"}


def test_no_request_failed_and_the_nodes_agree_on_every_block(walked: tuple[Kind, dict[str, Any]]) -> None:
    summary = walked[1]
    assert summary["requests"]["total"] > 1000
    assert summary["requests"]["failed"] == 0
    assert (summary["forks"], summary["blocks"]["lost"]) == (0, 0)
    assert summary["reorgs"]["count"] > 0, "the nodes never differed, so nothing has shown that they agree"


def test_both_engines_judged_alike(walked: tuple[Kind, dict[str, Any]]) -> None:
    blocks = walked[1]["blocks"]
    assert blocks["compared"] > 100
    assert (blocks["divergences"], blocks["rust_errors"]) == (0, 0)


def test_the_unit_was_restarted_in_the_way_that_fits_it(walked: tuple[Kind, dict[str, Any]]) -> None:
    kind, _ = walked
    how = "apart" if kind.variant.units[1:] else "seamless"
    for node in remotes(kind):
        restarts = [record["detail"] for record in told(node) if record["what"] == "restart"]
        assert [(record["how"], record["outcome"], record["missed"]) for record in restarts] == [
            (how, "restarted", 0)
        ], "once on each node, when the wrapper came in, and no user was unanswered"
