"""Mode and latch are kept twice, in the mode file and in the evidence; what the disk says is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration import ctl
from coinjecture_migration.control.status import report as status_of
from consensus_wrapper import ConsensusMode, DualRunConsensus

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, genesis_block
from tests.wrapper.test_files import check
from tests.wrapper.test_hostile_engines import WrongRule


def told(wrapper: DualRunConsensus) -> Any:
    """What `status` says of the mode file, checked against the schema."""
    status = status_of(wrapper._manager)
    check("status", status)
    return status["mode_file"]


def waiting(wrapper: DualRunConsensus) -> list[str]:
    """What waits for an acknowledgement."""
    return [one["kind"] for one in status_of(wrapper._manager)["unacknowledged"]]


def damage(path: Path, how: str) -> None:
    """Damage a mode file."""
    if how == "missing":
        path.unlink()
    elif how == "a link":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to("elsewhere")
    else:
        path.write_text({"zero bytes": "", "deep": "[" * 60_000, "another schema": '{"schema": 2}'}[how])


DAMAGES = ["zero bytes", "deep", "another schema", "a link", "missing"]


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("remedy", ["set_mode", "the same mode", "ack"])
def test_given_a_mode_file_that_is_lost_when_started_then_status_says_it_until_it_is_written_anew(
    place: Place, how: str, remedy: str
) -> None:
    place.start("shadow").close()
    damage(place.mode_file, how)
    kind = "missing" if how == "missing" else "damaged"
    for _ in range(2):  # and it does not wear off with another start
        wrapper = place.start(None)
        assert wrapper.mode is ConsensusMode.LEGACY_ONLY
        found = told(wrapper)
        assert (found["problem"]["kind"], found["next_start"]) == (kind, {"mode": "legacy", "latched": False})
        assert str(place.mode_file) in found["problem"]["why"]
        assert waiting(wrapper) == ["mode_file"]
        wrapper.close()
    wrapper = place.start(None)
    if remedy == "ack":
        wrapper._manager.ack("eve", "looked at it")
    else:
        wrapper.set_mode("shadow" if remedy == "set_mode" else "legacy", who="eve", why="known")
    assert wrapper._manager.evidence.flush()
    assert told(wrapper)["problem"] is None
    assert place.recorded_mode()["mode"] == wrapper.mode.value
    assert waiting(wrapper) == []


@pytest.mark.parametrize("how", DAMAGES)
def test_given_a_node_at_work_when_its_mode_file_is_lost_then_status_says_what_the_next_start_takes(
    place: Place, how: str
) -> None:
    wrapper = place.start("shadow")
    assert wrapper._manager.evidence.flush()
    assert told(wrapper) == {"problem": None, "next_start": {"mode": "shadow", "latched": False}}
    damage(place.mode_file, how)
    found = told(wrapper)
    assert found["problem"]["kind"] == ("missing" if how == "missing" else "damaged")
    # without a file the constructor's mode counts
    assert found["next_start"]["mode"] == ("shadow" if how == "missing" else "legacy")


def test_given_a_node_at_work_when_its_mode_file_says_another_mode_then_status_says_both(
    place: Place,
) -> None:
    wrapper = place.start("rust")
    assert wrapper._manager.evidence.flush()
    place.mode_file.write_text(json.dumps(place.recorded_mode() | {"mode": "legacy"}))
    found = told(wrapper)
    assert (found["problem"]["kind"], found["next_start"]["mode"]) == ("differs", "legacy")
    assert "says legacy, not latched, in force is rust, not latched" in found["problem"]["why"]


def test_given_a_latch_that_only_the_evidence_kept_when_started_then_it_holds_and_an_alert_says_so(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    before = place.mode_file.read_bytes()
    place.judge(wrapper, sealed(genesis_block(), tag=666))
    latch = place.recorded_mode()["latched"]
    wrapper.close()
    place.mode_file.write_bytes(before)  # as if the disk had refused it
    place.alerts.clear()
    again = place.start(None)
    assert again.mode is ConsensusMode.SHADOW
    assert status_of(again._manager)["latched"] == latch == place.recorded_mode()["latched"]
    (alert,) = place.alerts
    assert alert["kind"] == "mode_memory_disagrees"
    assert (alert["mode_file"], alert["evidence"]) == ("rust, not latched", "shadow, latched")


def test_given_a_latch_that_only_the_mode_file_kept_when_started_then_it_holds_and_an_alert_says_so(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    place.judge(wrapper, sealed(genesis_block(), tag=666))
    wrapper._manager.evidence.set_fact("latched", None)
    wrapper._manager._look = wrapper._manager.evidence._look = lambda: {}  # type: ignore[method-assign,assignment]
    wrapper.close()
    place.alerts.clear()
    again = place.start(None)
    assert status_of(again._manager)["latched"]["from"] == "rust"
    assert [alert["kind"] for alert in place.alerts] == ["mode_memory_disagrees"]


@pytest.mark.parametrize("latched", [False, True])
def test_given_a_mode_written_while_the_node_stood_when_started_then_it_holds_once_and_no_latch_goes(
    place: Place, latched: bool
) -> None:
    wrapper = place.start("legacy")
    if latched:
        wrapper._manager.demote(wrapper._manager.active, "a wheel that did not load", None)
    wrapper.close()
    place.alerts.clear()
    assert ctl.main(["write-mode-file", "rust", "--why", "the release from before is back"]) == 0
    check("mode", place.recorded_mode())
    assert place.recorded_mode()["while_stopped"] is True
    again = place.start(None)
    assert again.mode is ConsensusMode.REFACTORED_PRIMARY
    assert (status_of(again._manager)["latched"] is not None) == latched
    assert (told(again)["problem"], place.alerts) == (None, [])
    assert "while_stopped" not in place.recorded_mode()
    before = place.mode_file.read_bytes()
    again._manager.demote(again._manager.active, "a divergence", None)
    again.close()
    place.mode_file.write_bytes(before)
    assert place.start(None).mode is ConsensusMode.SHADOW
