"""The operator lock: one run at a time, whoever typed it, and never a lock for ever."""

from __future__ import annotations

import json
import multiprocessing
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.operator_lock import (
    Claim,
    LockFile,
    expired,
)
from report.schemas import validator

ROOT = Path(__file__).resolve().parents[2]
ALICE = Claim("aaaa", "alice@laptop", "phase 1", "place-a", 11)
SECOND_TERMINAL = Claim("bbbb", "alice@laptop", "phase 1", "place-a", 12)


@dataclass
class Clock:
    """A node's two clocks."""

    now: float = 1_700_000_000.0
    up: float = 500.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(tmp_path: Path, clock: Clock) -> LockFile:
    return LockFile(tmp_path / "lock", lambda: clock.now, lambda: clock.up)


def test_given_no_lock_then_it_is_taken_and_fits_the_schema(lock: LockFile) -> None:
    assert lock.take(ALICE, 60, "node1")["outcome"] == "taken"
    validator("lock").validate(json.loads(lock.path.read_text()))
    assert [path.name for path in lock.folder.iterdir()] == ["lock.json"]


def test_given_a_folder_that_others_could_lock_then_it_is_roots_alone_again(lock: LockFile) -> None:
    lock.take(ALICE, 60, "node1")
    assert stat.S_IMODE(lock.folder.stat().st_mode) == 0o700
    lock.folder.chmod(0o755)
    lock.take(ALICE, 60, "node1")
    assert stat.S_IMODE(lock.folder.stat().st_mode) == 0o700


def test_given_a_lock_then_another_run_of_the_same_person_is_told_who_since_when_and_which(
    lock: LockFile,
) -> None:
    lock.take(ALICE, 60, "node1")
    said = lock.take(SECOND_TERMINAL, 60, "node1")
    assert said["outcome"] == "refused"
    assert said["why"] == (
        "held by alice@laptop since 2023-11-14 22:13:20 UTC "
        "(phase 1; run aaaa; expires in 60 s unless it is renewed)"
    )
    assert lock.read() == said["lock"]


def test_given_the_same_run_then_it_renews_and_keeps_the_time_it_was_taken(
    lock: LockFile, clock: Clock
) -> None:
    lock.take(ALICE, 60, "node1")
    clock.now, clock.up = clock.now + 50, clock.up + 50
    assert lock.take(ALICE, 60, "node1")["outcome"] == "renewed"
    clock.now, clock.up = clock.now + 50, clock.up + 50
    held = lock.read()
    assert held is not None
    assert held["taken"] == 1_700_000_000.0
    assert not expired(held, clock.up)


def test_given_a_dead_controller_then_its_lock_expires(lock: LockFile, clock: Clock) -> None:
    lock.take(ALICE, 60, "node1")
    clock.up += 60
    assert lock.take(SECOND_TERMINAL, 60, "node1")["outcome"] == "refused"
    clock.up += 1
    said = lock.take(SECOND_TERMINAL, 60, "node1")
    assert said["outcome"] == "taken"
    assert "after the lock held by alice@laptop" in said["why"]
    assert lock.take(ALICE, 60, "node1")["outcome"] == "refused", "who comes back too late is refused"


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_given_a_clock_that_jumps_then_the_lock_neither_expires_nor_lasts_longer(
    lock: LockFile, clock: Clock, jump: float
) -> None:
    lock.take(ALICE, 60, "node1")
    clock.now += jump
    assert lock.take(SECOND_TERMINAL, 60, "node1")["outcome"] == "refused"
    clock.up += 61
    assert lock.take(SECOND_TERMINAL, 60, "node1")["outcome"] == "taken"


def test_given_a_lock_from_a_later_uptime_then_it_is_of_another_boot_and_expired(
    lock: LockFile, clock: Clock
) -> None:
    lock.take(ALICE, 60, "node1")
    clock.up = 3
    assert lock.take(SECOND_TERMINAL, 60, "node1")["outcome"] == "taken"


def test_given_a_run_that_is_known_to_have_ended_then_its_lock_is_taken_over(lock: LockFile) -> None:
    lock.take(ALICE, 60, "node1")
    assert lock.take(SECOND_TERMINAL, 60, "node1", dead="cccc")["outcome"] == "refused"
    assert lock.take(SECOND_TERMINAL, 60, "node1", dead="aaaa")["outcome"] == "taken"


