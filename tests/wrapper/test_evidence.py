"""Evidence survives what happens to a node: a killed process, a full disk, clocks that jump."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.engines import rust as rust_engine
from coinjecture_migration.evidence import store as evidence_store
from coinjecture_migration.evidence.counters import Counters
from coinjecture_migration.evidence.evidence import Evidence
from coinjecture_migration.evidence.soak import Clock
from coinjecture_migration.evidence_reader import EvidenceError, read
from coinjecture_migration.runtime import timing
from coinjecture_migration.runtime.timing import Spent
from coinjecture_migration.vocabulary import RATIO_EDGES

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, genesis_block
from tests.wrapper.test_files import IDENTITY, check

WRAPPER = Path(__file__).parents[2] / "wrapper"
START = 1_700_000_000.0


class Hands:
    """Clocks moved by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = START, 50.0

    def pass_(self, seconds: float) -> None:
        """Let time pass for both."""
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)


def kept(path: Path, hands: Hands | None = None, **more: Any) -> Evidence:
    """Evidence that is flushed by the test alone."""
    clock = hands.clock() if hands else None
    evidence = Evidence(path, "node1", IDENTITY, flush_seconds=3600, clock=clock, **more)
    evidence.thread.start = lambda: True  # type: ignore[method-assign]
    return evidence


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence.db"


def count(evidence: Evidence, outcome: str = "match", **more: Any) -> None:
    evidence.soak.counters.record(outcome, **more)


# Killed, full, read-only


