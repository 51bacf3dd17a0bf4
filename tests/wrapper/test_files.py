"""The files the wrapper writes fit their schemas, and a disk that fails stops nothing."""

import itertools
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from coinjecture_migration.control.status import report as status_of
from coinjecture_migration.evidence import evidence as evidence_module
from coinjecture_migration.evidence import store as evidence_store
from coinjecture_migration.evidence.counters import Counters
from coinjecture_migration.evidence.evidence import Evidence
from coinjecture_migration.runtime.timing import Spent
from coinjecture_migration.settings import SettingsError, load_settings
from coinjecture_migration.vocabulary import LATENCY_EDGES, MODES

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.status_reader import (
    read as read_status,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.overview import quantiles
from report.schemas import FOLDER, validator
from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, genesis_block
from tests.wrapper.test_hostile_engines import WrongRule
from tests.wrapper.test_modes import outcomes

IDENTITY = {"release": "a" * 64, "python": "3.11.7", "libc": "glibc 2.36", "config_fingerprint": "b" * 64}


def check(name: str, content: Any) -> None:
    """Validate content against a schema; strict JSON, so no NaN."""
    validator(name).validate(json.loads(json.dumps(content, allow_nan=False)))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.schema.json")), ids=lambda path: path.name)
def test_given_a_schema_then_it_is_one(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))


@pytest.mark.parametrize("mode", MODES)
def test_given_a_node_at_work_when_its_files_are_read_then_they_fit_their_schemas(
    place: Place, mode: str
) -> None:
    (place.folder / "current").symlink_to("releases/" + "c" * 64)
    wrapper = place.start(mode)
    for block in [*chain(3), sealed(genesis_block(), index=9)]:
        place.judge(wrapper, block)
    status = status_of(wrapper._manager)
    check("mode", place.recorded_mode())
    check("evidence", wrapper.stats())
    check("status", status)
    check("settings", json.loads(place.settings_file.read_text()))
    assert status["process"]["release"] == wrapper.stats()["release"] == "c" * 64
    assert status["tip"]["height"] == 3
    assert status["engines"]["rust"]["importable"] is True