def test_given_two_nodes_of_one_run_then_the_lock_goes_with_the_last(lock: LockFile) -> None:
    lock.take(ALICE, 60, "node1")
    lock.take(ALICE, 60, "node2")
    assert lock.release("aaaa", ["node1"]) is False
    assert lock.take(SECOND_TERMINAL, 60, "node1")["outcome"] == "refused"
    assert lock.release("aaaa", ["node2", "node3"]) is True
    assert lock.read() is None


def test_given_another_runs_lock_then_it_is_not_given_back(lock: LockFile) -> None:
    assert lock.release("bbbb", ["node1"]) is False
    lock.take(ALICE, 60, "node1")
    assert lock.release("bbbb", ["node1"]) is False
    assert lock.read() is not None


def test_given_a_broken_lock_then_its_run_stops_and_another_may_go_on(lock: LockFile) -> None:
    lock.take(ALICE, 60, "node1")
    assert lock.break_lock("cccc", "bob@desk", "alice is asleep") is False
    assert lock.break_lock("aaaa", "bob@desk", "alice is asleep") is True
    said = lock.take(ALICE, 60, "node1")
    assert said["outcome"] == "broken"
    assert said["why"] == "the lock of this run was broken by bob@desk: alice is asleep"
    assert lock.take(SECOND_TERMINAL, 60, "node1")["outcome"] == "taken"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": "aaaa"}', '{"taken": "x", "ttl": "y"}'])
def test_given_a_damaged_lock_then_it_counts_as_none(lock: LockFile, content: str) -> None:
    lock.folder.mkdir()
    lock.path.write_text(content)
    assert lock.read() is None
    assert lock.take(ALICE, 60, "node1")["outcome"] == "taken"


def _take(folder: str, number: int, results: multiprocessing.Queue[str]) -> None:
    claim = Claim(str(number), "x", "x", "x", number)
    results.put(str(LockFile(Path(folder)).take(claim, 60, "node1")["outcome"]))


def test_given_many_runs_at_once_then_one_of_them_gets_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[str] = context.Queue()
    runs = [context.Process(target=_take, args=(str(tmp_path / "lock"), n, results)) for n in range(12)]
    for run in runs:
        run.start()
    outcomes = sorted(results.get(timeout=60) for _ in runs)
    for run in runs:
        run.join()
    assert outcomes == ["refused"] * 11 + ["taken"]


def test_given_the_lock_is_given_back_then_the_node_shows_no_trace_of_it(lock: LockFile) -> None:
    lock.take(ALICE, 60, "node1")
    assert lock.release("aaaa", ["node1"]) is True
    assert not lock.folder.exists()
    assert lock.take(SECOND_TERMINAL, 60, "node1")["outcome"] == "taken"


def _take_and_give_back(folder: str, number: int, taken: multiprocessing.Queue[int]) -> None:
    lock, mine = LockFile(Path(folder)), Claim(str(number), "x", "x", "x", number)
    inside = Path(folder).with_name("inside")
    for _ in range(200):
        if lock.take(mine, 60, "node1")["outcome"] != "taken":
            continue
        inside.touch(exist_ok=False)  # two at once would meet here
        inside.unlink()
        lock.release(mine.id, ["node1"])
        taken.put(number)
    taken.put(-1)


def test_given_runs_that_come_and_go_then_never_two_have_it_though_its_folder_comes_and_goes(
    tmp_path: Path,
) -> None:
    context = multiprocessing.get_context("fork")
    taken: multiprocessing.Queue[int] = context.Queue()
    folder = str(tmp_path / "lock")
    runs = [context.Process(target=_take_and_give_back, args=(folder, n, taken)) for n in range(4)]
    for run in runs:
        run.start()
    seen = []
    while seen.count(-1) < len(runs) and all(run.is_alive() or run.exitcode == 0 for run in runs):
        seen.append(taken.get(timeout=60))
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0] * len(runs)
    assert len(set(seen) - {-1}) > 1, "more than one of them has had it"


def test_given_a_lock_that_another_run_has_lost_by_its_time_then_whoever_gives_back_takes_it_away(
    lock: LockFile, clock: Clock
) -> None:
    lock.take(ALICE, 60, "node1")
    assert lock.release(SECOND_TERMINAL.id, ["node2"]) is False
    assert lock.read() is not None
    clock.up += 61
    assert lock.release(SECOND_TERMINAL.id, ["node2"]) is True
    assert not lock.folder.exists()
