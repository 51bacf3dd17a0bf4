"""The chain database is checked and copied, and never changed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import chain_store
from ansible_collections.coinjecture.migration.plugins.module_utils.chain_store import (
    ChainUnreadableError,
    back_up,
    check,
    keep,
)

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


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """The tables of a node that keeps no log of blocks: one row, of which no block can be made."""
    path = tmp_path / "blockchain.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as node:
        node.execute("CREATE TABLE headers (header_hash BLOB, header_bytes BLOB, height INTEGER)")
        node.execute("CREATE TABLE blocks (block_hash BLOB, block_bytes BLOB, header_hash BLOB)")
        row = b'{"index": 0, "previous_hash": ""}'
        node.execute("INSERT INTO blocks VALUES (x'ab', ?, x'cd')", (row,))
    return path


def test_given_another_schema_then_it_is_no_damage_and_what_fits_is_told(deployed: Path) -> None:
    with pytest.raises(ChainUnreadableError) as refused:
        check(deployed, QUERY)
    said = str(refused.value)
    assert f"does not fit {deployed}, which is not damaged: no such column: seq" in said
    assert (
        "headers (header_hash, header_bytes, height); blocks (block_hash, block_bytes, header_hash)" in said
    )
    assert "or an empty one where the node keeps no log of blocks" in said


def test_given_a_node_without_a_log_then_its_tables_are_counted_and_nothing_is_said_of_a_chain(
    deployed: Path,
) -> None:
    found = check(deployed, "")
    assert (found["rows"], found["integrity"], found["tables"]) == (0, "ok", {"headers": 0, "blocks": 1})


def test_given_a_row_of_which_no_block_can_be_made_then_it_is_no_chain(deployed: Path) -> None:
    found = check(deployed, "SELECT rowid, block_bytes FROM blocks", ("index", "previous_hash", "complexity"))
    assert (found["rows"], found["out_of_domain"]) == (1, 1)
    assert found["examples"] == [{"sequence": 1, "reason": "no block: it lacks complexity"}]


def test_given_a_query_that_gives_something_else_then_it_is_said_what(deployed: Path) -> None:
    with pytest.raises(ChainUnreadableError, match=r"gives \(bytes, bytes\), and not a sequence number"):
        check(deployed, "SELECT block_hash, block_bytes FROM blocks")


def test_given_another_file_of_the_nodes_data_then_it_is_copied_as_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")
    assert keep(tmp_path / "state.json", tmp_path / "copy")["bytes"] == 2
    assert (tmp_path / "copy").read_text() == "{}"
    with pytest.raises(ChainUnreadableError, match="is not there"):
        keep(tmp_path / "absent", tmp_path / "copy")


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
    except ChainUnreadableError:
        pass  # refusing to read it is as good
    with pytest.raises(ChainUnreadableError):
        back_up(database, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))


def test_given_no_database_then_the_error_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(ChainUnreadableError, match="is not there"):
        check(tmp_path / "absent.db", QUERY)
    assert not (tmp_path / "absent.db").exists()


def test_given_a_log_of_another_shape_then_the_error_says_so(database: Path) -> None:
    with pytest.raises(ChainUnreadableError, match="no such table"):
        check(database, "SELECT seq, raw FROM other")


def test_given_a_check_or_a_copy_then_the_database_file_is_unchanged(database: Path, tmp_path: Path) -> None:
    before = database.read_bytes()
    check(database, QUERY)
    back_up(database, tmp_path / "copy.db")
    assert database.read_bytes() == before


COMMITS = """
import sqlite3, sys, time
node = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5)
node.execute("INSERT INTO blocks (raw) VALUES (x'00')")
print("at work", flush=True)
while True:
    time.sleep(0.02)
    node.execute("INSERT INTO blocks (raw) VALUES (x'00')")
"""


@pytest.fixture
def busy(database: Path) -> Iterator[Path]:
    """A chain of 2,000 pages to which another process commits 50 times a second."""
    with closing(sqlite3.connect(database, isolation_level=None)) as node:
        node.execute("BEGIN")
        node.executemany("INSERT INTO blocks (raw) VALUES (?)", [(b"x" * 3500,)] * 2000)
        node.execute("COMMIT")
    writer = subprocess.Popen([sys.executable, "-c", COMMITS, str(database)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"at work\n"
        yield database
    finally:
        writer.kill()
        writer.wait()


class Slowly(chain_store.Deadline):
    """Waits for a commit of the node between two parts of a copy."""

    seen = 0

    def look(self, status: int, remaining: int, total: int) -> None:
        super().look(status, remaining, total)
        Slowly.seen += 1
        assert Slowly.seen <= 25, "the copy was begun anew"
        with closing(sqlite3.connect(self._database)) as other:
            count = "SELECT count(*) FROM blocks"
            first = other.execute(count).fetchone()
            while other.execute(count).fetchone() == first:
                pass


def test_given_a_node_that_commits_all_the_time_then_the_copy_ends_and_holds_one_moment(
    busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Slowly.seen = 0
    monkeypatch.setattr(chain_store, "Deadline", Slowly)
    backup = back_up(busy, tmp_path / "copy.db", pages=100)
    assert Slowly.seen > 15
    with closing(sqlite3.connect(busy)) as node:
        assert 2003 < backup["rows"]["blocks"] < node.execute("SELECT count(*) FROM blocks").fetchone()[0]


def test_given_no_time_then_the_copy_is_refused_with_the_reason_and_nothing_is_left(
    busy: Path, tmp_path: Path
) -> None:
    with pytest.raises(ChainUnreadableError, match=r"was stopped after 0 s with 1 of \d+ pages done"):
        back_up(busy, tmp_path / "copy.db", limit=0, pages=1)
    assert not list(tmp_path.glob("copy.db*"))


def test_given_a_rollback_journal_then_the_node_waits_no_longer_than_it_may(
    database: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.db"
    with closing(sqlite3.connect(database)) as node, closing(sqlite3.connect(plain)) as other:
        node.backup(other)
        other.execute("PRAGMA journal_mode=DELETE")
    assert back_up(plain, tmp_path / "copy.db")["rows"] == {"blocks": 3}
    with pytest.raises(ChainUnreadableError, match="in mode delete the node cannot commit meanwhile"):
        back_up(plain, tmp_path / "other.db", hold=0, pages=1)


def test_given_a_disk_without_room_then_the_copy_is_refused_before_it_begins(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_store, "ROOM_LEFT", 2**62)
    with pytest.raises(ChainUnreadableError, match="make room, then run the same command again"):
        back_up(database, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))
