"""Lock and journal as plays use them, with both nodes on this machine: no droplet, no root."""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOLD = ROOT / "tests/two_operators/on_the_droplets/hold.yml"
PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An inventory of two nodes that are this machine, with folders of their own."""
    shared = {
        "ansible_connection": "local", "ansible_become": False, "coinjecture_user": getpass.getuser(),
        "ansible_python_interpreter": sys.executable, "lock_folder": str(tmp_path / "lock"),
        "migration_state_dir": str(tmp_path / "state-{{ inventory_hostname }}"),
        "migration_operator_dir": str(tmp_path / "operator-{{ inventory_hostname }}"),
        "migration_build": str(tmp_path / "build"),
    }  # fmt: skip
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": {"node1": {}, "node2": {}}}}))
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/nodes.yml").write_text(yaml.safe_dump(shared))
    return tmp_path


def command(here: Path, playbook: str, *arguments: str) -> list[str]:
    return [PROGRAM, "-i", str(here / "hosts.yml"), playbook, *arguments]


def play(here: Path, playbook: str, *arguments: str) -> tuple[int, str]:
    """Run a playbook; its output in one line."""
    return typed(command(here, playbook, *arguments))


def typed(argv: list[str]) -> tuple[int, str]:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@contextmanager
def at_work(here: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A run that holds the lock; the file lets it go on."""
    go = here / "go"
    argv = command(here, str(HOLD), "-e", f"hold_until={go}")
    process = subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 120
        while not go.with_suffix(".held").exists():  # node2 comes after node1, and here both have one lock
            assert process.poll() is None and time.monotonic() < deadline, "the lock was not taken"
            time.sleep(0.2)
        yield process, go
    finally:
        process.kill()
        process.wait()


def hold(here: Path) -> tuple[int, str]:
    """Another run that takes the lock and goes on at once."""
    (here / "at-once").touch()
    return play(here, str(HOLD), "-e", f"hold_until={here / 'at-once'}", "-e", "migration_who=bob@desk")


def test_given_a_run_at_work_then_another_is_refused_until_it_breaks_the_lock_as_it_was_told(
    here: Path,
) -> None:
    with at_work(here) as (holder, go):
        held = json.loads((here / "lock/lock.json").read_text())
        status, said = hold(here)
        assert status == 2
        assert "node1 is locked: held by alice@laptop since" in said
        assert json.loads((here / "lock/lock.json").read_text())["id"] == held["id"]
        told = re.search(r"break its lock: (ansible-playbook .*? -e 'why=\"the reason\"')", said)
        assert told is not None
        argv = shlex.split(told[1])
        assert f"break_lock={held['id']}" in argv
        status, said = typed([PROGRAM, *argv[1:]])
        assert status == 0, said
        assert not (here / "lock/lock.json").exists()
        go.touch()
        said, _ = holder.communicate(timeout=120)
        assert holder.returncode == 2
        assert "the lock of this run was broken by" in said
    broken = [
        json.loads(line)
        for node in ("node1", "node2")
        if (here / f"operator-{node}/journal.jsonl").exists()
        for line in (here / f"operator-{node}/journal.jsonl").read_text().splitlines()
    ]
    assert {(record["what"], record["why"]) for record in broken} == {("lock broken", "the reason")}


def test_given_a_killed_run_then_the_next_one_takes_its_lock_over_and_gives_it_back(here: Path) -> None:
    with at_work(here) as (holder, _):
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
        status, said = hold(here)
        assert status == 0, said
        assert "has ended here; its lock is taken over" in said
    assert not (here / "lock/lock.json").exists()


GIVE_BACK = """
- hosts: nodes
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: coinjecture.migration.lock, tasks_from: release}
"""


def test_given_a_run_then_only_after_its_death_another_one_that_took_no_lock_gives_its_back(
    here: Path,
) -> None:
    (here / "give_back.yml").write_text(GIVE_BACK)
    with at_work(here) as (holder, _):
        assert play(here, str(here / "give_back.yml"))[0] == 0
        assert (here / "lock/lock.json").exists(), "that run lives"
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
        status, said = play(here, str(here / "give_back.yml"))
        assert status == 0, said
        assert "has ended here; its lock is given back" in said
    assert not (here / "lock/lock.json").exists()


def test_given_a_run_of_another_machine_then_its_lock_holds_until_it_expires(here: Path) -> None:
    with at_work(here) as (holder, _):
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
    lock = here / "lock/lock.json"
    elsewhere = json.loads(lock.read_text()) | {"place": "elsewhere"}
    lock.write_text(json.dumps(elsewhere))
    assert hold(here)[0] == 2
    lock.write_text(json.dumps(elsewhere | {"ttl": 0}))
    assert hold(here)[0] == 0


def test_given_check_mode_then_no_lock_is_taken_and_none_is_broken(here: Path) -> None:
    (here / "at-once").touch()
    assert play(here, str(HOLD), "--check", "-e", f"hold_until={here / 'at-once'}")[0] == 0
    assert not (here / "lock").exists()


def test_given_no_such_run_then_breaking_its_lock_fails_and_says_who_holds_it(here: Path) -> None:
    status, said = play(here, "playbooks/unlock.yml", "-e", "break_lock=0123456789", "-e", "why=x")
    assert status == 2
    assert "the run 0123456789 holds no lock, so none was broken" in said
    assert "nobody is at work" in said


def test_given_a_broken_journal_then_it_is_told_refused_and_set_aside_with_a_reason(here: Path) -> None:
    journal = here / "operator-node1/journal.jsonl"
    journal.parent.mkdir()
    journal.write_text("{}\n")
    status, said = play(here, "playbooks/journal.yml")
    assert status == 2
    assert "the step journal of node1 is broken: line 1: it is no record of the step journal" in said
    told = re.search(r"Look into it, then: (ansible-playbook .*? -e 'set_aside=\"the reason\"')", said)
    assert told is not None, said
    status, said = typed([PROGRAM, *shlex.split(told[1])[1:]])
    assert status == 0, said
    record = json.loads(journal.read_text())
    assert (record["what"], record["why"], record["detail"]["broken"]) == (
        "journal set aside", "the reason", "line 1: it is no record of the step journal",
    )  # fmt: skip
    assert len(list(journal.parent.glob("journal.broken-*.jsonl"))) == 1
    assert play(here, "playbooks/journal.yml")[0] == 0
