"""The way back of two nodes that are this machine: real lock, journal and operation, sockets that answer."""

from __future__ import annotations

import getpass
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import verify_chain
from tests.resume.support import KILLED, ROOT

NODES = ("node1", "node2")
WRAPPED = "from consensus_wrapper import DualRunConsensus as ConsensusEngine\n"
SYSTEMCTL = """#!/bin/sh
case "$*" in
  *--value*) echo inactive ;;
  *) printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nMainPID=1\\nNRestarts=0\\n' ;;
esac
"""


class Wrapper(socketserver.StreamRequestHandler):
    """Answers as the control socket of a node; ``refuses`` makes it say no to a change."""

    def handle(self) -> None:
        """Answer one request."""
        asked, server = json.loads(self.rfile.readline()), self.server
        assert isinstance(server, Socket)
        if asked["op"] == "set_mode":
            server.mode = asked["mode"]
        answering = "legacy" if server.mode in ("legacy", "shadow") else "rust"
        prepare = {"state": "ready", "target": asked.get("mode")}
        status = {"mode": server.mode, "answering": answering, "prepare": prepare, "latched": None}
        self.wfile.write(json.dumps({"ok": True, "result": status | {"process": {}}}).encode() + b"\n")


class Socket(socketserver.ThreadingUnixStreamServer):
    """The control socket of one node, with its mode."""

    daemon_threads = True
    mode = "final"


class Network:
    """Two nodes in final, and who types playbooks against them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets: dict[str, Socket] = {}
        (folder / "bin").mkdir()
        (folder / "bin/systemctl").write_text(SYSTEMCTL)
        (folder / "bin/systemctl").chmod(0o755)
        for node in NODES:
            (folder / node).mkdir()
            (folder / f"{node}/node.py").write_text(f"try:\n    {WRAPPED}except ImportError:\n    {WRAPPED}")
            self.sockets[node] = Socket(str(folder / f"{node}/s"), Wrapper)
            threading.Thread(target=self.sockets[node].serve_forever, daemon=True).start()
        own = f"{folder}/{{{{ inventory_hostname }}}}"
        shared = {
            "ansible_connection": "local", "ansible_become": False, "coinjecture_user": getpass.getuser(),
            "ansible_python_interpreter": sys.executable, "coinjecture_python": sys.executable,
            "migration_state_dir": f"{own}/state", "migration_operator_dir": f"{own}/operator",
            "migration_lock": str(folder / "lock"), "migration_socket": f"{own}/s", "coinjecture_src": own,
            "migration_build": str(folder / "build"), "coinjecture_api": "http://127.0.0.1:1",
            "migration_who": "alice@laptop",
        }  # fmt: skip
        (folder / "group_vars").mkdir()
        (folder / "group_vars/nodes.yml").write_text(yaml.safe_dump(shared))
        self.inventory()

    def inventory(self, **node2: Any) -> None:
        """Both nodes, the second with variables of its own."""
        hosts = {"node1": {}, "node2": node2}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": hosts}}))

    def back(self, *arguments: str, kill_before: str = "") -> tuple[int, str]:
        """Type the rollback to legacy; with ``kill_before`` the controller dies before that task."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment["PATH"] = f"{self.folder}/bin:{environment['PATH']}"
        if kill_before:
            environment |= {
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "kill_before",
                "KILL_BEFORE": kill_before,
                "KILL_BEFORE_NAME": str(self.folder / "killed-before"),
            }
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        typed = [program, "-i", str(self.folder / "hosts.yml"), "playbooks/rollback.yml", "-e", "to=legacy"]
        done = subprocess.run(
            [*typed, *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def modes(self) -> list[str]:
        """The modes of both."""
        return [self.sockets[node].mode for node in NODES]

    def records(self, node: str) -> list[str]:
        """What was recorded on a node, in a journal that is whole."""
        path = self.folder / node / "operator/journal.jsonl"
        found = verify_chain(path.read_text() if path.exists() else "")
        assert found["broken"] is None
        return [record["what"] for record in found["records"]]

    def open(self) -> list[str]:
        """The nodes with an open operation."""
        return [node for node in NODES if (self.folder / node / "operator/operation.json").exists()]

    def locked(self) -> bool:
        """Whether somebody holds the lock."""
        return (self.folder / "lock/lock.json").exists()


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Two nodes in final; the path of a socket is short."""
    made = Network(tmp_path_factory.mktemp("b"))
    yield made
    for server in made.sockets.values():
        server.shutdown()
        server.server_close()


def test_given_final_then_each_node_is_asked_three_times_and_is_back_with_a_record_and_no_lock(
    network: Network,
) -> None:
    status, said = network.back()
    assert status == 0, said
    assert network.modes() == ["legacy", "legacy"]
    assert [network.records(node) for node in NODES] == [["rollback"], ["rollback"]]
    assert (network.open(), network.locked()) == ([], False)
    copies = sorted(path.stem for path in (network.folder / "build").rglob("journal/*.jsonl"))
    assert copies == list(NODES)
    assert "node1: went back from final to legacy without a restart" in said
    status, said = network.back()
    assert status == 0 and "nothing to do" in said and "changed=0" in said, said


def test_given_a_check_then_it_says_what_would_be_done_and_does_nothing(network: Network) -> None:
    status, said = network.back("--check")
    assert status == 0, said
    assert "would go back from final to legacy" in said
    assert network.modes() == ["final", "final"]
    assert (network.open(), network.locked()) == ([], False)
    assert [network.records(node) for node in NODES] == [[], []]


@pytest.mark.parametrize("task", ["Go back as far as", "Say what is done here", "and close it"])
def test_given_a_controller_that_dies_on_the_way_then_the_same_command_ends_it(
    network: Network, task: str
) -> None:
    assert network.back(kill_before=task)[0] == KILLED
    begun = network.modes() == ["legacy", "legacy"]
    assert network.locked()
    assert network.open() == (list(NODES) if begun else [])
    status, said = network.back()
    assert status == 0, said
    assert "has ended here; its lock is taken over" in said
    assert network.modes() == ["legacy", "legacy"]
    assert (network.open(), network.locked()) == ([], False)
    assert network.records("node1")[-1] == "rollback"


def test_given_a_dead_node_then_the_other_goes_back_and_stays_open_until_it_is_closed_alone(
    network: Network,
) -> None:
    network.inventory(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    status, said = network.back()
    assert status == 4, said
    assert "node2 does not answer" in said
    assert "node2 did not finish, so the rollback stays open on node1 too" in said, said
    assert network.modes() == ["legacy", "final"]
    assert (network.open(), network.locked()) == (["node1"], False)
    status, said = network.back("-l", "node1")
    assert status == 0, said
    assert (network.open(), network.locked()) == ([], False)


def test_given_another_run_at_work_then_nothing_is_read_or_changed(network: Network) -> None:
    lock = network.folder / "lock/lock.json"
    lock.parent.mkdir(mode=0o700)
    held = {
        "schema": 1, "id": "abc", "who": "bob@desk", "what": "phase 1", "place": "elsewhere", "pid": 1,
        "taken": time.time(), "renewed": time.time(), "ttl": 1000, "users": ["node1"],
        "renewed_uptime": time.clock_gettime(time.CLOCK_BOOTTIME),
    }  # fmt: skip
    lock.write_text(json.dumps(held))
    status, said = network.back()
    assert status == 2, said
    assert "node1 is locked: held by bob@desk" in said
    assert network.modes() == ["final", "final"]
    assert json.loads(lock.read_text()) == held
    assert network.open() == []
