"""The deployed node's engine in our wrapper: every mode, there and back, and a restart in each.

The wrapper runs in processes of its own, in a folder of the node's shape: its own package `coinjecture`
stands before the release on the path, and no genesis is configured.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.deployed.conftest import lay_down_release

ROOT = Path(__file__).resolve().parents[2]
DRIVE = Path(__file__).with_name("drive.py")
COUNT = 40


class DeployedNode:
    """A folder as on the deployed node, with the wrapper and a release in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        shutil.copytree(ROOT / "testnet/deployed_node/src", home / "src")
        shutil.copytree(ROOT / "wrapper/coinjecture_migration", home / "src/coinjecture_migration")
        shutil.copy(ROOT / "wrapper/consensus_wrapper.py", home / "src")
        shutil.copytree(ROOT / "python/src/consensus_surface", home / "src/consensus_surface")
        lay_down_release(home)
        state = home / "state"
        state.mkdir()
        self.settings: dict[str, Any] = {
            "node": "node1", "state_dir": str(state), "control_socket": str(home / "s"), "control_uid":
            os.getuid(), "release_link": str(home / "current"), "node_config": str(home / "none.json"),
            "pin_profile": "header", "determinism_seconds": 0.2, "determinism_pause": 0.0,
        }  # fmt: skip

    def drive(self, *modes: str, seed: int = 1, count: int = COUNT) -> dict[str, Any]:
        """One process: what it printed."""
        (self.home / "wrapper.json").write_text(json.dumps(self.settings))
        environment = {**os.environ, "COINJECTURE_SETTINGS": str(self.home / "wrapper.json")}
        environment["PYTHONPATH"] = str(self.home / "current")
        done = subprocess.run(
            [sys.executable, str(DRIVE), str(seed), str(count), *modes],
            cwd=self.home, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def node(tmp_path: Path) -> DeployedNode:
    return DeployedNode(tmp_path)


def check(found: dict[str, Any]) -> None:
    assert found["wrong"] == []
    assert found["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}
    assert set(found["skipped"]) <= {"out_of_domain"}
    assert found["accepted"] > 0 < found["rejected"]


def test_given_every_mode_there_and_back_then_the_node_never_notices(node: DeployedNode) -> None:
    found = node.drive("shadow", "rust", "final", "rust", "shadow", "legacy", "final", "legacy")
    check(found)
    assert (found["started"], found["mode"]) == ("legacy", "legacy")
    assert found["own_package"] == "0" * 16


def test_given_600_blocks_there_and_back_with_a_restart_in_each_mode_then_nothing_is_lost(
    node: DeployedNode,
) -> None:
    there_and_back = ("legacy", "shadow", "rust", "final", "rust", "shadow", "legacy")
    judged = 0
    for seed, (mode, following) in enumerate(pairwise(there_and_back), start=2):
        found = node.drive(following, seed=seed, count=51)
        check(found)
        assert (found["started"], found["mode"]) == (mode, following)
        judged += found["accepted"] + found["rejected"] + found["outside"]
    again = node.drive(seed=9, count=10)
    check(again)
    assert (again["started"], judged) == ("legacy", 612)
