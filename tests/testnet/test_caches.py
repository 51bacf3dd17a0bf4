"""What the controller keeps of the local network: by its address, and gone with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from testnet.lab import caches
from testnet.lab.plan import ROOT

VARIABLE = "var=migration_journal_copies"


def test_given_two_networks_with_nodes_of_the_same_names_then_removing_the_local_one_leaves_the_other(
    tmp_path: Path,
) -> None:
    local, other = caches.folder(tmp_path) / "journal", tmp_path / "203.0.113.11-22" / "journal"
    for journal in (local, other):
        journal.mkdir(parents=True)
        (journal / "node1.jsonl").write_text("{}\n")
    caches.remove(tmp_path)
    assert not local.exists()
    assert (other / "node1.jsonl").exists()
    caches.remove(tmp_path)  # there is none any more


def test_given_the_local_inventory_then_the_plays_keep_it_where_the_network_removes_it() -> None:
    program = str(Path(sys.executable).with_name("ansible"))
    command = [program, "node2", "--playbook-dir=playbooks", "-m", "debug", "-a", VARIABLE]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"build/networks/{caches.folder().name}/journal" in said.stdout
