"""What a play reads of a node is compared with the copy of its own network, before any step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import append
from ansible_collections.coinjecture.migration.plugins.module_utils.journal_file import JournalFile
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder
from tests.usage.support import inventory, play

ENTRY = {"at": 1.7e9, "who": "ann@laptop", "why": "phase 1", "what": "step done", "node": "node1", "phase": 1,
         "from": "legacy", "to": "shadow"}  # fmt: skip
RUNNING = r"LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=0\nNRestarts=0\n"
SYSTEMCTL = f"#!/bin/sh\ncase $* in *coinjecture-restart*) echo inactive;; *) printf '{RUNNING}';; esac\n"
LEGACY = (
    "try:\n    from .consensus import ConsensusEngine\n"
    "except ImportError:\n    from consensus import ConsensusEngine\n"
)
OURS, OTHERS = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """Two nodes that are this machine; node1 has a journal of its own network."""
    program = tmp_path / "programs/systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    (tmp_path / "src").mkdir()
    (tmp_path / "src/node.py").write_text(LEGACY)
    folder = str(tmp_path / "operator-{{ inventory_hostname }}")
    node = OperatorFolder(tmp_path / "operator-node1")
    JournalFile(node).append(ENTRY, OURS)
    return inventory(tmp_path, migration_operator_dir=folder, network_is_test=True)


def gate(hosts: Path, copy: str, identity: str) -> str:
    """What the gate says where the controller has this copy of the journal of node1, as that network's."""
    kept = hosts.parent / f"build/networks/127.0.0.1-22-{identity}/journal/node1.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text(copy)
    path = f"{hosts.parent}/programs:{os.environ['PATH']}"
    said = play("playbooks/gate.yml", "-i", str(hosts), PATH=path)
    assert said.status == 2 and kept.read_text() == copy
    return said.said


def test_given_a_journal_that_the_copy_of_its_network_contradicts_then_the_gate_says_so(hosts: Path) -> None:
    forged = append("", ENTRY | {"why": "another"})
    assert "record 1 is another one than the controller has a copy of" in gate(hosts, forged, OURS)


def test_given_a_copy_of_another_network_then_it_says_nothing_of_this_one(hosts: Path) -> None:
    said = gate(hosts, append("", ENTRY | {"why": "another"}), OTHERS)
    assert "the controller has a copy of" not in said
    assert f"networks/127.0.0.1-22-{OTHERS} is of another network at this address" in said
