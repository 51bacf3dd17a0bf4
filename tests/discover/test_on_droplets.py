"""Discovery on the local network: the reference node gives the defaults, which preflight takes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from testnet.lab import network, plan
from testnet.machine.docker import require_docker

from .support import ROOT

pytestmark = pytest.mark.droplets
WRITTEN = ROOT / "build/discover/node1-node2"


def ansible(*call: str) -> subprocess.CompletedProcess[str]:
    """One of Ansible's commands, from the root."""
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)


def state(node: str) -> str:
    """What would change if somebody had written on a node: its files with size and time, and its unit."""
    files = "find /opt/coinjecture /etc/systemd/system /etc/coinjecture -type f -printf '%p %s %T@\\n' | sort"
    command = f"{files}; systemctl show -p MainPID coinjecture-node"
    said = ansible("ansible", node, "-b", "-m", "ansible.builtin.shell", "-a", command)
    assert said.returncode == 0, said.stdout
    return said.stdout


@pytest.fixture(scope="module")
def nodes() -> Iterator[None]:
    """The network on its legacy engine."""
    engine = require_docker()
    was_there = engine.inspect("network", plan.BRIDGE) is not None
    network.up()
    yield
    if not was_there:
        network.down()


def test_given_the_reference_network_then_its_settings_are_the_defaults_and_preflight_takes_them(
    nodes: None,
) -> None:
    before = state("node1")
    done = ansible("ansible-playbook", "playbooks/discover.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert state("node1") == before
    assert yaml.safe_load((WRITTEN / "group_vars/nodes/node.yml").read_text()) == {}, done.stdout
    assert not (WRITTEN / "host_vars").exists()
    assert done.stdout.count("none: the defaults fit") == 2
    taken = ansible("ansible-playbook", "-i", str(WRITTEN), "playbooks/preflight.yml")
    assert taken.returncode == 0, taken.stdout + taken.stderr
