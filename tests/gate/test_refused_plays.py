"""What plays and roles refuse before they ask or change a node, each provoked by the smallest play."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "a" * 64

HEALTHY: dict[str, Any] = {
    "mode": "legacy",
    "why": "",
    "release": "",
    "service": {"found": True, "active": True, "state": "active (running)"},
    "node_py": {"state": "legacy", "why": ""},
    "unit": {"lacks": [], "obstacles": []},
    "runtime": {"switches": []},
    "machine": {"disk_free": 10**10, "memory_available": 10**10},
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An inventory of two nodes that are this machine, with folders of their own."""
    shared = {
        "ansible_connection": "local", "ansible_become": False, "coinjecture_user": getpass.getuser(),
        "ansible_python_interpreter": sys.executable, "lock_folder": str(tmp_path / "lock"),
        "migration_state_dir": str(tmp_path / "state"), "migration_operator_dir": str(tmp_path / "operator"),
        "migration_build": str(tmp_path / "build"), "migration_kept": str(tmp_path / "build/kept"),
        "migration_who": "bob@desk", "coinjecture_unit": "coinjecture-node.service",
    }  # fmt: skip
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": {"node1": {}, "node2": {}}}}))
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/nodes.yml").write_text(yaml.safe_dump(shared))
    return tmp_path


def play(here: Path, playbook: str, *arguments: str) -> tuple[int, str]:
    """Type a playbook; its exit status and its output in one line."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [program, "-i", str(here / "hosts.yml"), playbook, *arguments],
        cwd=ROOT, env=environment | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def role(
    here: Path, name: str, on: str = "node1", tasks_from: str = "main", **values: Any
) -> tuple[int, str]:
    """Run a role's tasks on one node of a play over both."""
    include = {"name": f"coinjecture.migration.{name}", "tasks_from": tasks_from}
    task = {
        "name": f"Run {name}", "ansible.builtin.include_role": include,
        "when": f"inventory_hostname == '{on}'",
    }  # fmt: skip
    written = [{"name": "A play", "hosts": "nodes", "serial": 1, "gather_facts": False, "tasks": [task]}]
    (here / "play.yml").write_text(yaml.safe_dump(written))
    return play(here, str(here / "play.yml"), "-e", json.dumps(values))


def test_given_a_node_before_it_that_has_not_finished_then_the_next_one_is_not_touched(here: Path) -> None:
    status, said = role(here, "gate", on="node2", gate_phase=1)
    assert status == 2
    assert "node1 has not finished its part of this run, so node2 is not touched" in said
    assert "Read the state of every node" not in said


def test_given_no_reason_then_nothing_is_acknowledged(here: Path) -> None:
    status, said = play(here, "playbooks/ack.yml", "-l", "node1")
    assert status == 2
    assert "nothing is acknowledged: ansible-playbook" in said


def test_given_a_fault_for_a_real_network_then_the_wrapper_does_not_come(here: Path) -> None:
    status, said = role(
        here,
        "wrapper",
        wrapper_fault="slow",
        wrapper_peers=[],
        wrapper_api_shape={},
        wrapper_trees=[],
        network_is_test=False,
    )
    assert status == 2
    assert "wrapper_fault is for a network that is marked as a test network" in said


def test_given_another_release_than_the_other_node_runs_then_the_wheel_does_not_come(here: Path) -> None:
    wheel = here / "coinjecture-4.0.0-cp311-abi3-linux_x86_64.whl"
    wheel.write_bytes(b"another wheel")
    states = {"node1": HEALTHY, "node2": HEALTHY | {"mode": "shadow", "release": RELEASE}}
    status, said = role(
        here, "wheel", wheel_file=str(wheel), state_nodes=states, migration_build_user="nobody",
        migration_build_place=str(here),
    )  # fmt: skip
    assert status == 2
    assert f"node2 runs the release {RELEASE}, this wheel is" in said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"service": {"found": True, "active": False, "state": "failed (failed)"}},
            "coinjecture-node.service is failed (failed) on node1; start it first",
        ),
        ({"node_py": {"state": None, "why": "node.py: no pair of imports"}}, "node.py: no pair of imports"),
        (
            {
                "unit": {
                    "lacks": [],
                    "obstacles": [{"what": "User", "why": "no AF_UNIX", "file": None, "next": "mend"}],
                }
            },
            "node1: no AF_UNIX; mend; then run this again",
        ),
        (
            {"runtime": {"switches": ["PYTHONINTMAXSTRDIGITS=0", "-O"]}},
            "node1 starts its interpreter with PYTHONINTMAXSTRDIGITS=0, -O; that may change what it accepts",
        ),
        (
            {"release": RELEASE, "installed": {"wheel": None, "differs": ["x.py has other bytes"]}},
            "x.py has other bytes; install it anew: ansible-playbook -i",
        ),
        (
            {"mode": None, "why": "nobody answers"},
            "node1: nobody answers; this brings it to a known mode: ansible-playbook",
        ),
        ({"machine": {"disk_free": 1000, "memory_available": 10**10}}, "node1 has 1000 bytes of disk"),
        (
            {"machine": {"disk_free": 10**10, "memory_available": 1000}},
            "1000 bytes of memory free; needed are",
        ),
    ],
)
def test_given_a_node_that_is_not_fit_then_preflight_says_what_is_missing(
    here: Path, change: dict[str, Any], reason: str
) -> None:
    status, said = role(
        here, "preflight", tasks_from="node", preflight_node=HEALTHY | change, gate_criteria={}
    )
    assert status == 2
    assert reason in said
