"""Whoever reads evidence.db and stays: its log does not grow without bound, and says who is in the way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from coinjecture_migration.evidence import store as evidence_store
from coinjecture_migration.evidence.store import Batch, EvidenceStore
from coinjecture_migration.evidence_reader import read

MOST = 64 * 1024
HALF = {"a fact": "x" * (MOST // 2)}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(evidence_store, "MAX_WAL_BYTES", MOST)
    return tmp_path / "evidence.db"


def log_bytes(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def test_given_a_reader_that_stays_then_the_log_stops_growing_and_goes_on_when_it_leaves(path: Path) -> None:
    store = EvidenceStore(path)
    store.write(Batch(now=1.0, facts=HALF))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM fact").fetchall()
    with pytest.raises(OSError, match="cannot be emptied while somebody reads"):
        for _ in range(100):
            store.write(Batch(now=2.0, facts=HALF))
    stopped = log_bytes(path)
    assert stopped < 3 * MOST
    with pytest.raises(OSError, match="who has it open"):
        store.write(Batch(now=3.0, facts=HALF))
    assert log_bytes(path) == stopped
    store.write(Batch(now=4.0, facts={"a latch": "now"}, durable=True))
    reader.close()
    store.write(Batch(now=5.0, facts={"a fact": "short"}))
    assert log_bytes(path) <= MOST
    assert store.facts() == {"a fact": "short", "a latch": "now"}


def test_given_the_toolkits_own_reader_between_all_writes_then_the_log_stays_short(path: Path) -> None:
    store = EvidenceStore(path)
    for second in range(50):
        store.write(Batch(now=float(second), facts=HALF))
        assert read(path)["evidence"] is None
    assert log_bytes(path) <= 2 * MOST


def test_given_durable_batches_when_their_log_is_taken_into_the_file_between_then_it_does_not_grow(
    path: Path,
) -> None:
    store = EvidenceStore(path)
    lengths = []
    for second in range(20):
        store.write(Batch(now=float(second), facts={"a fact": "x" * 9_000}, durable=True))
        store.shorten_log()
        lengths.append(log_bytes(path))
    assert lengths[-1] == lengths[1]


def test_given_a_statement_of_an_old_sqlite_when_more_totals_come_than_it_takes_then_all_are_added(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_store, "MOST_AT_ONCE", 3)
    store = EvidenceStore(path)
    counts = {f"a/{number}": 1.0 for number in range(10)}
    for _ in range(2):
        store.write(Batch(now=1.0, counts=dict(counts)))
    assert store.totals() == dict.fromkeys(counts, 2.0)