def test_given_a_divergence_when_its_files_are_read_then_they_fit_their_schemas(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("rust")
    place.judge(wrapper, sealed(genesis_block(), tag=666))
    check("mode", place.recorded_mode())
    check("status", status_of(wrapper._manager))
    (found,) = place.captures()
    check("capture", found)


def test_given_a_captured_block_that_is_no_utf_8_when_described_then_its_bytes_are_kept(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("shadow")
    place.judge(wrapper, sealed(genesis_block(), tag=666, transactions=["\ud800", float("nan"), 10**400]))
    (found,) = place.captures()
    check("capture", found)
    assert json.loads(found["block_json"])["transactions"][2] == 10**400


def test_given_more_divergences_than_files_allowed_when_found_then_all_are_counted_and_some_written(
    place: Place, rust: Any
) -> None:
    place.settings(max_captures=2)
    rust(WrongRule)
    wrapper = place.start("shadow")
    parent = genesis_block()
    for _ in range(4):
        parent = sealed(parent, tag=666)
        assert place.judge(wrapper, parent) == "accept"
    assert (outcomes(wrapper), len(place.captures())) == ({"divergence": 4}, 2)


def test_given_as_many_files_as_allowed_when_a_divergence_demotes_then_it_is_kept_all_the_same(
    place: Place, rust: Any
) -> None:
    place.settings(max_captures=1)
    rust(WrongRule)
    wrapper = place.start("shadow")
    first = sealed(genesis_block(), tag=666)
    place.judge(wrapper, first)
    wrapper.set_mode("rust", who="test", why="up")
    place.judge(wrapper, sealed(first, tag=666))
    kept = place.recorded_mode()["latched"]["capture"]
    assert (place.folder / "captures" / kept).exists()
    assert len(place.captures()) == 2


# Evidence


def test_given_a_soak_when_the_process_restarts_then_it_goes_on_and_the_restart_is_counted(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    place.judge(wrapper, chain(1)[0])
    started = wrapper.stats()["soak_started"]
    wrapper.close()
    again = place.start("legacy")
    assert place.judge(again, chain(2)[1]) == "accept"
    stats = again.stats()
    assert (stats["soak_started"], stats["restarts"], stats["calls"]) == (started, 1, 2)
    assert outcomes(again) == {"match": 2}


def test_given_a_soak_when_the_mode_changes_then_a_new_one_begins_and_the_old_errors_are_remembered(
    place: Place, rust: Any
) -> None:
    rust(WrongRule)
    wrapper = place.start("shadow")
    place.judge(wrapper, sealed(genesis_block(), tag=666))
    wrapper.set_mode("legacy", who="test", why="down")
    stats = wrapper.stats()
    assert (stats["calls"], stats["mode"], stats["ever"]["divergence"]) == (0, "legacy", 1)
    wrapper.close()
    assert place.start("legacy").stats()["ever"]["divergence"] == 1


@pytest.mark.parametrize("changed", ["release", "python", "libc", "config_fingerprint"])
def test_given_a_soak_when_its_identity_changes_then_a_new_one_begins(tmp_path: Path, changed: str) -> None:
    first = Evidence(tmp_path / "e.db", "node1", IDENTITY)
    first.open("shadow", IDENTITY).counters.record("rust_error")
    first.close()
    second = Evidence(tmp_path / "e.db", "node1", IDENTITY)
    second.open("shadow", IDENTITY | {changed: "other"})
    report = second.report()
    second.close()
    assert (report["calls"], report["restarts"], report["ever"]["rust_error"]) == (0, 0, 1)


def test_given_judging_when_the_flush_time_has_passed_then_the_evidence_is_on_the_disk(
    tmp_path: Path,
) -> None:
    evidence = Evidence(tmp_path / "e.db", "node1", IDENTITY, flush_seconds=0.01)
    evidence.open("shadow", IDENTITY).counters.record("match", accepted=True)
    end = time.monotonic() + 20
    calls = 0
    while calls == 0 and time.monotonic() < end:
        with sqlite3.connect(tmp_path / "e.db", timeout=5) as db:
            row = db.execute("SELECT counters FROM soak").fetchone()
        calls = json.loads(row[0])["calls"] if row else 0
    evidence.close()
    assert calls == 1


def test_given_many_soaks_when_written_then_the_file_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_store, "MAX_SOAKS", 5)
    evidence = Evidence(tmp_path / "e.db", "node1", IDENTITY, flush_seconds=3600)
    evidence.open("shadow", IDENTITY)
    for number in range(60):
        evidence.soak.counters.record("rust_error")
        evidence.begin("rust" if number % 2 else "shadow", IDENTITY)
    assert evidence.flush()
    report = evidence.report()
    evidence.close()
    with sqlite3.connect(tmp_path / "e.db") as db:
        assert db.execute("SELECT count(*) FROM soak").fetchone() == (5,)
    assert report["ever"]["rust_error"] == 60
    assert len(evidence._past) <= evidence_module.MAX_PAST


@pytest.mark.parametrize("trouble", ["no folder", "no database", "a folder"])
def test_given_evidence_that_cannot_be_written_when_blocks_come_then_judging_goes_on(
    place: Place, trouble: str
) -> None:
    target = place.folder / "evidence.db"
    if trouble == "no database":
        target.write_bytes(b"this is no database, " * 100)
    elif trouble == "a folder":
        target.mkdir()
    else:
        place.settings(state_dir=str(place.folder / "none"))
    wrapper = place.start("shadow")
    assert [place.judge(wrapper, block) for block in chain(3)] == ["accept"] * 3
    assert outcomes(wrapper) == {"match": 3}
    assert wrapper._manager.evidence.flush() is False


# Counters


def test_given_latencies_when_counted_then_buckets_are_geometric_and_quantiles_are_edges() -> None:
    ratios = [high / low for low, high in itertools.pairwise(LATENCY_EDGES)]
    assert max(ratios) <= 1.5
    assert (LATENCY_EDGES[0], LATENCY_EDGES[-1]) == (pytest.approx(1e-6), pytest.approx(1.0))
    counters = Counters()
    for seconds in (1e-7, 1e-4, 1e-4, 2.0):
        counters.record("match", rust=Spent(seconds))
    buckets = counters.snapshot()["latency"]["rust"]
    assert sum(buckets) == 4
    found = quantiles(buckets)
    assert found is not None
    assert found["p50"] == pytest.approx(1e-4, rel=0.5)
    assert found["p99"] is None, "above the last edge"
    assert quantiles([0] * len(buckets)) is None


# Settings


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must hold a JSON object"),
        ('{"speed": 1}', "unknown setting 'speed'"),
        ('{"on_divergence": "toss"}', "on_divergence is 'toss'"),
        ('{"pin_profile": "half"}', "pin_profile is 'half'"),
        ('{"error_allowance": -1}', "error_allowance is -1"),
        ('{"error_allowance": 0.5}', "must be a whole number"),
        ('{"flush_seconds": 60}', "flush_seconds is 60"),
        ('{"work_budget": 0}', "work_budget is 0"),
        ('{"state_dir": 7}', "state_dir is 7"),
    ],
)
def test_given_wrong_settings_when_read_then_file_value_and_remedy_are_named(
    tmp_path: Path, content: str, complaint: str
) -> None:
    path = tmp_path / "wrapper.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_settings(path)
    assert str(path) in str(caught.value)


def test_given_no_settings_file_when_read_then_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "none.json")
    assert settings.mode_file == Path("/var/lib/coinjecture-migration/mode.json")
    assert (settings.control_uid, settings.on_divergence, settings.error_allowance) == (0, "legacy", 0)


@pytest.mark.parametrize("mode", MODES)
def test_given_a_node_at_work_then_the_gate_can_read_its_status(place: Place, mode: str) -> None:
    wrapper = place.start(mode)
    for block in [*chain(3), sealed(genesis_block(), index=9)]:
        place.judge(wrapper, block)
    status = json.loads(json.dumps(status_of(wrapper._manager)))
    reading = read_status(status["evidence"]["node"], status)
    assert reading.record is not None
    assert reading.record["calls"] == 4
