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
