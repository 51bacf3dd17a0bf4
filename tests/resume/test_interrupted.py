"""A play killed before any of its tasks and run again finishes what it had begun, and no more."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from . import support
from .support import Operator, journal, left_open, mode, numbers, open_operation, serves, set_mode

pytestmark = pytest.mark.droplets

STRIDES = pytest.mark.parametrize("stride", [10, pytest.param(1, marks=pytest.mark.soak)])
"""Killed before every tenth task where the tests are to be quick, before each of them in `make soak`."""


@STRIDES
def test_given_a_phase_play_killed_before_its_tasks_then_it_is_finished_in_the_end(
    operator: Operator, stride: int
) -> None:
    began, boundaries = time.time(), []
    for number in numbers(stride):
        if mode() == "rust":
            set_mode("shadow")  # so that the tasks behind the change get their turn too
        run = operator.play("phase2", kill_before=number)
        if not run.killed:
            break
        boundaries.append((run.before, mode()))
        assert mode() in ("shadow", "rust")
        assert serves()
        if mode() == "rust":
            finished = operator.play("phase2")
            assert finished.status == 0, finished.said[-3000:]
            assert left_open(operator, 2, "rust") == [], f"killed before {run.before}"
    assert run.status == 0, run.said[-3000:]
    assert mode() == "rust"
    assert left_open(operator, 2, "rust") == []
    changed = [now for _, now in boundaries]
    assert changed == sorted(changed, key=("shadow", "rust").index), boundaries
    assert "shadow" in changed and "rust" in changed, "killed on both sides of the change"
    again = operator.play("phase2")
    assert "phase 2 is done here" in again.said and "changed=0" in again.said, again.said[-3000:]
    assert support.failures(began) == []


@pytest.mark.parametrize(
    "task",
    ["Check that the mode is in force", "that the step is done", "Give the lock back"],
)
def test_given_a_step_killed_after_its_change_of_mode_then_the_same_command_finishes_and_closes_it(
    operator: Operator, task: str
) -> None:
    set_mode("shadow")
    killed = operator.play("phase2", kill_before=task)
    assert killed.killed and task in str(killed.before)
    assert mode() == "rust"
    done = operator.play("phase2")
    assert done.status == 0, done.said[-3000:]
    assert left_open(operator, 2, "rust") == []
    begun, *_, ended = [record for record in journal() if record["what"].startswith("step ")][-2:]
    assert (begun["what"], ended["what"]) == ("step started", "step done")
    assert [begun[name] for name in ("from", "to", "phase", "gate")] == [
        ended[name] for name in ("from", "to", "phase", "gate")
    ]


@pytest.mark.parametrize("stride", [2, pytest.param(1, marks=pytest.mark.soak)])  # it has few tasks
def test_given_a_rollback_killed_before_its_tasks_then_it_goes_back_one_step_and_no_further(
    operator: Operator, stride: int
) -> None:
    began, opened = time.time(), []
    for number in numbers(stride):
        if mode() != "rust":
            set_mode("rust")
        run = operator.play("rollback", kill_before=number)
        if not run.killed:
            break
        assert serves()
        begun = open_operation()
        if begun is None and mode() == "shadow":
            assert left_open(operator, 2, "shadow") == [], (
                f"before {run.before} it was over, and had not said so"
            )
            continue
        if begun is None:
            assert mode() == "rust", f"before {run.before} it has gone back, and has not noted that"
            continue
        if not opened:
            refused = operator.play("phase3")
            assert refused.status == 2
            assert re.search(r"run ansible-playbook .*rollback\.yml -l node1", refused.said), (
                "no step starts meanwhile"
            )
        opened.append(run.before)
        assert begun["target"] == "shadow"
        finished = operator.play("rollback")
        assert finished.status == 0, finished.said[-3000:]
        assert (mode(), open_operation()) == ("shadow", None), f"killed before {run.before}"
        assert left_open(operator, 2, "shadow") == [], f"killed before {run.before}"
    assert run.status == 0, run.said[-3000:]
    assert (mode(), open_operation()) == ("shadow", None)
    assert opened
    assert support.failures(began) == []


def test_given_a_frozen_node_then_the_other_goes_back_and_stays_there_until_both_are_done(
    operator: Operator, tmp_path: Path
) -> None:
    set_mode("rust")
    both = support.inventory(tmp_path, alone=False)
    with support.frozen(support.UNTOUCHED):
        run = both.play("rollback")
    assert run.status == 4, run.said[-3000:]
    assert mode() == "shadow"
    assert "node2 did not finish, so the rollback stays open on node1 too" in run.said, run.said[-3000:]
    again = both.play("rollback")
    assert again.status == 0, again.said[-3000:]
    assert (mode(), open_operation()) == ("shadow", None), "the same order again takes no second step"


@pytest.mark.soak
@pytest.mark.parametrize("number", [30, 45, 60])
def test_given_a_reboot_in_the_middle_of_the_first_step_then_it_is_finished(
    operator: Operator, untouched: dict[str, object], number: int
) -> None:
    assert operator.play("rollback", to="removed").status == 0
    wheel = str(support.the_wheel())
    assert operator.play("phase1", kill_before=number, wheel_file=wheel).killed
    support.reboot(support.NODE)
    done = operator.play("phase1", wheel_file=wheel)
    assert done.status == 0, done.said[-3000:]
    assert mode() == "shadow"


@pytest.mark.soak
def test_given_connections_that_are_cut_again_and_again_then_the_play_is_finished_in_the_end(
    operator: Operator,
) -> None:
    set_mode("shadow")
    began = time.time()
    with support.cut_connections(every=3.0):
        first = operator.play("phase2")
    assert first.status in (0, 2, 4), first.said[-3000:]
    assert operator.play("phase2").status == 0
    assert mode() == "rust"
    assert support.failures(began) == []
    set_mode("shadow")


@pytest.mark.soak
def test_given_the_first_step_killed_before_each_of_its_tasks_then_the_wrapper_comes_in_once(
    operator: Operator, untouched: dict[str, object]
) -> None:
    assert operator.play("rollback", to="removed").status == 0
    began = time.time()
    for number in numbers():
        run = operator.play("phase1", kill_before=number, wheel_file=str(support.the_wheel()))
        if not run.killed:
            break
        assert serves(), f"killed before {run.before}"
    assert run.status == 0, run.said[-3000:]
    assert mode() == "shadow"
    again = operator.play("phase1", wheel_file=str(support.the_wheel()))
    assert "phase 1 is done here" in again.said and "changed=0" in again.said, again.said[-3000:]
    assert support.failures(began) == []


@pytest.mark.soak
def test_given_the_removal_killed_before_each_of_its_tasks_then_nothing_is_left_in_the_end(
    operator: Operator, untouched: dict[str, object]
) -> None:
    began = time.time()
    for number in numbers():
        # The order is typed once; from then on it stands on the node.
        order = {} if open_operation() else {"to": "removed"}
        run = operator.play("rollback", kill_before=number, **order)
        if not run.killed:
            break
        assert serves(), f"killed before {run.before}"
    assert run.status == 0, run.said[-3000:]
    assert operator.play("rollback", to="removed").status == 0
    assert support.differences(untouched, support.snapshot(support.NODE)) == {}
    assert support.failures(began) == []
