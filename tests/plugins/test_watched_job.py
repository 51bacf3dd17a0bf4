"""A long copy tells the operator how far it is; what it returns and how it fails is as without that."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.chain_backup import progress
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import (
    BACKUPS,
    OperatorFolder,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.watched_job import (
    TOLD_EVERY,
    WatchedJob,
)
from tests.plugins.test_modules import ROOT, run

OPTIONS = {"state": "backed_up", "copy": "copy.db", "limit": 60.0, "hold": 2.0, "user": ""}


class Node:
    """A node on which a module runs for so many seconds of a clock that nobody waits for."""

    def __init__(self, seconds: float, **ended: Any) -> None:
        self.now, self.seconds, self.ended = 0.0, seconds, ended
        self.lines: list[str] = []
        self.asked: list[str] = []

    def execute(
        self, *, module_name: str, module_args: dict[str, Any], wrap_async: bool = False
    ) -> dict[str, Any]:
        self.asked.append(module_args.get("mode", module_name))
        if wrap_async:
            return {"ansible_job_id": "j1", "started": 1, "finished": 0}
        if module_args["mode"] == "cleanup":
            return {"erased": "j1"}
        over = self.now >= self.seconds
        return {"started": 1, "finished": int(over), "ansible_job_id": "j1"} | (self.ended if over else {})

    def job(self, said: str = "copied 1 of 2 MB") -> WatchedJob:
        return WatchedJob(
            self.execute, "~/.ansible_async", lambda: said, self.lines.append, lambda: self.now, self.sleep
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_given_a_long_task_then_a_line_comes_now_and_then_and_its_result_is_the_modules() -> None:
    node = Node(90.0, changed=True, backup={"bytes": 7})
    assert node.job().run("chain_store", {}) == {"changed": True, "backup": {"bytes": 7}}
    assert len(node.lines) == int(90 // TOLD_EVERY)
    assert node.lines[0] == "copied 1 of 2 MB"
    assert node.asked[0] == "chain_store" and node.asked[-1] == "cleanup"


def test_given_a_short_task_or_nothing_to_say_then_there_is_no_line() -> None:
    for node, said in ((Node(3.0), "copied"), (Node(90.0), "")):
        node.job(said).run("chain_store", {})
        assert node.lines == []


def test_given_a_task_that_fails_then_its_reason_is_told() -> None:
    node = Node(30.0, failed=True, msg="no room")
    assert node.job().run("chain_store", {}) == {"failed": True, "msg": "no room"}


def test_progress_is_what_lies_there(tmp_path: Path) -> None:
    operator, database = OperatorFolder(tmp_path / "operator"), tmp_path / "chain.db"
    operator.make()
    database.write_bytes(b"x" * 4_000_000)
    assert progress(database, "copy.db", operator) == ""
    scratch = operator.path / ".chain-1"
    scratch.mkdir()
    for size, said in ((1_000_000, "copied 1 of 4 MB"), (4_000_000, "verifying 4 MB")):
        (scratch / "copy.db.part").write_bytes(b"x" * size)
        assert progress(database, "copy.db", operator) == said
    (operator.path / BACKUPS / ".copy.db.new").write_bytes(b"x" * 3_000_000)
    assert progress(database, "copy.db", operator) == "taking over 3 of 4 MB, verified"


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    """What the role gives the module, for a chain of ten blocks."""
    database = tmp_path / "chain.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE blocks (seq INTEGER, raw TEXT)")
        connection.executemany("INSERT INTO blocks VALUES (?, 'x')", [(n,) for n in range(10)])
    connection.close()
    places = {"database": database, "folder": tmp_path / "operator", "old": tmp_path / "state"}
    return OPTIONS | {name: str(place) for name, place in places.items()}


def played(folder: Path, **task: Any) -> dict[str, Any]:
    """What a task leaves, carried out by Ansible itself on this machine."""
    shown = {"content": "{{ left | to_json }}", "dest": str(folder / "left.json")}
    tasks = [task | {"poll": 0, "register": "left", "failed_when": False}, {"copy": shown}]
    play = {"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]))
    jobs = {"ANSIBLE_ASYNC_DIR": str(folder / "jobs")}
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "localhost,", str(folder / "play.yml")],
        cwd=ROOT, env=os.environ | jobs | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    left: dict[str, Any] = json.loads((folder / "left.json").read_text())
    return left


@pytest.mark.parametrize("limit", [0, 600])
def test_given_a_copy_in_one_go_or_watched_then_the_role_gets_the_same(
    arguments: dict[str, Any], tmp_path: Path, limit: int
) -> None:
    taken = played(tmp_path, **{"coinjecture.migration.chain_store": arguments, "async": limit})
    assert taken["backup"]["rows"] == {"blocks": 10} and taken["changed"] is True
    assert "ansible_job_id" not in taken
    assert (tmp_path / "operator/backups/copy.db").exists()
    assert not list((tmp_path / "jobs").glob("*")), "a job leaves no file"
    assert run("chain_store", **arguments)["changed"] is False


@pytest.mark.parametrize("status", [0, 1])
def test_given_a_watched_command_then_its_end_and_its_words_are_those_of_the_command(
    tmp_path: Path, status: int
) -> None:
    asked = {"argv": ["sh", "-c", f"echo said; exit {status}"], "progress": str(tmp_path / "progress")}
    left = played(tmp_path, **{"coinjecture.migration.watched_command": asked, "async": 60})
    assert (left["rc"], left["stdout_lines"]) == (status, ["said"])
