"""Playbooks against nodes that nobody answers for: nothing starts, and the exit status says what happened."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """An inventory of two nodes on a port where nobody listens, with a build folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(
        "nodes:\n  hosts: {node1: {}, node2: {}}\n  vars:\n    ansible_host: 127.0.0.1\n"
        f"    ansible_port: {port}\n"
    )
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/nodes.yml").write_text(f"migration_build: {tmp_path}\nnetwork_is_test: true\n")
    return inventory


def play(inventory: Path, playbook: str, *arguments: str, folder: Path = ROOT) -> tuple[int, str]:
    """Type a playbook and return its exit status and what it printed."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [program, "-i", str(inventory), playbook, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_given_silent_nodes_then_a_phase_is_refused_and_says_who_is_silent(silent: Path, node: str) -> None:
    status, said = play(silent, "playbooks/phase1.yml", "-l", node)
    assert status == 4
    assert "node1 does not answer now: no step starts while a node cannot be asked" in said
    assert "node2 does not answer now" in said
    for name in ("node1", "node2"):
        assert f"{name} does not answer: connect to host 127.0.0.1 port" in said, "with the cause"
    assert "Connection refused" in said
    assert "rollback" not in said, "nothing was done that one could go back from"


def test_given_silent_nodes_then_a_phase_without_a_limit_does_not_go_on_to_the_second(silent: Path) -> None:
    status, said = play(silent, "phase2.yml", folder=ROOT / "playbooks")
    assert status == 4
    assert "phase 2 stopped on node1" in said
    assert "phase 2 stopped on node2" not in said


def test_given_silent_nodes_then_a_rollback_reports_them_as_unreachable(silent: Path) -> None:
    status, said = play(silent, "playbooks/rollback.yml", "-e", "to=legacy")
    assert status == 4
    assert said.count("UNREACHABLE!") == 2


def test_given_silent_nodes_then_the_status_shows_them_and_says_of_nothing_that_it_is_known(
    silent: Path,
) -> None:
    status, said = play(silent, "playbooks/status.yml")
    assert status == 4
    assert re.search(r"node1 does not answer: connect to host .* Connection refused", said)
    assert "whether node1 is locked is not known: node1 does not answer" in said
    assert "journal of node1: not read: node1 does not answer" in " ".join(said.split())
    for untrue in ("no node is locked", "complete.yml", "rollback.yml"):
        assert untrue not in said
    assert said.count("TASK [") == 1, "a play that only says something is heard alone, but for how it ends"
    assert (silent.parent / "status.json").exists()


@pytest.mark.parametrize("playbook", ["journal", "unlock", "complete"])
def test_given_silent_nodes_then_a_play_that_could_ask_nobody_says_so_with_the_cause(
    silent: Path, playbook: str
) -> None:
    status, said = play(silent, f"playbooks/{playbook}.yml")
    assert status == 4
    for name in ("node1", "node2"):
        assert f"{name} does not answer: connect to host 127.0.0.1 port" in said
    assert "no node is locked" not in said
    assert "rollback" not in said


def test_given_silent_nodes_then_the_page_says_that_nothing_was_measured(silent: Path) -> None:
    status, said = play(silent, "playbooks/report.yml")
    assert status == 4, "as of every play that could not ask a node"
    assert "the page does not tell of the whole network" in said
    assert "not measured  Both nodes on Rust: the mode of node1, node2 was not read" in said
    assert "the mode of node1, node2 was not read" in (silent.parent / "page/report.html").read_text()


def test_given_silent_nodes_then_the_gate_fails(silent: Path) -> None:
    status, said = play(silent, "playbooks/gate.yml")
    assert status == 4
    assert "fatal: [node1]: UNREACHABLE!" in said, "a failure is not hidden"
    assert "does not answer now" in said
    assert "Connection refused" in said


def test_given_the_fault_wheel_on_a_real_network_then_preflight_refuses_it_before_it_asks_a_node(
    silent: Path,
) -> None:
    wanted = '{"wheel_features": ["faults"], "network_is_test": false}'
    status, said = play(silent, "playbooks/preflight.yml", "-e", wanted)
    assert status == 2
    assert "this network is not marked as a test network" in said
    assert "UNREACHABLE" not in said


def test_given_no_wheel_then_an_upgrade_says_what_to_name_before_it_asks_a_node(silent: Path) -> None:
    status, said = play(silent, "playbooks/upgrade.yml")
    assert status == 2
    assert "name the wheel that is to come" in said
    assert "UNREACHABLE" not in said


def test_given_a_file_that_is_no_wheel_then_an_upgrade_is_refused(silent: Path) -> None:
    status, said = play(silent, "playbooks/upgrade.yml", "-e", "wheel=README.md")
    assert status == 4, "and the nodes are silent"
    assert "README.md, which is not a wheel on this machine" in " ".join(said.split())


def test_given_silent_nodes_then_an_upgrade_stops_on_the_first(silent: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "coinjecture-4.0.0-cp311-abi3-linux_x86_64.whl"
    wheel.write_bytes(b"a wheel")
    status, said = play(silent, "playbooks/upgrade.yml", "-e", f"wheel={wheel}")
    assert status == 4
    assert "node1: it does not answer" in said
    assert "node1 does not answer: connect to host" in said
    assert "rollback" not in said
    assert "the upgrade stopped on node2" not in said


def test_given_silent_nodes_then_taking_the_wrapper_out_reports_them_as_unreachable(
    silent: Path,
) -> None:
    status, _ = play(silent, "playbooks/rollback.yml", "-e", "to=removed")
    assert status == 4
