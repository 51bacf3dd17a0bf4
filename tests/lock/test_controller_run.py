"""A run is known by its process; whether it has ended is said only where that can be known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.controller_run import (
    ControllerGoneError,
    has_ended,
    place,
    run_id,
    started,
    this_run,
)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of this machine, until its input ends."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_given_one_process_then_its_run_has_one_name_and_another_process_another(
    other: subprocess.Popen[bytes],
) -> None:
    assert run_id(os.getpid()) == run_id(os.getpid())
    assert run_id(os.getpid()) != run_id(other.pid)


def test_given_a_run_that_lives_then_it_has_not_ended_until_its_process_is_gone(
    other: subprocess.Popen[bytes],
) -> None:
    run = run_id(other.pid)
    assert not has_ended(run, place(), other.pid)
    other.kill()
    other.wait()
    assert has_ended(run, place(), other.pid)


def test_given_a_number_that_another_process_has_now_then_the_run_has_ended() -> None:
    assert has_ended("0123456789", place(), os.getpid())


def test_given_a_run_of_another_machine_then_nobody_here_can_know() -> None:
    assert not has_ended("0123456789", "another place", 1)


def test_given_a_program_with_odd_characters_in_its_name_then_its_start_is_found(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = " ".join(str(number) for number in range(3, 30))
    (tmp_path / "7/stat").write_text(f"7 (a) b) {fields}")
    assert started(7, tmp_path) == "22"
    assert started(8, tmp_path) == ""


def test_given_no_proc_then_the_names_are_still_there(tmp_path: Path) -> None:
    assert place(tmp_path / "none", tmp_path / "none") != place()


def test_given_a_worker_then_its_run_is_its_parent(other: subprocess.Popen[bytes]) -> None:
    assert this_run(parent=other.pid) == other.pid


def test_given_a_worker_that_was_left_behind_then_it_does_not_act_for_whoever_took_it_in() -> None:
    with subprocess.Popen(["sleep", "60"]) as foster, pytest.raises(ControllerGoneError):
        try:
            this_run(parent=foster.pid)
        finally:
            foster.kill()


def test_given_a_parent_that_is_gone_then_so_is_the_run(other: subprocess.Popen[bytes]) -> None:
    other.kill()
    other.wait()
    with pytest.raises(ControllerGoneError):
        this_run(parent=other.pid)


def test_given_no_proc_then_a_worker_of_init_was_left_behind(tmp_path: Path) -> None:
    assert this_run(tmp_path / "none", parent=77) == 77
    with pytest.raises(ControllerGoneError):
        this_run(tmp_path / "none", parent=1)
