"""A play killed between its effect and its last record, on a node that exists in a file: no droplet."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import (
    recorded_mode,
    unfinished,
    verify,
)
from tests.resume.support import KILLED, NO_SOAK, ROOT

HERE = Path(__file__).parent
OURS = [path for path in sys.path if path.startswith(str(ROOT)) and "/.venv/" not in path]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An inventory of a node in shadow that is a file."""
    shared = {
        "ansible_connection": "local", "ansible_become": False, "coinjecture_user": getpass.getuser(),
        "ansible_python_interpreter": sys.executable, "lock_folder": str(tmp_path / "lock"),
        "migration_state_dir": str(tmp_path / "state"), "migration_operator_dir": str(tmp_path / "operator"),
        "migration_build": str(tmp_path / "build"), "coinjecture_api": "http://127.0.0.1:1",
        "migration_who": "alice@laptop",
    }  # fmt: skip
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": {"node1": {}}}}))
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/nodes.yml").write_text(yaml.safe_dump(shared | NO_SOAK))
    (tmp_path / "node1.json").write_text(json.dumps({"mode": "shadow", "latched": ""}))
    clone_with_stubs(tmp_path / "clone")
    return tmp_path


def clone_with_stubs(clone: Path) -> None:
    """The clone in links, but that the actions in stubs/ stand before those of the same names."""
    collection = clone / "playbooks/collections/ansible_collections/coinjecture/migration"
    shutil.copytree(HERE / "stubs/action", collection / "plugins/action")
    for here, there, own in (
        (clone, ROOT, "playbooks"),
        (clone / "playbooks", ROOT / "playbooks", "collections"),
        (collection, ROOT / "ansible_collections/coinjecture/migration", "plugins"),
        (collection / "plugins", ROOT / "plugins", "action"),
        (collection / "plugins/action", ROOT / "plugins/action", ""),
    ):
        for path in there.iterdir():
            if path.name != own and not (here / path.name).exists():
                (here / path.name).symlink_to(path)


def play(here: Path, playbook: str, *arguments: str, kill_before: str = "") -> tuple[int, str]:
    """Type a playbook; with ``kill_before`` the controller dies before the task whose name has that in it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {
        "PRETENDED_NODES": str(here),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE / "stubs"), *OURS]),
    }
    if kill_before:
        environment |= {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "kill_before",
            "KILL_BEFORE": kill_before,
            "KILL_BEFORE_NAME": str(here / "killed-before"),
        }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", str(here / "hosts.yml"), f"playbooks/{playbook}.yml", *arguments],
        cwd=here / "clone", env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def records(here: Path) -> list[dict[str, Any]]:
    """The records of the journal, which is whole and is what its head says."""
    text = (here / "operator/journal.jsonl").read_text()
    found = verify(text, json.loads((here / "operator/journal.jsonl.head").read_text()))
    assert found["broken"] is None
    return found["records"]


def mode(here: Path) -> str:
    return str(json.loads((here / "node1.json").read_text())["mode"])


@pytest.mark.parametrize(
    "task", ["Check that the mode is in force", "to the step journal that the step is done"]
)
def test_given_a_step_killed_before_its_last_record_then_gate_and_status_say_so_and_a_rerun_closes_it(
    here: Path, task: str
) -> None:
    status, said = play(here, "phase2", kill_before=task)
    assert status == KILLED, said
    assert mode(here) == "rust"
    assert (here / "lock/lock.json").exists()
    _, told = play(here, "gate")
    assert "phase 2 on node1 (shadow -> rust): is to be finished" in told
    status, said = play(here, "phase2")
    assert status == 0, said
    begun, done = records(here)
    assert (begun["what"], done["what"], done["detail"]["begun"]["seq"]) == ("step started", "step done", 1)
    assert [done[name] for name in ("from", "to", "phase", "gate")] == [
        begun[name] for name in ("from", "to", "phase", "gate")
    ]
    assert all(done["hashes"].values()) and set(done["hashes"]) == {"release", "node_py", "configuration"}
    assert recorded_mode(records(here)) == mode(here), "what the alert compares"
    assert not (here / "lock").exists()
    kept = json.loads(next((here / "build").rglob("2-node1.json")).read_text())
    assert kept["finished"] is not None and kept["evidence"]["node1"]["mode"] == "shadow"
    _, told = play(here, "gate")
    assert "finish" not in told and "phase 3 on node1 (rust -> final): starts now" in told
    status, said = play(here, "phase2")
    assert (status, "phase 2 is done here" in said, "changed=0" in said) == (0, True, True), said
    assert len(records(here)) == 2


def test_given_a_step_killed_after_its_last_record_then_a_rerun_that_does_nothing_gives_the_lock_back(
    here: Path,
) -> None:
    assert play(here, "phase2", kill_before="Give the lock back")[0] == KILLED
    assert (here / "lock/lock.json").exists()
    status, said = play(here, "phase2")
    assert (status, "has ended here; its lock is given back" in said) == (0, True), said
    assert not (here / "lock").exists()
    assert [record["what"] for record in records(here)] == ["step started", "step done"]


def test_given_a_step_killed_before_its_change_of_mode_then_the_same_command_takes_it_anew(
    here: Path,
) -> None:
    assert play(here, "phase2", kill_before="Set the mode rust")[0] == KILLED
    assert mode(here) == "shadow"
    assert play(here, "phase2")[0] == 0
    assert [record["what"] for record in records(here)] == ["step started", "step started", "step done"]
    assert unfinished(records(here)) == {}


def test_given_an_acknowledgement_killed_before_its_record_then_a_rerun_writes_it(here: Path) -> None:
    (here / "node1.json").write_text(json.dumps({"mode": "shadow", "latched": "divergence"}))
    why = ("-e", "why='looked, and it was the disk'")
    assert play(here, "ack", *why, kill_before="Record it")[0] == KILLED
    assert json.loads((here / "node1.json").read_text())["latched"] == ""
    assert list(unfinished(records(here))) == ["acknowledge started"]
    status, said = play(here, "ack", *why)
    assert status == 0, said
    begun, done = records(here)
    assert done["what"] == "acknowledged"
    assert (
        done["detail"]["acknowledged"]
        == begun["detail"]["acknowledged"]
        == [{"kind": "latch", "why": "divergence"}]
    )
    assert not (here / "lock").exists()
    assert play(here, "ack", *why)[0] == 0
    assert len(records(here)) == 2
