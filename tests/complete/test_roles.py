"""The roles that bring the wrapper to form B of the deployed node and take it off, without its units."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "testnet/deployed_node"
SYSTEMCTL = """#!/bin/sh
case "$*" in
  *is-system-running*) echo running ;;
  *show*) printf "LoadState=loaded\\nActiveState=active\\n" ;;
esac
"""
PLAY = """
- hosts: nodes
  gather_facts: false
  environment: {{PATH: "{bin}:/usr/bin:/bin"}}
  vars_files: [{root}/playbooks/group_vars/all/node.yml, {folder}/vars.yml]
  tasks:
    - ansible.builtin.set_fact:
        state_nodes: {{node1: {{unit: {{pythonpath: "PYTHONPATH=/current:lib"}}}}}}
    - ansible.builtin.include_role: {{name: coinjecture.migration.preflight, tasks_from: "{{{{ item }}}}"}}
      loop: [own_files, importers]
    - ansible.builtin.include_role: {{name: coinjecture.migration.wrapper}}
    - ansible.builtin.include_role: {{name: coinjecture.migration.removal}}
      vars: {{removal_restarts: false, removal_packages: false}}
      when: removes | default(false) | bool
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The node's folder, an inventory of it, and a service manager that says yes."""
    shutil.copytree(NODE / "service", tmp_path / "home", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        NODE / "src", tmp_path / "home/src", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("bin", "etc/unit.d", "operator/backups"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin/systemctl").chmod(0o755)
    home, where = tmp_path / "home", {"coinjecture_releases": "releases", "coinjecture_current": "current"}
    where |= {
        "migration_drop_in": "etc/unit.d/50-migration.conf", "migration_operator_dir": "operator",
        "migration_settings_file": "etc/migration/wrapper.json", "migration_state_dir": "state",
        "migration_socket": "run/control.sock", "migration_build_place": "wheel", "migration_build": "build",
        "migration_kept": "build/kept",
    }  # fmt: skip
    told = {name: str(tmp_path / path) for name, path in where.items()} | {
        "coinjecture_home": str(home), "coinjecture_entries": [str(home / "consensus_service.py")],
        "coinjecture_importers": [str(home / "src/network.py")], "migration_root": str(ROOT),
    }  # fmt: skip
    host = {
        "ansible_connection": "local", "ansible_host": "127.0.0.1", "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
    }  # fmt: skip
    (tmp_path / "vars.yml").write_text(yaml.safe_dump(told))
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": {"node1": host}}}))
    (tmp_path / "play.yml").write_text(PLAY.format(bin=tmp_path / "bin", root=ROOT, folder=tmp_path))
    return tmp_path


def played(place: Path, *flags: str) -> str:
    """What the play says; it has to succeed."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    given = ["-i", str(place / "hosts.yml"), "-e", f"@{place}/vars.yml", *flags]
    done = subprocess.run(
        [program, *given, str(place / "play.yml")], cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


def files(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything of the node's, with mode, time and content."""
    return {
        str(path): (stat.S_IMODE(path.stat().st_mode), int(path.stat().st_mtime), path.read_bytes())
        for path in (place / "home").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_given_form_b_with_a_wrapper_of_its_own_then_it_is_told_kept_and_there_again_after_the_removal(
    place: Path,
) -> None:
    before = files(place)
    said = played(place)
    assert "consensus_wrapper.py: the node's own, kept in" in said
    assert "unified_consensus_service.py, line 8, imports the legacy module too" in said
    assert "network.py, line" not in said, "it is brought along"
    service = place / "home/consensus_service.py"
    assert "from consensus_wrapper import" in service.read_text()
    assert "class DualRunConsensus" in (place / "home/src/consensus_wrapper.py").read_text()
    assert "Environment=PYTHONPATH=/current:lib\n" in (place / "etc/unit.d/50-migration.conf").read_text()

    played(place, "-e", "removes=true")
    after = files(place)
    assert {name: (mode, content) for name, (mode, _, content) in after.items()} == {
        name: (mode, content) for name, (mode, _, content) in before.items()
    }
    own = str(place / "home/src/consensus_wrapper.py")
    assert after[own] == before[own]
    assert not (place / "etc/unit.d").exists()
