"""A network of two nodes that are this machine, and playbooks typed against it."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Typed:
    """How a playbook ended: its exit status and what it said, in one line."""

    status: int
    said: str


def inventory(folder: Path, **more: Any) -> Path:
    """Write an inventory of node1 and node2, with folders of their own; more variables are the nodes'."""
    shared = {
        "ansible_connection": "local", "ansible_host": "127.0.0.1", "ansible_become": False,
        "coinjecture_user": getpass.getuser(),
        "ansible_python_interpreter": sys.executable, "lock_folder": str(folder / "lock"),
        "migration_state_dir": str(folder / "state"), "migration_build": str(folder / "build"),
        "coinjecture_src": str(folder / "src"), "coinjecture_releases": str(folder / "releases"),
        "coinjecture_current": str(folder / "current"),
    }  # fmt: skip
    hosts = folder / "hosts.yml"
    hosts.write_text(yaml.safe_dump({"nodes": {"hosts": {"node1": {}, "node2": {}}}}))
    (folder / "group_vars").mkdir()
    (folder / "group_vars/nodes.yml").write_text(yaml.safe_dump(shared | more))
    return hosts


def play(
    playbook: str | Path, *arguments: str, folder: Path = ROOT, program: str | Path | None = None, **more: str
) -> Typed:
    """Type a playbook in a folder, without settings of Ansible's own in the environment but ``more``."""
    program = program or Path(sys.executable).with_name("ansible-playbook")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [str(program), str(playbook), *arguments],
        cwd=folder, env=environment | more, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return Typed(done.returncode, " ".join((done.stdout + done.stderr).split()))


def printed(folder: Path, message: str, *typed: str, **stated: Any) -> str:
    """What a run that begins with a play of the toolkit prints of its variables.

    Args:
        folder: Where its inventory and playbook are written.
        message: Text in Jinja, printed by each node.
        typed: Given with ``-e``.
        stated: Variables of the inventory.
    """
    hosts = inventory(folder, **stated)
    task = {"name": "Print it", "ansible.builtin.debug": {"msg": message}}
    plays = [
        {
            "name": "A play of the toolkit",
            "ansible.builtin.import_playbook": f"{ROOT}/playbooks/unlock.yml",
        },
        {"name": "Print what a run has", "hosts": "nodes", "gather_facts": False, "tasks": [task]},
    ]
    (folder / "printed.yml").write_text(yaml.safe_dump(plays))
    done = play(
        folder / "printed.yml", "-i", str(hosts), *(word for it in typed for word in ("-e", it)),
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_CALLBACKS_ENABLED="coinjecture.migration.run_check",
    )  # fmt: skip
    assert done.status == 0, done.said
    return done.said
