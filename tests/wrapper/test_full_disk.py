"""On a disk that is really full a node can still go back, latch and be acknowledged, and forgets nothing."""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.evidence_reader import read
from coinjecture_migration.runtime import reserve as reserves
from coinjecture_migration.runtime.errors import ModeChangeError
from coinjecture_migration.runtime.reserve import Reserve
from consensus_wrapper import ConsensusMode, DualRunConsensus

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, SmallDisk, chain, genesis_block
from tests.wrapper.double import DoubleEngine
from tests.wrapper.test_hostile_engines import WrongRule

WRONG = sealed(genesis_block(), tag=666)


def killed(wrapper: DualRunConsensus, place: Place) -> None:
    """The process is gone without a last word, and the next one finds the disk as it was left."""
    wrapper._manager.evidence.thread.close(wait=True)
    left = place.folder / "left"
    shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(place.state, left, ignore=shutil.ignore_patterns("filler", "reserve"))
    wrapper._control.close()
    place.state = left
    place.settings()
    place.alerts.clear()


def kinds(place: Place) -> set[str]:
    return {alert["kind"] for alert in place.alerts}


def test_given_a_full_disk_when_the_node_demotes_itself_then_both_places_have_the_latch(
    place: Place, disk: SmallDisk, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    disk.fill()
    place.judge(wrapper, WRONG)
    latch = place.recorded_mode()["latched"]
    assert (wrapper.mode, latch["from"]) == (ConsensusMode.SHADOW, "rust")
    assert read(place.state / "evidence.db")["latched"] == latch
    assert status_of(wrapper._manager)["mode_file"]["problem"] is None
    killed(wrapper, place)
    rust(DoubleEngine)
    again = place.start(None)
    assert (again.mode, status_of(again._manager)["latched"]) == (ConsensusMode.SHADOW, latch)
    assert kinds(place) == set()


def test_given_a_full_disk_when_the_whole_way_back_is_gone_then_every_step_succeeds(
    place: Place, disk: SmallDisk, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("final")
    wrapper.set_mode("rust", who="eve", why="prepared while there is room")
    disk.fill()
    place.judge(wrapper, WRONG)
    for step in range(5):  # the room that one step has used is there for the next
        assert status_of(wrapper._manager)["latched"] is not None, step
        wrapper._manager.ack("eve", "seen")
        assert place.recorded_mode()["latched"] is None
        assert read(place.state / "evidence.db")["latched"] is None
        wrapper._manager.demote(wrapper._manager.active, "once more", None)
        disk.fill()
    wrapper.set_mode("legacy", who="eve", why="the way back")
    assert place.recorded_mode()["mode"] == "legacy"
    assert status_of(wrapper._manager)["mode_file"]["problem"] is None, "the evidence says so too"
    with pytest.raises(ModeChangeError, match="latched"):
        wrapper.set_mode("shadow", who="eve", why="too early")
    killed(wrapper, place)
    assert place.start(None).mode is ConsensusMode.LEGACY_ONLY


def test_given_a_change_of_mode_when_the_process_dies_before_the_next_flush_then_it_starts_in_that_mode(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    evidence = wrapper._manager.evidence
    evidence.thread.close(wait=True)
    assert evidence.flush()
    wrapper.set_mode("rust", who="eve", why="phase 2")
    killed(wrapper, place)
    again = place.start(None)
    assert again.mode is ConsensusMode.REFACTORED_PRIMARY
    assert kinds(place) == set()
    assert again.stats()["soak_why"] == "mode shadow -> rust"


def test_given_a_disk_that_has_refused_evidence_when_the_way_up_is_asked_for_then_it_is_tried_and_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = place.start("shadow")
    evidence = wrapper._manager.evidence
    evidence.thread.close(wait=True)
    with monkeypatch.context() as patch:
        patch.setattr(evidence._store, "write", refuse)
        assert not evidence.flush()
        with pytest.raises(ModeChangeError) as refused:
            wrapper.set_mode("rust", who="eve", why="phase 2")
    assert (refused.value.code, wrapper.mode) == ("evidence", ConsensusMode.SHADOW)
    wrapper.set_mode("rust", who="eve", why="the disk takes it again")
    assert wrapper.mode is ConsensusMode.REFACTORED_PRIMARY


def test_given_a_full_disk_when_the_way_up_is_asked_for_then_the_reserve_is_not_touched(
    place: Place, disk: SmallDisk
) -> None:
    wrapper = place.start("shadow")
    held = wrapper._manager._reserve.held
    disk.fill()
    with pytest.raises(ModeChangeError) as refused:
        wrapper.set_mode("rust", who="eve", why="phase 2")
    assert refused.value.code in ("disk", "evidence")
    assert wrapper._manager._reserve.held == held == reserves.SIZE


def test_given_a_full_disk_without_a_reserve_when_the_node_demotes_itself_then_no_start_is_in_rust_unlatched(
    place: Place, disk: SmallDisk, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    disk.fill(reserve=False)
    evidence = wrapper._manager.evidence
    evidence._store.write = refuse  # type: ignore[method-assign]
    place.judge(wrapper, WRONG)
    found = status_of(wrapper._manager)["mode_file"]
    assert found["next_start"]["mode"] != "rust"
    killed(wrapper, place)
    rust(DoubleEngine)
    again = place.start(None)
    assert again.mode is ConsensusMode.SHADOW, "taking the old file away made the room for the new one"
    assert status_of(again._manager)["latched"]["from"] == "rust"


def refuse(_batch: Any) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_given_a_file_that_cannot_be_written_at_all_when_the_node_demotes_itself_then_it_is_taken_away(
    place: Place, rust: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    monkeypatch.setattr(wrapper._manager.evidence._store, "write", refuse)
    monkeypatch.setattr(wrapper._manager.memory, "_write", no_room)
    place.judge(wrapper, WRONG)
    assert not place.mode_file.exists()
    assert "mode_file_unwritable" in kinds(place)
    wrapper.close()
    monkeypatch.undo()
    monkeypatch.setenv("COINJECTURE_SETTINGS", str(place.settings_file))
    again = place.start(None)
    assert again.mode is ConsensusMode.LEGACY_ONLY
    assert [one["kind"] for one in status_of(again._manager)["unacknowledged"]] == ["mode_file"]


def no_room(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def test_given_a_read_only_disk_when_the_node_demotes_itself_then_the_evidence_keeps_the_latch_and_it_is_said(
    place: Place, disk: SmallDisk, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    assert wrapper._manager.evidence.flush()
    disk.read_only()  # the evidence is open already, the mode file is not
    place.judge(wrapper, WRONG)
    found = status_of(wrapper._manager)["mode_file"]
    assert (found["problem"]["kind"], found["next_start"]) == ("differs", {"mode": "shadow", "latched": True})
    assert place.recorded_mode()["mode"] == "rust"
    killed(wrapper, place)
    rust(DoubleEngine)
    again = place.start(None)
    assert (again.mode, status_of(again._manager)["latched"]["from"]) == (ConsensusMode.SHADOW, "rust")
    assert kinds(place) == {"mode_memory_disagrees"}
    assert place.recorded_mode()["latched"] is not None


def test_given_a_disk_that_works_again_when_the_evidence_is_flushed_then_the_mode_file_is_written_too(
    place: Place, disk: SmallDisk, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    disk.read_only()
    place.judge(wrapper, WRONG)
    assert place.recorded_mode()["latched"] is None
    disk.writable()
    wrapper._manager.evidence.flush()
    assert place.recorded_mode()["latched"]["from"] == "rust"
    assert status_of(wrapper._manager)["mode_file"]["problem"] is None


def test_given_a_full_disk_when_final_stops_then_it_is_stopped_after_a_restart(
    place: Place, disk: SmallDisk
) -> None:
    wrapper = place.start("final")
    disk.fill()
    wrapper._manager.stop("the engine broke")
    killed(wrapper, place)
    again = place.start(None)
    assert status_of(again._manager)["stopped"]["why"] == "the engine broke"
    again._manager.ack("eve", "the memory was replaced")
    assert status_of(again._manager)["stopped"] is None
    assert place.judge(again, chain(1)[0]) == "accept"


FORK = {"at": 1.0, "peer": "http://p", "height": 1, "own": "a", "peers": "b", "dump": None}


@pytest.mark.parametrize("lost", ["evidence.db", "mode.json"])
def test_given_a_fork_that_one_place_has_lost_when_started_then_the_other_has_kept_it(
    place: Place, lost: str
) -> None:
    wrapper = place.start("shadow")
    before = place.mode_file.read_bytes()
    wrapper._manager.watchers.sentinel.restore(FORK)
    wrapper._manager._remember_watched()
    assert place.recorded_mode()["watched"] == {"fork": FORK}
    wrapper.close()
    if lost == "mode.json":
        place.mode_file.write_bytes(before)
    else:
        for file in place.state.glob("evidence.db*"):
            file.unlink()
    again = place.start(None)
    assert [one["kind"] for one in status_of(again._manager)["unacknowledged"]] == ["fork"]
    assert again.stats()["sentinel"]["latched"] == FORK
    assert place.recorded_mode()["watched"] == {"fork": FORK}
    assert again._manager.ack("eve", "one chain won")["watchers"] == ["fork"]
    again.close()
    last = place.start(None)
    assert status_of(last._manager)["unacknowledged"] == []


# The reserve


def test_given_room_when_a_node_starts_then_the_reserve_is_whole_and_takes_real_bytes(
    place: Place, disk: SmallDisk
) -> None:
    place.start("shadow")
    found = (place.state / "reserve").stat()
    assert (found.st_size, found.st_blocks * 512) == (reserves.SIZE, reserves.SIZE)


def test_given_a_reserve_when_it_is_spent_then_it_gives_way_in_steps_and_grows_again(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 3 * reserves.STEP)
    assert reserve.fill()
    held = []
    while reserve.spend():
        held.append(reserve.held)
    assert held == [2 * reserves.STEP, reserves.STEP, 0, 0]
    assert not (tmp_path / "reserve").exists()
    assert reserve.fill() and reserve.held == 3 * reserves.STEP


def test_given_a_link_in_the_place_of_the_reserve_when_filled_or_spent_then_nothing_behind_it_is_touched(
    tmp_path: Path,
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"x" * 100)
    (tmp_path / "reserve").symlink_to(other)
    reserve = Reserve(tmp_path / "reserve")
    assert (reserve.fill(), reserve.spend(), other.read_bytes()) == (False, False, b"x" * 100)


def test_given_the_room_that_work_did_not_need_when_it_is_done_then_the_reserve_has_it_again(
    place: Place, disk: SmallDisk
) -> None:
    reserve = Reserve(place.state / "reserve")
    assert reserve.fill()
    disk.fill()
    tries = []

    def work() -> None:
        tries.append(reserve.held)
        (place.state / "small").write_bytes(b"x" * 4096)

    reserve.make_room_for(work, reserves.no_room)
    assert tries == [reserves.SIZE, reserves.SIZE - reserves.STEP]
    assert reserve.held == reserves.SIZE - 4096
    assert os.statvfs(place.state).f_bavail == 0


def test_given_a_fact_that_changes_while_another_one_is_settled_then_the_newer_one_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = place.start("shadow")._manager.evidence
    evidence.thread.close(wait=True)
    write = evidence._store.write

    def and_change(batch: Any) -> None:
        write(batch)
        evidence.set_fact("sentinel", "newer")

    monkeypatch.setattr(evidence._store, "write", and_change)
    assert evidence.settle({"sentinel": "older"})
    assert evidence.fact("sentinel") == "newer"
