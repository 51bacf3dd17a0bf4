"""Given a database, when the process ends or a write fails at any point, then what was committed is there."""

import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from testnet.node.src.storage import Storage, StorageError, TransactionConflictError

SRC = Path(__file__).parents[2] / "testnet" / "node" / "src"
BLOCK = b'{"block_hash": "a", "nonce": NaN}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chain.db"


def run_until_killed(path: Path, script: str) -> None:
    """Run a script with an open storage in a process that dies at the end without closing anything."""
    head = f"import os, storage, pathlib; db = storage.Storage(pathlib.Path({str(path)!r}))\n"
    command = [sys.executable, "-B", "-c", head + script + "\nos._exit(9)"]
    assert subprocess.run(command, cwd=SRC, check=False).returncode == 9


def test_a_block_and_its_effects_are_there_after_a_crash_behind_the_commit(path: Path) -> None:
    run_until_killed(
        path,
        "with db.transaction():\n"
        "    db.store_work_index(1, 2**80, 'a')\n"
        "    db.store_tip('a', 2**80)\n"
        f"    db.append_block({BLOCK!r}, 12.5)",
    )
    storage = Storage(path)
    assert list(storage.iter_blocks()) == [(BLOCK, 12.5)]
    assert storage.work("a") == (1, 2**80)
    assert storage.last_tip() == ("a", 2**80)


def test_nothing_of_a_block_is_there_after_a_crash_before_the_commit(path: Path) -> None:
    run_until_killed(
        path,
        "context = db.transaction()\n"
        "context.__enter__()\n"
        "db.store_work_index(1, 5, 'a')\n"
        "db.store_tip('a', 5)\n"
        f"db.append_block({BLOCK!r}, 12.5)",
    )
    storage = Storage(path)
    assert list(storage.iter_blocks()) == []
    assert storage.work("a") is None
    assert storage.last_tip() is None


def test_an_acknowledged_transaction_survives_a_crash(path: Path) -> None:
    run_until_killed(path, "db.add_transaction('t', '{}', 1.0)")
    assert Storage(path).transactions() == [("t", "{}")]


def test_a_block_sent_again_is_a_second_row_and_is_found_as_it_came_last(path: Path) -> None:
    storage = Storage(path)
    again = b'{"block_hash":"a"}'
    storage.append_block(BLOCK, 1.0)
    storage.append_block(again, 2.0)
    assert list(storage.iter_blocks()) == [(BLOCK, 1.0), (again, 2.0)]
    found = storage.block("a")
    assert found is not None and (found.raw, found.received_at) == (again, 2.0)


@pytest.mark.parametrize("key", [None, 1, True, "\ud800", [1], {"a": 1}, float("nan"), 10**400])
def test_any_json_value_can_be_a_block_hash(path: Path, key: object) -> None:
    storage = Storage(path)
    storage.append_block(json.dumps({"block_hash": key}).encode(), 1.0)
    storage.store_work_index(-0.5, 10**300, key)
    assert storage.block(key) is not None
    assert storage.work(key) == (-0.5, 10**300)


def test_a_long_log_is_read_in_order_page_by_page(path: Path) -> None:
    storage = Storage(path)
    with storage.transaction():
        for number in range(1234):
            storage.append_block(json.dumps({"block_hash": number}).encode(), float(number))
    assert [received for _, received in storage.iter_blocks()] == [float(n) for n in range(1234)]
    assert storage.count_blocks() == 1234


def test_an_inner_transaction_that_fails_undoes_itself_and_no_more(path: Path) -> None:
    storage = Storage(path)
    with storage.transaction():
        storage.append_block(b'{"block_hash": "kept"}', 1.0)
        with pytest.raises(RuntimeError), storage.transaction():
            storage.append_block(b'{"block_hash": "undone"}', 2.0)
            raise RuntimeError
    assert [raw for raw, _ in storage.iter_blocks()] == [b'{"block_hash": "kept"}']


def test_an_outer_transaction_that_fails_undoes_all(path: Path) -> None:
    storage = Storage(path)
    with pytest.raises(RuntimeError), storage.transaction():
        with storage.transaction():
            storage.append_block(BLOCK, 1.0)
        raise RuntimeError
    assert storage.count_blocks() == 0
    storage.append_block(BLOCK, 1.0)
    assert storage.count_blocks() == 1


def test_threads_take_turns_and_every_write_arrives(path: Path) -> None:
    storage = Storage(path)

    def write(name: str) -> None:
        for number in range(25):
            with storage.transaction():
                storage.append_block(json.dumps({"block_hash": f"{name}-{number}"}).encode(), 1.0)
                storage.store_tip(f"{name}-{number}", number)

    threads = [threading.Thread(target=write, args=(f"thread-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.count_blocks() == 100


def test_a_full_disk_leaves_what_was_there_and_the_next_write_works(path: Path) -> None:
    storage = Storage(path)
    storage.append_block(BLOCK, 1.0)
    pages = storage._writer.execute("PRAGMA page_count").fetchone()[0]
    storage._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        storage.append_block(json.dumps({"block_hash": "big", "x": "x" * 100_000}).encode(), 2.0)
    storage._writer.execute("PRAGMA max_page_count = 1000000")
    storage.append_block(BLOCK, 3.0)
    assert [received for _, received in storage.iter_blocks()] == [1.0, 3.0]


def test_a_transaction_again_is_known_and_another_under_its_id_is_refused(path: Path) -> None:
    storage = Storage(path)
    assert storage.add_transaction("t", "1", 1.0) is True
    assert storage.add_transaction("t", "1", 2.0) is False
    with pytest.raises(TransactionConflictError, match="choose another id"):
        storage.add_transaction("t", "2", 3.0)


def test_a_file_that_is_no_database_is_refused_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"this is no database, and it is longer than a header of one" * 100)
    with pytest.raises(StorageError, match="restore it from a backup"):
        Storage(path)


def test_commits_wait_for_the_disk(path: Path) -> None:
    storage = Storage(path)
    assert storage._writer.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert storage._writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