def test_given_a_process_killed_at_work_when_the_next_starts_then_all_that_was_flushed_is_there(
    path: Path,
) -> None:
    program = f"""
import sys, time
sys.path.insert(0, {str(WRAPPER)!r})
from pathlib import Path
from coinjecture_migration.evidence.evidence import Evidence
from coinjecture_migration.runtime.timing import Spent
identity = {IDENTITY!r}
evidence = Evidence(Path({str(path)!r}), "node1", identity, flush_seconds=0.01)
evidence.open("shadow", identity)
n = 0
while True:
    spent = dict(legacy=Spent(1e-4), rust=Spent(5e-5))
    evidence.soak.counters.record("match", accepted=False, reason="bad_proof", **spent)
    n += 1
    if n % 1000 == 0 and evidence.flush():
        print(n, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    flushed = [int(process.stdout.readline()) for _ in range(5)][-1]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    while_dead = read(path)
    evidence = kept(path)
    evidence.open("shadow", IDENTITY)
    report = evidence.report()
    assert evidence.flush()
    assert report["calls"] >= flushed == 5000
    assert report["restarts"] == 1
    assert report["calls"] == while_dead["totals"]["shadow"]["match"] == read(path)["rejects"]["bad_proof"]
    evidence.close()


def test_given_a_full_disk_when_evidence_is_flushed_then_it_is_said_once_and_nothing_is_lost(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evidence = kept(path)
    evidence.open("shadow", IDENTITY)
    assert evidence.flush()
    db = evidence._store._open()
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count={pages}")
    count(evidence)
    evidence.set_fact("large", "x" * 100_000)
    evidence.count("demotions")
    assert evidence.flush() is False
    assert "database or disk is full" in caplog.text
    evidence._store._open().execute(f"PRAGMA max_page_count={pages}")
    count(evidence)
    assert evidence.flush() is False
    assert sum("evidence is not being written" in r.message for r in caplog.records) == 1
    assert evidence.flush() is True  # there is room again
    found = read(path)
    assert (found["totals"]["shadow"]["match"], found["demotions"]) == (2, 1)
    assert evidence.report()["ever"] == {"divergence": 0, "rust_error": 0, "legacy_error": 0}
    evidence.close()


def test_given_a_disk_that_refuses_at_the_start_when_it_works_again_then_totals_go_on(path: Path) -> None:
    before = kept(path)
    before.open("shadow", IDENTITY)
    count(before, "divergence")
    before.close()
    moved = path.with_suffix(".away")
    path.rename(moved)
    path.mkdir()
    evidence = kept(path)
    evidence.open("shadow", IDENTITY)
    count(evidence)
    assert evidence.flush() is False
    assert "could not be read" in evidence.report()["soak_why"]
    path.rmdir()
    moved.rename(path)
    assert evidence.flush() is True
    assert read(path)["totals"]["shadow"] | {"match": 0} == before.report()["outcomes"]
    assert evidence.report()["ever"]["divergence"] == 1
    evidence.close()


def test_given_evidence_that_is_replaced_under_the_process_when_flushed_then_the_new_file_is_written(
    path: Path,
) -> None:
    evidence = kept(path)
    evidence.open("shadow", IDENTITY)
    assert evidence.flush()
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    count(evidence)
    assert evidence.flush()
    assert read(path)["evidence"]["calls"] == 1
    evidence.close()


# Bounds


def test_given_weeks_of_intervals_when_written_then_the_file_is_bounded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_store, "MAX_INTERVALS", 20)
    monkeypatch.setattr(evidence_store, "MAX_GAPS", 10)
    hands = Hands()
    evidence = kept(path, hands)
    evidence.open("shadow", IDENTITY)
    for _ in range(100):
        count(evidence)
        assert evidence.flush()
        hands.pass_(60)
    evidence._store.trim()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM interval").fetchone()[0] <= 20
        assert db.execute("SELECT count(*) FROM gap").fetchone()[0] <= 10
        limit = evidence._store._open().execute("PRAGMA max_page_count").fetchone()[0]
    assert limit == evidence_store.MAX_PAGES
    assert read(path)["gaps"]["count"] == 99  # a total knows them all
    evidence.close()


def test_given_soaks_that_have_ended_when_written_then_only_what_was_counted_into_is_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = kept(path)
    evidence.open("shadow", IDENTITY)
    for mode in ("rust", "shadow") * 4:
        late = evidence.soak
        evidence.begin(mode, IDENTITY)
        assert evidence.flush()
    read_again: list[Counters] = []
    snapshot = Counters.snapshot
    monkeypatch.setattr(Counters, "snapshot", lambda one: (read_again.append(one), snapshot(one))[1])
    assert evidence.flush()
    assert read_again == [evidence.soak.counters], "the cost of a change does not grow with their number"
    late.counters.record("divergence", "verdict")
    assert evidence.flush()
    assert late.counters in read_again
    assert read(path)["totals"][late.mode]["divergence"] == evidence.report()["ever"]["divergence"] == 1
    evidence.close()


def test_given_calls_in_two_modes_when_flushed_then_each_interval_has_the_counts_of_its_mode(
    path: Path,
) -> None:
    hands = Hands()
    evidence = kept(path, hands)
    evidence.open("shadow", IDENTITY)
    count(evidence, legacy=Spent(2e-5, 1e-5), rust=Spent(1e-5, 5e-6))
    evidence.begin("rust", IDENTITY)
    count(evidence)
    count(evidence, "rust_error")
    assert evidence.flush()
    hands.pass_(61)
    count(evidence)
    assert evidence.flush()
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT started, mode, counts FROM interval ORDER BY started, mode").fetchall()
    found = [
        (started, mode, {n: v for n, v in json.loads(text).items() if n.startswith("outcome")})
        for started, mode, text in rows
    ]
    minute = int(START // 60) * 60
    assert found == [
        (minute, "rust", {"outcome/rust/match": 1, "outcome/rust/rust_error": 1}),
        (minute, "shadow", {"outcome/shadow/match": 1}),
        (minute + 60, "rust", {"outcome/rust/match": 1}),
    ]
    evidence.close()


# The soak clock


@pytest.mark.parametrize("changed", ["release", "python", "config_fingerprint", "mode"])
def test_given_a_change_when_a_soak_begins_then_log_and_report_say_why(
    path: Path, changed: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = kept(path)
    first.open("shadow", IDENTITY)
    assert first.report()["soak_why"] == "first start with evidence"
    first.close()
    second = kept(path)
    mode = "rust" if changed == "mode" else "shadow"
    second.open(mode, IDENTITY if changed == "mode" else IDENTITY | {changed: "other"})
    why = second.report()["soak_why"]
    assert why.startswith(f"{changed} ")
    assert f"a new soak begins: {why}" in caplog.text
    second.close()


def test_given_a_time_without_a_process_when_the_soak_goes_on_then_it_is_a_gap_and_not_observed(
    path: Path,
) -> None:
    hands = Hands()
    first = kept(path, hands)
    first.open("shadow", IDENTITY)
    for _ in range(10):
        hands.pass_(1)
        first.flush()
    first.close()
    hands.pass_(100)
    second = kept(path, hands)
    second.open("shadow", IDENTITY)
    hands.pass_(2)
    second.flush()
    report = second.report()
    gap = {"from": START + 10, "to": START + 110, "why": "no process ran"}
    assert report["gaps"] == {"count": 1, "seconds": 100.0, "recent": [gap]}
    assert (report["observed_seconds"], report["process_started"]) == (12, START + 110)
    assert read(path)["gaps"] == {"count": 1, "seconds": 100.0}
    second.close()


@pytest.mark.parametrize(
    ("steady", "wall", "why"),
    [
        (60, 60, "the evidence could not be written"),
        (1, 3600, "the clock went forward, or the machine slept"),
        (1, -3600, "the clock went back"),
    ],
)
def test_given_clocks_that_part_or_a_long_silence_when_flushed_then_it_is_a_gap(
    path: Path, steady: float, wall: float, why: str
) -> None:
    hands = Hands()
    evidence = kept(path, hands)
    evidence.open("shadow", IDENTITY)
    evidence.flush()
    hands.steady += steady
    hands.wall += wall
    evidence.flush()
    report = evidence.report()
    assert [gap["why"] for gap in report["gaps"]["recent"]] == [why]
    assert report["observed_seconds"] == 0
    evidence.close()


def test_given_a_disk_that_refuses_when_it_is_looked_at_then_the_gap_is_in_no_report_before_it_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands()
    evidence = kept(path, hands)
    evidence.open("shadow", IDENTITY)
    evidence.flush()
    hands.pass_(30)
    with monkeypatch.context() as patch:
        patch.setattr(evidence._store, "write", lambda _: (_ for _ in ()).throw(OSError("refused")))
        assert evidence.flush() is False
    report = evidence.report()
    assert (report["flushed"], report["gaps"]["count"], report["observed_seconds"]) == (START, 0, 0)
    assert evidence.flush() is True
    assert evidence.report()["gaps"]["count"] == 1
    evidence.close()


# What both engines gave


def test_given_rejects_when_only_one_engine_gave_them_then_they_cover_nothing() -> None:
    counters = Counters()
    counters.record("match", accepted=False, reason="bad_proof")
    counters.record("divergence", "verdict", accepted=False, reason="no_work")
    counters.record("skipped", "resync", accepted=False, reason="bad_height")
    counters.record("alone", accepted=False, reason="malformed")
    found = counters.snapshot()
    assert found["rejects_compared"] == {"bad_proof": 1}
    assert set(found["rejected"]) == {"bad_proof", "no_work", "bad_height", "malformed"}


def test_given_pairs_when_counted_then_exactly_one_is_not_above_one() -> None:
    edge = RATIO_EDGES.index(1.0)
    counters = Counters()
    for rust_s in (0.5, 1.0, 1.0000001, 3.0):
        counters.record("match", accepted=True, legacy=Spent(1.0), rust=Spent(rust_s))
    counters.record("match", accepted=False, reason="no_work", legacy=Spent(1.0), rust=Spent(7.0))
    counters.record("rust_error", legacy=Spent(1.0), rust=Spent(9.0))  # no pair: there is no verdict
    ratio = counters.snapshot()["ratio"]
    assert counters.snapshot()["reject_ratio"]["sum"] == 7.0
    assert (ratio["count"], sum(ratio["counts"][: edge + 1])) == (4, 2)
    assert ratio["sum"] == pytest.approx(5.5)


def test_given_a_node_at_work_when_it_compares_then_each_match_is_a_pair_with_conversion(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    for block in [*chain(3), sealed(genesis_block(), index=9)]:
        place.judge(wrapper, block)
    stats = wrapper.stats()
    assert stats["outcomes"]["match"] == 4
    assert (stats["ratio"]["count"], stats["reject_ratio"]["count"]) == (3, 1)
    assert stats["rejects_compared"] == {"bad_height": 1}


def test_given_a_rust_engine_when_it_judges_then_its_time_is_that_of_capture_judge_and_apply(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]

    class Slow:
        def capture(self, _: Any) -> Any:
            now[0] += 1

        def judge(self, *_: Any) -> Any:
            now[0] += 10
            raise RuntimeError("no verdict")

        def apply(self, *_: Any) -> None:
            now[0] += 100

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(timing.time, "thread_time_ns", lambda: round(now[0] / 2 * 1e9))
    for cost in ("READING_NS", "READING_S", "ASKING_NS"):
        monkeypatch.setattr(timing, cost, 0.0)
    engine = rust_engine.RustEngine(Slow(), None)
    for _ in range(2):  # the second block begins anew
        engine.parse(b"")
        now[0] += 5000
        engine.judge(None, 0.0, "full")
        now[0] += 5000
        engine.apply(None, b"")
        assert engine.spent == Spent(wall=111, cpu=55.5)


# For other processes


def test_given_a_node_when_its_file_is_read_then_it_fits_the_schema_and_agrees_with_the_node(
    place: Place,
) -> None:
    wrapper = place.start("shadow")
    for block in chain(45):
        place.judge(wrapper, block)
    wrapper._manager.demote(wrapper._manager.active, "a test", None)
    assert wrapper._manager.evidence.flush()
    found = read(place.folder / "evidence.db")
    check("evidence-file", found)
    assert found["evidence"]["outcomes"] == wrapper.stats()["outcomes"]
    assert found["totals"]["shadow"]["match"] == found["ratio"]["count"] == 45
    assert {engine: one["count"] for engine, one in found["cpu"].items()} == {"legacy": 45, "rust": 45}
    assert (found["demotions"], found["restarts"]) == (1, 1)
    assert found["latched"]["why"] == "a test"
    assert found["chain"]["height"] == 45
    assert list(found["chain"]["fingerprints"]) == ["20", "10", "0"]
    assert found["chain"]["fingerprints"]["20"] == chain(20)[-1]["block_hash"]


def test_given_a_node_that_has_stopped_when_its_file_is_read_from_a_closed_folder_then_it_is_still_told(
    path: Path,
) -> None:
    evidence = kept(path)
    evidence.open("shadow", IDENTITY)
    count(evidence)
    evidence.close()
    assert not Path(f"{path}-wal").exists()
    found = read(path)
    assert (found["evidence"]["calls"], Path(f"{path}-wal").exists()) == (1, False)


def test_given_final_when_it_is_committed_then_the_baseline_is_frozen_and_survives(place: Place) -> None:
    wrapper = place.start("rust")
    for block in chain(3):
        place.judge(wrapper, block)
    assert wrapper.stats()["baseline"] is None
    wrapper.set_mode("final", who="test", why="phase 3")
    wrapper.close()
    again = place.start("final")
    baseline = again.stats()["baseline"]
    assert (baseline["mode"], baseline["ratio"]["count"], baseline["outcomes"]["match"]) == ("rust", 3, 3)
    assert baseline["durations"]["cpu"]["rust"]["count"] == 3
    check("evidence", again.stats())


@pytest.mark.parametrize("content", [None, b"", b"this is no database, " * 100])
def test_given_no_evidence_when_read_then_the_path_and_the_cause_are_named(
    path: Path, content: bytes | None
) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvidenceError, match=str(path)):
        read(path)


def test_given_the_reader_when_it_is_imported_then_no_engine_and_no_wrapper_is() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(WRAPPER)!r}); import coinjecture_migration.evidence_reader;"
        "print([m for m in sys.modules if m.startswith(('coinjecture', 'consensus'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert loaded == {
        "coinjecture_migration",
        "coinjecture_migration.evidence_reader",
        "coinjecture_migration.evidence",
        "coinjecture_migration.evidence.histograms",
        "coinjecture_migration.runtime",
        "coinjecture_migration.runtime.timing",
        "coinjecture_migration.vocabulary",
    }
