"""What the controller keeps of the local network: by its address and identity, and gone with it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs import kept
from testnet.lab import caches
from testnet.lab.plan import ROOT

FIRST, SECOND = "0123456789abcdef", "fedcba9876543210"
KEPT = ("steps", "journal", "report", "replay", "removed")


def test_given_two_networks_with_nodes_of_the_same_names_then_removing_the_local_one_leaves_the_other(
    tmp_path: Path,
) -> None:
    networks = tmp_path / "networks"
    local = [networks / f"{caches.BASE}{identity}" for identity in ("", f"-{FIRST}", f"-{SECOND}")]
    others = [
        networks / name for name in (f"203.0.113.11-22-{FIRST}", f"{caches.BASE}2-{FIRST}", f"{caches.BASE}2")
    ]
    for folder in (*local, *others):
        for name in KEPT:
            (folder / name).mkdir(parents=True)
        (folder / "status.json").write_text("{}")
    (tmp_path / "status.json").symlink_to(f"networks/{local[1].name}/status.json")
    (tmp_path / "page").symlink_to(f"networks/{local[1].name}/report")
    (tmp_path / "gate.json").symlink_to(f"networks/{others[0].name}/status.json")
    (tmp_path / "bench.json").write_text("{}")
    caches.remove(tmp_path)
    assert sorted(networks.iterdir()) == sorted(others)
    assert {path.name for path in tmp_path.iterdir()} == {"networks", "gate.json", "bench.json"}
    assert (others[0] / "steps").is_dir()
    caches.remove(tmp_path)  # there is none any more


@pytest.mark.parametrize("identity", ["", FIRST])
def test_given_the_local_inventory_then_the_plays_keep_everything_where_the_network_removes_it(
    identity: str,
) -> None:
    """Every folder that a role or playbook names on the controller, as it is when this identity was read."""
    names = ["migration_kept", "gate_records", "replay_results", "removal_kept"]
    defaults = [f"roles/{role}/defaults/main.yml" for role in ("gate", "replay", "removal")]
    program = str(Path(sys.executable).with_name("ansible"))
    shown = "{{ [" + ", ".join(names) + "] }}"
    command = [program, "node2", "--playbook-dir=playbooks", "-m", "debug", "-a", json.dumps({"msg": shown})]
    files = [word for file in defaults for word in ("-e", f"@{file}")]
    given = ["-e", json.dumps({"state_network": identity})]
    said = subprocess.run([*command, *files, *given], cwd=ROOT, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(said.stdout.split("=>", 1)[1])["msg"]
    home = kept.folder(ROOT / "build/networks" / caches.BASE, identity)
    assert found[0] == str(home)
    assert {str(Path(place).parent) for place in found[1:]} == {str(home)}


def test_given_the_defaults_of_every_role_then_none_keeps_something_of_a_network_elsewhere() -> None:
    """What is not of a network is named by its content: wheels, sources, packages."""
    by_content = {"libraries_cache", "wheel_cache", "wheel_vendor_cache"}
    reviewed = {"discover_folder"}  # what a person asked for by name, before the network is one
    files = [*ROOT.glob("roles/*/defaults/main.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    files += [*ROOT.glob("playbooks/*.yml"), *ROOT.glob("playbooks/tasks/*.yml")]
    named: dict[str, Any] = {}
    for path in files:
        for line in path.read_text().splitlines():
            if "migration_build " in line or "migration_build}" in line:
                named[line.split(":")[0].strip()] = (path.name, line.strip())
    links = {
        "src",
        "dest",
        "link",
    }  # build/status.json and the like, which point into the folder of the network
    assert set(named) - by_content - reviewed - links == set(), named
    assert all(named[name][0] in ("point.yml", "keep.yml") for name in links & set(named))


def test_given_a_place_that_names_the_first_node_then_no_task_asks_another_host_for_it() -> None:
    """Ansible reads another host's variable without ``hostvars``: the address in it would be a wrong one."""
    of_the_address = (
        "migration_networks",
        "migration_kept",
        "gate_records",
        "replay_results",
        "removal_kept",
    )
    asks = re.compile(rf"hostvars\[.+\]\.({'|'.join(of_the_address)}|journal_kept)\b")
    files = [*ROOT.glob("roles/**/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    assert [path.name for path in files if asks.search(path.read_text())] == []
