"""The reference node itself, with its import edited, walks through the modes while it mines, and back."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration import ctl

from ansible_collections.coinjecture.migration.plugins.module_utils import node_import
from tests.oracle.support import GENESIS
from tests.wrapper.conftest import NODE_SOURCE

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


class RunningNode:
    """A node process in a folder laid out as on a node, with short ways to ask it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets = Path(tempfile.mkdtemp(prefix="ctl"))
        self.control = self.sockets / "control.sock"
        self.journal = folder / "journal"
        self._lay_out()
        self._start()

    def _lay_out(self) -> None:
        source = self.folder / "src"
        shutil.copytree(NODE_SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        wrapper = ROOT / "wrapper"
        shutil.copy(wrapper / "consensus_wrapper.py", source)
        shutil.copytree(wrapper / "coinjecture_migration", source / "coinjecture_migration")
        shutil.copytree(ROOT / "python" / "src" / "consensus_surface", source / "consensus_surface")
        node = source / "node.py"
        node.write_bytes(node_import.wrap(node.read_bytes()))
        known = GENESIS["testnet"]
        config = {
            "network_id": known["network_id"],
            "data_dir": str(self.folder),
            "genesis": {
                "network_id": known["network_id"],
                "timestamp": json.loads(known["timestamp_json"]),
                "seed": known["seed"],
                "block": json.loads(known["block_json"]),
            },
            "api": {"host": "127.0.0.1", "port": 0},
            "p2p": {"host": "127.0.0.1", "port": 0},
            "mining": {"enabled": True, "min_interval_s": 0.02, "max_interval_s": 0.05, "tier": "mobile"},
        }
        (self.folder / "node.json").write_text(json.dumps(config))
        settings = {
            "state_dir": str(self.folder),
            "control_socket": str(self.control),
            "control_uid": os.getuid(),
            "node_config": str(self.folder / "node.json"),
        }
        (self.folder / "wrapper.json").write_text(json.dumps(settings))

    def _start(self) -> None:
        environment = os.environ | {"COINJECTURE_SETTINGS": str(self.folder / "wrapper.json")}
        command = [sys.executable, "src/node.py", "--config", "node.json"]
        with self.journal.open("ab") as journal:
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stderr=journal)
        self.wait_for(lambda status: True)

    def restart(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def status(self) -> dict[str, Any]:
        return ctl.client(self.control).status()

    def set_mode(self, mode: str) -> None:
        ctl.set_mode(ctl.client(self.control), mode, "test", "a step", None, lambda _line: None)

    def wait_for(self, condition: Any) -> dict[str, Any]:
        """Poll the status until a condition on it holds."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            assert self.process.poll() is None, self.journal.read_text()
            try:
                status = self.status()
            except ctl.ControlError:
                continue
            if condition(status):
                return status
            time.sleep(0.05)
        raise AssertionError(f"not within {PATIENCE_S} s; last status {self.status()}")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    running = RunningNode(tmp_path)
    yield running
    if running.process.poll() is None:
        running.end()
    shutil.rmtree(running.sockets)


def mined(status: dict[str, Any]) -> bool:
    return bool(status["evidence"]["accepted"] >= 5)


def test_given_a_mining_node_when_it_walks_up_and_down_the_modes_then_it_never_stops_mining(
    node: RunningNode,
) -> None:
    heights = [node.wait_for(mined)["tip"]["height"]]
    for mode in ["shadow", "rust", "final", "legacy", "final", "rust", "shadow", "legacy"]:
        node.set_mode(mode)
        status = node.wait_for(mined)
        assert status["mode"] == mode
        assert status["engines"]["legacy"]["module_imported"] == (mode != "final")
        outcome = "match" if mode in ("shadow", "rust") else "alone"
        assert status["evidence"]["outcomes"][outcome] == status["evidence"]["calls"]
        heights.append(status["tip"]["height"])
    assert heights == sorted(heights)
    assert status["evidence"]["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}


@pytest.mark.parametrize("mode", ["rust", "final"])
def test_given_a_mode_when_the_process_is_restarted_then_it_goes_on_where_it_was(
    node: RunningNode, mode: str
) -> None:
    node.wait_for(mined)
    node.set_mode(mode)
    before = node.wait_for(mined)
    node.restart()
    after = node.wait_for(lambda status: status["tip"]["height"] > before["tip"]["height"] + 5)
    assert (after["mode"], after["evidence"]["restarts"]) == (mode, 1)
    assert after["evidence"]["soak_started"] == before["evidence"]["soak_started"]
    assert after["evidence"]["outcomes"]["divergence"] == 0
    assert after["engines"]["legacy"]["module_imported"] == (mode != "final")
