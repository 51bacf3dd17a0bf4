"""The chain database is checked and copied, and never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chain_store import ChainUnreadable, back_up, check

QUERY = "SELECT seq, raw FROM blocks ORDER BY seq"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """A chain of three blocks, held open by its node in write-ahead mode."""
    path = tmp_path / "chain.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as node:
        node.execute("PRAGMA journal_mode=WAL")
        node.execute("CREATE TABLE blocks (seq INTEGER PRIMARY KEY, raw BLOB)")
        node.executemany(
            "INSERT INTO blocks (raw) VALUES (?)", [(b'{"index": 1}',), (b"{}",), (b'{"index": 2}',)]
        )
        yield path


def damage(database: Path) -> None:
    """Overwrite the middle of the file, as a broken disk would."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.executemany("INSERT INTO blocks (raw) VALUES (?)", [(b"x" * 3000,)] * 20)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(database.read_bytes())
    content[4096 : len(content) - 4096] = b"\xff" * (len(content) - 8192)
    database.write_bytes(content)


def test_given_a_healthy_chain_then_every_block_is_counted(database: Path) -> None:
    assert check(database, QUERY) == {"rows": 3, "integrity": "ok", "out_of_domain": 0, "examples": []}


def test_given_a_block_outside_the_domain_then_it_is_named_by_its_sequence(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as node:
        node.execute("INSERT INTO blocks (raw) VALUES (?)", (b"[1]",))
    found = check(database, QUERY)
    assert found["out_of_domain"] == 1
    assert found["examples"] == [{"sequence": 4, "reason": "a JSON list, not an object"}]


def test_given_a_running_node_then_the_copy_holds_what_its_log_holds(database: Path, tmp_path: Path) -> None:
    backup = back_up(database, tmp_path / "copy.db")
    assert backup["rows"] == {"blocks": 3}
    assert check(tmp_path / "copy.db", QUERY)["rows"] == 3
    assert not (tmp_path / "copy.db.part").exists()


def test_given_a_damaged_database_then_neither_check_nor_copy_says_it_is_well(
    database: Path, tmp_path: Path
) -> None:
    damage(database)
    try:
        assert check(database, QUERY)["integrity"] != "ok"
    except ChainUnreadable:
        pass  # refusing to read it is as good
    with pytest.raises(ChainUnreadable):
        back_up(database, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))


def test_given_no_database_then_the_error_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(ChainUnreadable, match="is not there"):
        check(tmp_path / "absent.db", QUERY)
    assert not (tmp_path / "absent.db").exists()


def test_given_a_log_of_another_shape_then_the_error_says_so(database: Path) -> None:
    with pytest.raises(ChainUnreadable, match="no such table"):
        check(database, "SELECT seq, raw FROM other")


def test_given_a_check_or_a_copy_then_the_database_file_is_unchanged(database: Path, tmp_path: Path) -> None:
    before = database.read_bytes()
    check(database, QUERY)
    back_up(database, tmp_path / "copy.db")
    assert database.read_bytes() == before
