"""Two operators, a dead one, an edited journal, the end of the migration and the way back, on droplets."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testnet.lab import caches
from testnet.lab.plan import ROOT
from tests.resume.support import Operator, Run, failures, named, the_wheel

from .support import JOURNAL, LOCK, NODE1, NODE2, SRC, at_work, lock, records, shell, text

pytestmark = pytest.mark.droplets

BACK = ("-e", "to=legacy")
"""A rollback of untouched nodes: it has nothing to do but needs the lock."""


def test_given_a_second_terminal_then_it_is_refused_with_who_since_when_and_how_to_break_it(
    desk: Operator,
) -> None:
    with at_work(desk) as (holder, go):
        held = lock()
        assert held is not None
        refused = desk.play("rollback", *BACK, "-l", "node2")
        assert refused.status == 2, refused.said[-3000:]
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(held["taken"]))
        assert f"node1 is locked: held by alice@laptop since {since}" in refused.said
        assert lock() == held, "who is refused changes nothing"
        status = desk.play("status")
        assert status.status == 0
        assert "held by alice@laptop" in status.said
        assert desk.play("rollback", *BACK, "--check").status == 0, "what changes nothing takes no lock"

        told = re.search(r"break its lock: (ansible-playbook .*? -e 'why=\"the reason\"')", refused.said)
        assert told is not None, refused.said[-3000:]
        typed = shlex.split(told[1])
        typed[0] = str(Path(sys.executable).with_name(typed[0]))
        broken = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert broken.returncode == 0, broken.stdout[-3000:]
        assert lock(NODE1) is None and lock(NODE2) is None
        assert records()[-1]["what"] == "lock broken"
        assert records()[-1]["why"] == "the reason"

        go.touch()
        said, _ = holder.communicate(timeout=120)
        assert holder.returncode == 2
        assert "the lock of this run was broken by" in said


def test_given_a_killed_controller_then_the_next_run_from_there_takes_its_lock_over(desk: Operator) -> None:
    with at_work(desk) as (holder, _):
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
        done = desk.play("rollback", *BACK)
        assert done.status == 0, done.said[-3000:]
        assert "has ended here; its lock is taken over" in done.said
    assert lock(NODE1) is None and lock(NODE2) is None


def test_given_a_dead_controller_elsewhere_then_its_lock_holds_until_it_expires(desk: Operator) -> None:
    with at_work(desk) as (holder, _):
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
        held = lock()
        assert held is not None
        for node in (NODE1, NODE2):
            node.ssh("tee", LOCK, stdin=json.dumps(held | {"place": "elsewhere"}).encode())
        refused = desk.play("rollback", *BACK)
        assert refused.status == 2
        assert "node1 is locked: held by alice@laptop" in refused.said
        for node in (NODE1, NODE2):
            node.ssh("tee", LOCK, stdin=json.dumps(held | {"place": "elsewhere", "ttl": 1}).encode())
        assert desk.play("rollback", *BACK).status == 0


def test_given_a_step_then_the_journal_tells_of_it_and_the_lock_is_given_back(desk: Operator) -> None:
    done = desk.play("phase1", "-l", "node1", wheel_file=str(the_wheel()))
    assert done.status == 0, done.said[-3000:]
    assert [record["what"] for record in records()][-3:] == ["step started", "restart", "step done"]
    last = records()[-1]
    assert (last["phase"], last["from"], last["to"], last["gate"]["outcome"]) == (
        1,
        "legacy",
        "shadow",
        "pass",
    )
    assert last["hashes"]["release"] == hashlib.sha256(the_wheel().read_bytes()).hexdigest()
    assert records()[-2]["detail"]["outcome"] == "restarted"
    assert lock(NODE1) is None and lock(NODE2) is None
    (kept,) = caches.folders(desk.folder / "build")
    assert (kept / "journal/node1.jsonl").read_text() == text(NODE1, JOURNAL)


def test_given_an_edited_journal_then_no_step_starts_until_it_is_set_aside_with_a_reason(
    desk: Operator,
) -> None:
    shell(NODE1, f"sed -i 's/phase 1/phase 2/' {JOURNAL}")
    refused = desk.play("phase1")
    assert refused.status == 2
    assert "node1: its step journal is broken: line" in refused.said
    assert "its content is not what was written" in refused.said
    verified = desk.play("journal")
    assert verified.status == 2
    status = desk.play("status")
    assert status.status == 0
    assert "the step journal of node1 is broken" in status.said
    mended = desk.types(named(refused.said, "journal"))
    assert mended.status == 0, mended.said[-3000:]
    assert records()[0]["what"] == "journal set aside"
    assert records()[0]["to"] is None or records()[0]["to"] == "shadow"
    assert shell(NODE1, f"ls {JOURNAL.removesuffix('.jsonl')}.broken-*.jsonl").strip()
    assert desk.play("journal").status == 0


def test_given_a_cut_journal_then_its_missing_end_is_told(desk: Operator) -> None:
    whole = text(NODE1, JOURNAL)
    shell(NODE1, f"truncate -s 0 {JOURNAL}")
    said = desk.play("journal")
    assert said.status == 2
    count = len(whole.splitlines())
    assert f"the last {count} of {count} records are missing" in said.said
    NODE1.ssh("tee", JOURNAL, stdin=whole.encode())
    assert desk.play("journal").status == 0


def test_given_a_run_that_waits_then_it_shows_progress_and_takes_the_step_when_it_may(desk: Operator) -> None:
    def play(soak: float, limit: int) -> Run:
        phases = [
            {"phase": number, "mode": mode, "soak_between_nodes": soak, "soak_after": 0}
            for number, mode in ((1, "shadow"), (2, "rust"), (3, "final"))
        ]
        return desk.play("phase1", phases=phases, wait=True, wait_timeout=limit, wheel_file=str(the_wheel()))

    started = NODE1.status()["evidence"]["soak_started"]
    before = text(NODE2, JOURNAL)
    asked = time.time()
    short = play(time.time() - started + 3600, 3)
    assert short.status == 0, short.said[-3000:]
    assert "phase 1 on node2 (legacy -> shadow): waits" in short.said
    assert text(NODE2, JOURNAL) == before, "who waits takes no step"
    # Ends only after the play has come to its gate, however slow the machine: twice what the same way took.
    took = time.time() - asked
    done = play(time.time() - started + 2 * took + 10, 600)
    assert done.status == 0, done.said[-3000:]
    assert "asking again in" in done.said
    assert NODE2.status()["mode"] == "shadow"
    assert records(NODE2)[-1]["what"] == "step done"


@pytest.mark.soak
def test_given_final_everywhere_then_completion_needs_its_criteria_and_a_confirmation(desk: Operator) -> None:
    for phase in ("phase2", "phase3"):
        done = desk.play(phase, wait=True, wait_timeout=300)
        assert done.status == 0, done.said[-3000:]
    assert (NODE1.status()["mode"], NODE2.status()["mode"]) == ("final", "final")
    refused = desk.play("complete", "-e", "confirm=remove-legacy")
    assert refused.status == 2
    assert "no downtime was seen by users: unknown" in refused.said, "the record of node1 was set aside"
    assert "1. both nodes run on the Rust engine: met" in refused.said
    unconfirmed = desk.play("complete", accept=accepted())
    assert unconfirmed.status == 2
    assert "-e confirm=remove-legacy" in unconfirmed.said
    assert shell(NODE1, f"ls {SRC}/consensus.py").strip()


def accepted() -> dict[str, str]:
    """What this network, with its few minutes of life, cannot show."""
    return {
        "performance": "a test of a few minutes",
        "no_downtime": "the record of node1 was set aside by a test",
    }


@pytest.mark.soak
def test_given_the_confirmation_then_the_legacy_engine_is_removed_and_users_notice_nothing(
    desk: Operator,
) -> None:
    began = time.time()
    dry = desk.play("complete", "--check", "--diff", accept=accepted(), confirm="remove-legacy")
    assert dry.status == 0, dry.said[-3000:]
    assert shell(NODE1, f"ls {SRC}/consensus.py").strip()
    done = desk.play("complete", accept=accepted(), confirm="remove-legacy")
    assert done.status == 0, done.said[-3000:]
    assert "v4.0.0 is complete" in done.said
    for node in (NODE1, NODE2):
        assert shell(node, f"ls {SRC}").split().count("consensus.py") == 0
        assert "consensus_wrapper.py" in shell(node, f"ls {SRC}")
        assert "from _coinjecture_release.consensus import" in text(node, f"{SRC}/node.py")
        assert "consensus_wrapper" not in text(node, f"{SRC}/node.py")
        assert records(node)[-1]["what"] == "complete"
        assert "writable" not in shell(
            node, "find /opt/coinjecture/sealed -type f -perm /222 -printf writable"
        )
    again = desk.play("complete", accept=accepted(), confirm="remove-legacy")
    assert again.status == 0 and "changed=0" in again.said, again.said[-3000:]
    assert desk.play("phase3").status == 0
    assert failures(began) == []


@pytest.mark.soak
def test_given_a_completed_network_then_the_rollback_brings_the_legacy_engine_back(desk: Operator) -> None:
    began = time.time()
    manifest = json.loads(text(NODE1, "/opt/coinjecture/sealed/*/manifest.json"))
    done = desk.play("rollback", "-e", "to=legacy")
    assert done.status == 0, done.said[-3000:]
    for node in (NODE1, NODE2):
        assert node.status()["mode"] == "legacy"
        assert node.status()["answering"] == "legacy"
        back = hashlib.sha256(node.ssh("cat", f"{SRC}/consensus.py")).hexdigest()
        assert back == manifest["files"]["consensus.py"]
        assert records(node)[-1]["what"] == "rollback"
        assert records(node)[-1]["to"] == "legacy"
    assert failures(began) == []
