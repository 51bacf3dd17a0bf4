"""The play on the local network: what it says before there is a release, and what it leaves."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report.schemas import validator
from testnet.lab import caches, network, plan
from testnet.machine.docker import require_docker

from .support import ROOT

pytestmark = pytest.mark.droplets
RESULT = "replay/node1.json"


def results() -> list[Path]:
    """Where the plays keep the result of this network."""
    return [folder / RESULT for folder in caches.folders() if (folder / RESULT).exists()]


def ansible(*call: str) -> subprocess.CompletedProcess[str]:
    """One of Ansible's commands, from the root."""
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)


def play(*options: str) -> subprocess.CompletedProcess[str]:
    return ansible("ansible-playbook", "playbooks/replay.yml", "-l", "node1", *options)


def on_node(command: str) -> str:
    done = ansible("ansible", "node1", "-b", "-m", "ansible.builtin.command", "-a", command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def laid_down() -> dict[str, Any]:
    """The record that the gate reads on the node."""
    said = on_node("cat /var/lib/coinjecture-operator/replay.json")
    found: dict[str, Any] = json.loads(said[said.index("{") :])
    return found


@pytest.fixture(scope="module")
def node() -> Iterator[None]:
    """The network on its legacy engine, without a release on node1; it is so again afterwards."""
    engine = require_docker()
    was_there = engine.inspect("network", plan.BRIDGE) is not None
    network.up()
    yield
    if was_there:
        on_node(
            "rm -rf /opt/coinjecture/current /opt/coinjecture/releases /var/cache/coinjecture-replay"
            " /var/lib/coinjecture-operator"
        )
    else:
        network.down()


def test_given_a_node_before_the_migration_then_its_chain_is_replayed_and_the_node_goes_on(
    node: None,
) -> None:
    caches.remove()
    for options in ((), ("--check",)):
        refused = play(*options)
        assert refused.returncode == 2 and "-e replay_install=true" in refused.stdout, refused.stdout
    would = play("--check", "-e", "replay_install=true")
    assert would.returncode == 0 and "would build and install the wheel" in would.stdout
    assert not results()

    pid = on_node("systemctl show -p MainPID coinjecture-node.service")
    (wheel,) = (ROOT / "build/wheels/local").glob("*.whl")
    options = ("-e", "replay_install=true", "-e", f"wheel_file={wheel}", "-e", "replay_mutants=3")
    done = play(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = results()
    content: dict[str, Any] = json.loads(result.read_text(encoding="ascii"))
    validator("replay").validate(content)
    assert content["blocks"] > 0 and content["mutants"] == 3 * content["blocks"]
    assert content["divergences"]["count"] == 0 and len(str(content["release"])) == 64
    assert "what it proves" in done.stdout
    record = laid_down()
    validator("node-replay").validate(record)
    assert record["release"] == content["release"]
    assert record["result"]["verdicts"] == content["verdicts"]
    assert on_node("systemctl show -p MainPID coinjecture-node.service") == pid

    again = play("-e", "replay_mutants=1")
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout


def test_given_a_wrong_legacy_engine_then_the_play_fails_and_the_files_are_fetched(
    node: None, tmp_path: Path
) -> None:
    engine = (ROOT / "testnet/node/src/pow.py").read_text(encoding="utf-8")
    wrong = engine.replace("* weight * size *", "* size *")
    assert wrong != engine
    (tmp_path / "pow.py").write_text(wrong, encoding="utf-8")
    (tmp_path / "consensus.py").write_text(
        (ROOT / "testnet/node/src/consensus.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    to = f"src={tmp_path}/ dest=/opt/wrong/ mode=0644 directory_mode=0755"
    copied = ansible("ansible", "node1", "-b", "-m", "ansible.builtin.copy", "-a", to)
    assert copied.returncode == 0, copied.stdout
    before = laid_down()
    done = play("-e", "replay_mutants=0", "-e", "replay_legacy=/opt/wrong/consensus.py")
    assert laid_down() == before, "of another engine than the node's it says nothing to the gate"
    on_node("rm -rf /opt/wrong")
    assert done.returncode == 2 and "the engines differ" in done.stdout
    (result,) = results()
    content = json.loads(result.read_text(encoding="ascii"))
    assert content["divergences"]["count"] == content["blocks"]
    for one in content["divergences"]["captured"]:
        assert (result.parent / "node1" / one["file"]).is_file()
