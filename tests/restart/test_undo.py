"""What is done after a guard that was killed, for every stage it can have recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from seamless_restart.settings import Change, Settings
from seamless_restart.stages import Record, Report, Stage, State
from seamless_restart.undo import Undo

from .fake_host import PORT, SERVICE, FakeHost

NEW, GOOD = Change("/opt/node.py", source="/new"), Change("/opt/node.py", source="/good")


def killed_in(stage: Stage, *, table: bool = True, detour: bool = True) -> FakeHost:
    """A host as a guard leaves it that was killed in this stage."""
    host = FakeHost()
    host.table = "table" if table else None
    host.detour_pid = 200 if detour else 0
    if stage >= Stage.DRAINING:
        host.sets["detour"] = 15.0
    if stage >= Stage.HOLDING:
        host.sets["hold"] = 15.0
        host.direct_left = host.under_way = 0
    return host


def undo(
    host: FakeHost, stage: Stage, folder: Path, *, put_back: bool = True, apart: bool = False
) -> Report | None:
    detour = stage >= Stage.DETOUR and not apart
    state = State("abc123", stage, "{}", main_pid=100, detour=detour, apart=apart)
    settings = Settings(SERVICE, PORT, "/health", meanwhile=(NEW,), put_back=(GOOD,) if put_back else ())
    return Undo(host, settings, Record(state, folder / "state.json")).run()


def clean(host: FakeHost) -> bool:
    return not host.table and not host.detour_pid and not host.sets


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.DONE])
def test_given_any_stage_then_the_service_serves_and_the_host_is_clean(stage: Stage, tmp_path: Path) -> None:
    host = killed_in(stage, table=stage >= Stage.DETOUR, detour=stage >= Stage.TRIAL)
    if Stage.CHANGING <= stage <= Stage.PUTTING_BACK:
        host.service_pid = 0
    report = undo(host, stage, tmp_path)
    assert report is not None
    assert (report.outcome, report.stage) == ("undone", stage.name)
    assert host.service_pid != 0
    assert clean(host)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage < Stage.STOPPING])
def test_given_a_stage_before_the_restart_then_the_service_is_left_alone(
    stage: Stage, tmp_path: Path
) -> None:
    host = killed_in(stage)
    undo(host, stage, tmp_path)
    assert host.service_pid == 100
    assert not any(f"start --no-block -- {SERVICE}" in line for line in host.said)


def test_given_it_was_killed_before_haproxy_came_up_then_the_table_is_taken_away_all_the_same(
    tmp_path: Path,
) -> None:
    host = killed_in(Stage.DETOUR, detour=False)
    undo(host, Stage.DETOUR, tmp_path)
    assert host.table is None


@pytest.mark.parametrize("stage", [Stage.STOPPING, Stage.STARTING])
def test_given_a_unit_apart_whose_new_code_ends_later_then_the_old_one_is_put_back(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = killed_in(stage, table=False, detour=False)
    host.elsewhere, host.service_pid, host.next_pid = "", 101, 102
    pause = host.pause

    def ends_after_a_second() -> None:
        pause()
        if host.clock > 1 and host.service_pid == 101:
            host.service_pid, host.broken = 0, True

    monkeypatch.setattr(host, "pause", ends_after_a_second)
    report = undo(host, stage, tmp_path, apart=True)
    assert report is not None and report.outcome == "undone"
    assert host.applied == [GOOD]
    assert not host.broken


def test_given_a_unit_apart_that_runs_on_then_it_is_left_alone(tmp_path: Path) -> None:
    host = killed_in(Stage.STARTING, table=False, detour=False)
    host.elsewhere, host.service_pid = "", 101
    report = undo(host, Stage.STARTING, tmp_path, apart=True)
    assert report is not None and report.outcome == "undone"
    assert (host.service_pid, host.applied) == (101, [])


def test_given_half_made_changes_then_they_are_finished_before_the_start(tmp_path: Path) -> None:
    host = killed_in(Stage.CHANGING)
    host.service_pid = 0
    undo(host, Stage.CHANGING, tmp_path)
    assert host.applied == [NEW]
    places = host.order("apply", "systemctl start")
    assert places == sorted(places)


def test_given_it_was_killed_between_stop_and_start_then_clients_are_held_until_the_service_is_back(
    tmp_path: Path,
) -> None:
    host = killed_in(Stage.STOPPING)
    host.service_pid = 0
    undo(host, Stage.STOPPING, tmp_path)
    places = host.order(r"add element inet \S+ hold", "systemctl start", r"flush set \S+ \S+ hold")
    assert places == sorted(places)
    assert host.applied == [], "nothing had been changed yet"


def test_given_new_code_that_does_not_start_then_the_old_one_is_put_back(tmp_path: Path) -> None:
    host = killed_in(Stage.STARTING)
    host.service_pid, host.broken = 101, True
    report = undo(host, Stage.STARTING, tmp_path)
    assert report is not None and report.outcome == "undone"
    assert host.applied == [GOOD]


def test_given_nothing_to_put_back_then_it_says_that_the_service_is_down(tmp_path: Path) -> None:
    host = killed_in(Stage.STARTING)
    host.service_pid, host.broken = 101, True
    report = undo(host, Stage.STARTING, tmp_path, put_back=False)
    assert report is not None and report.outcome == "down"
    assert clean(host)


def test_given_a_guard_that_came_to_its_own_end_then_nothing_is_done(tmp_path: Path) -> None:
    host = FakeHost()
    assert undo(host, Stage.DONE, tmp_path) is None
    assert host.said == []


def test_given_it_is_done_twice_then_the_second_time_changes_nothing(tmp_path: Path) -> None:
    host = killed_in(Stage.HOLDING)
    undo(host, Stage.HOLDING, tmp_path)
    pid = host.service_pid
    undo(host, Stage.HOLDING, tmp_path)
    assert host.service_pid == pid
    assert clean(host)
