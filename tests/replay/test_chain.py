"""A node's whole log, and mutants of it, through both engines."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from coinjecture.replay import captures, legacy, parallel, report, walk
from coinjecture.replay import snapshot as snapshots
from coinjecture.replay.__main__ import main
from coinjecture.replay.errors import BadInputError
from coinjecture.replay.network import read_network
from coinjecture.replay.snapshot import Row, count, snapshot
from coinjecture.replay.snapshot import rows as read_rows
from coinjecture.replay.tally import Tally
from coinjecture_migration.evidence.histograms import FINE, Durations
from consensus_surface import REASONS

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import durations
from report.schemas import validator
from testnet.node.src.storage import Storage
from tests.oracle.support import sealed

from .chains import Rows, database, grown, network
from .support import GENESIS_BLOCK, LEGACY, run_bare, wrong_legacy

DYING = "import json, os\nif os.environ.get('DIE'): os._exit(7)\nimport math"


def replay(folder: Path, rows: Rows, *options: str, engine: Path = LEGACY) -> tuple[int, dict[str, Any]]:
    """Run the command on a log; its status and what it wrote."""
    chain = folder / "chain.db"
    if not chain.exists():
        database(folder, rows)
    out = folder / "replay.json"
    call = [str(chain), "--legacy", str(engine), "--network", str(network(folder)), "--json", str(out)]
    status = main([*call, "--captures-dir", str(folder / "captures"), *options])
    content: dict[str, Any] = json.loads(out.read_text(encoding="ascii"))
    validator("replay").validate(content)
    return status, content


def test_given_a_log_with_forks_and_replaced_blocks_when_it_is_replayed_then_both_engines_agree_on_all_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = grown(60)
    status, content = replay(tmp_path, rows, "--mutants", "24", "--jobs", "2")
    assert status == 0 and content["divergences"] == {"count": 0, "captured": []}
    assert content["blocks"] == len(rows) == content["ratio"]["pairs"]
    assert content["verdicts"]["blocks"] == {"accept": len(rows)}
    measured = durations.read(content["durations"], "replay")
    assert measured is not None
    assert measured.cpu.pairs == len(rows), "each accept is a pair for the latency gate"
    assert content["mutants"] == 24 * len(rows)
    assert set(REASONS) | {"accept"} <= set(content["verdicts"]["mutants"])
    cases = content["bound"]["cases"]
    assert content["bound"]["upper"] == pytest.approx(1 - 0.05 ** (1 / cases))
    said = capsys.readouterr().out
    assert "processor time of an accepted block in us: median " in said
    assert "bad_tier_size" in said and "of blocks like these fewer than one in" in said


def test_given_large_blocks_then_few_of_them_are_in_the_memory_for_one_call() -> None:
    rows = [Row(number, b"x" * size, 1.0) for number, size in enumerate([walk.BYTES_AT_ONCE - 1, 1, 1, 1])]
    assert [[row.sequence for row in batch] for batch in walk.batches(rows)] == [[0, 1], [2, 3]]
    small = [Row(number, b"x", 1.0) for number in range(2 * walk.ROWS_AT_ONCE)]
    assert [len(batch) for batch in walk.batches(small)] == [walk.ROWS_AT_ONCE] * 2
    assert list(walk.batches([])) == []


def test_the_number_of_processes_changes_nothing_but_the_time(tmp_path: Path) -> None:
    rows = grown(30)
    results = [replay(tmp_path, rows, "--mutants", "4", "--jobs", jobs)[1] for jobs in ("1", "2", "3")]
    first, *others = ({"verdicts": one["verdicts"], "cases": one["bound"]["cases"]} for one in results)
    assert all(other == first for other in others)


def test_given_a_wrong_rule_when_a_log_is_replayed_then_each_divergence_is_a_file_that_replays_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = wrong_legacy(tmp_path / "legacy", "* weight * size *", "* size *")
    status, content = replay(tmp_path, grown(12), "--mutants", "3", "--jobs", "1", engine=engine)
    assert status == 1 and content["bound"]["upper"] is None
    found = content["divergences"]
    assert found["count"] == len(found["captured"]) > 12
    assert "work" in found["captured"][0]["differs"]
    files = [tmp_path / "captures" / one["file"] for one in found["captured"]]
    assert main(["--captures", *map(str, files), "--legacy", str(engine)]) == 1
    assert main(["--captures", *map(str, files), "--legacy", str(LEGACY)]) == 0
    assert "0 still diverge" in capsys.readouterr().out


def test_given_one_stored_block_that_divides_the_engines_then_its_descendants_are_compared_as_ever(
    tmp_path: Path,
) -> None:
    parent, rows = GENESIS_BLOCK, []
    for height in range(1, 21):
        changes = {"timestamp": parent["timestamp"]} if height == 5 else {}
        parent = sealed(parent, tag=height, **changes)
        rows.append((parent, 1.7e9 + height))
    engine = wrong_legacy(tmp_path / "legacy", 'block["timestamp"] <= parent', 'block["timestamp"] < parent')
    status, content = replay(tmp_path, rows, "--mutants", "0", "--jobs", "1", engine=engine)
    assert status == 1
    assert [one["sequence"] for one in content["divergences"]["captured"]] == [5]


def test_given_a_block_outside_the_domain_then_it_is_listed_and_its_descendants_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep: Any = []
    for _ in range(70):
        deep = [deep]
    parent, rows = GENESIS_BLOCK, []
    for height in range(1, 13):
        parent = sealed(parent, tag=height, transactions=deep if height == 4 else [])
        rows.append((parent, 1.7e9 + height))
    for jobs in ("1", "3"):
        status, content = replay(tmp_path, rows, "--mutants", "2", "--jobs", jobs)
        assert status == 0
        (outside,) = content["out_of_domain"]
        assert (outside["sequence"], outside["legacy"]) == (4, "accept")
        assert content["verdicts"]["blocks"] == {"accept": 11, "out_of_domain": 1}
    assert "block 4 is outside the domain" in capsys.readouterr().out


def test_given_a_stored_block_that_both_reject_then_it_is_listed(tmp_path: Path) -> None:
    rows = [(sealed(GENESIS_BLOCK), 1.7e9), (sealed(GENESIS_BLOCK, index=5), 1.7e9)]
    status, content = replay(tmp_path, rows, "--mutants", "0")
    assert status == 0 and content["not_accepted"] == [{"sequence": 2, "reason": "bad_height"}]


def damaged_row(chain: Path, statement: str) -> None:
    with sqlite3.connect(chain) as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE blocks SET raw = substr(raw, 1, 100) WHERE seq = 7",
        "UPDATE blocks SET raw = '[1]' WHERE seq = 7",
        "UPDATE blocks SET hash = '\"00\"' WHERE seq = 7",
        "UPDATE blocks SET received_at = 'noon' WHERE seq = 7",
        "UPDATE blocks SET raw = CAST('{}' AS BLOB) WHERE seq = 7",
    ],
)
def test_given_a_damaged_row_then_the_status_is_2_and_the_block_is_named(
    statement: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = database(tmp_path, grown(12))
    damaged_row(chain, statement)
    call = [str(chain), "--legacy", str(LEGACY), "--network", str(network(tmp_path)), "--jobs", "2"]
    assert main([*call, "--mutants", "0"]) == 2
    assert "block 7 is damaged" in capsys.readouterr().err


def test_given_damaged_pages_then_the_status_is_2_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = database(tmp_path, grown(400))
    data = bytearray(chain.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 8192] = b"\xa5" * 8192
    chain.write_bytes(data)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    given = network(tmp_path)
    assert main([str(chain), "--legacy", str(LEGACY), "--network", str(given), "--mutants", "0"]) == 2
    error = capsys.readouterr().err
    assert "is damaged" in error and "restore it from a backup" in error
    given.unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_given_a_node_that_is_running_then_what_it_has_committed_is_replayed_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "node"
    folder.mkdir()
    storage = Storage(folder / "chain.db")
    for block, received_at in grown(5):
        storage.append_block(json.dumps(block).encode(), received_at)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    call = [str(folder / "chain.db"), "--legacy", str(LEGACY), "--network", str(network(tmp_path))]
    out = tmp_path / "replay.json"
    assert main([*call, "--mutants", "1", "--json", str(out)]) == 0
    assert json.loads(out.read_text(encoding="ascii"))["blocks"] == len(grown(5))
    after = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    assert after == before and "chain.db-wal" in before
    storage.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b"no database at all" * 100), "not a database"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE other (x)"), "no log of blocks"),
    ],
)
def test_given_no_node_s_database_then_the_status_is_2_and_says_so(
    make: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.db"
    make(path)
    assert main([str(path), "--legacy", str(LEGACY), "--network", str(network(tmp_path))]) == 2
    error = capsys.readouterr().err
    assert said in error and str(path) in error


def test_given_another_network_s_genesis_then_the_status_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = network(tmp_path)
    given.write_text(
        given.read_text(encoding="ascii").replace('"seed": "', '"seed": "other-'), encoding="ascii"
    )
    chain = database(tmp_path, grown(1))
    assert main([str(chain), "--legacy", str(LEGACY), "--network", str(given)]) == 2
    assert "genesis" in capsys.readouterr().err


@pytest.mark.parametrize("call", [[], ["chain.db", "--captures", "x"], ["chain.db", "--jobs", "0"]])
def test_an_impossible_call_ends_with_2(call: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(call)
    assert ended.value.code == 2


def test_given_a_worker_that_dies_then_the_status_is_2_and_says_how_to_find_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = wrong_legacy(
        tmp_path / "legacy",
        "import json\nimport math",
        DYING,
    )
    chain = database(tmp_path, grown(6))
    legacy.load(engine)
    monkeypatch.setenv("DIE", "1")
    call = [str(chain), "--legacy", str(engine), "--network", str(network(tmp_path)), "--jobs", "2"]
    assert main(call) == 2
    assert "ended with status 7" in capsys.readouterr().err


def test_given_the_wheel_alone_when_the_output_is_a_pipe_then_it_works_without_control_characters(
    tmp_path: Path,
) -> None:
    chain = database(tmp_path, grown(10))
    call = (
        str(chain),
        "--legacy",
        str(LEGACY),
        "--network",
        str(network(tmp_path)),
        "--mutants",
        "2",
        "--json",
    )
    done = run_bare(tmp_path, *call)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["divergences"]["count"] == 0
    assert "\r" not in done.stderr and "\x1b" not in done.stderr


def test_on_a_terminal_one_line_is_redrawn(tmp_path: Path) -> None:
    chain = database(tmp_path, grown(10))
    ours, theirs = pty.openpty()
    call = [sys.executable, "-m", "coinjecture.replay", str(chain), "--legacy", str(LEGACY)]
    call += ["--network", str(network(tmp_path)), "--mutants", "2", "--jobs", "1"]
    done = subprocess.run(call, stderr=theirs, stdout=subprocess.PIPE, check=False, cwd=tmp_path)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "\r[##############################]" in shown and "100%" in shown


def test_parts_cover_the_log_and_none_is_empty() -> None:
    assert parallel.parts(10, 3) == [(0, 3), (3, 6), (6, 10)]
    assert parallel.parts(2, 8) == [(0, 1), (1, 2)]
    assert parallel.parts(0, 4) == [(0, 0)]


def test_ratios_are_counted_exactly() -> None:
    from array import array

    told = report.ratio(array("d", [0.1] * 98 + [0.5, 2.0]))
    assert (told["pairs"], told["median"], told["p99"], told["above_1"]) == (100, 0.1, 0.5, 1)
    assert sum(told["histogram"]["counts"]) == 100
    assert len(told["histogram"]["counts"]) == len(told["histogram"]["bounds"]) + 1
    assert report.ratio(array("d"))["median"] is None


def test_durations_are_counted_in_the_buckets_of_a_nodes_evidence() -> None:
    tally, parts, evidence = Tally(), [Tally(), Tally()], Durations(FINE)
    for place, seconds in enumerate((0.0, 1e-9, 3.3e-6, 1.5e-4, 1.51e-4, 0.2)):
        parts[place % 2].add_pair(seconds, seconds / 3)
        evidence.add(seconds)
    for part in parts:
        tally.add(part)
    assert report._durations(tally, "legacy") == evidence.as_json() | {"sum": 0.200304}
    told = report._durations(tally, "legacy")
    assert [round(report._quantile(told, share)) for share in (0.5, 0.8, 0.99)] == [3, 151, 201_450]
    assert report._durations(tally, "rust")["count"] == 6


def test_given_stored_blocks_then_the_engines_take_turns_in_being_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []
    for name, kind in (("legacy", walk.Legacy), ("rust", walk.Rust)):

        def noting(self: Any, *rest: Any, name: str = name, judge: Any = kind.judge, **more: Any) -> Any:
            judged.append(name)
            return judge(self, *rest, **more)

        monkeypatch.setattr(kind, "judge", noting)
    known = read_network(network(tmp_path))
    walked = walk.Walk(legacy.load(LEGACY), known, "full", tmp_path, {})
    for sequence, (block, received_at) in enumerate(grown(4), start=1):
        walked.compare(Row(sequence, json.dumps(block).encode(), received_at), 0, 1)
    assert judged[:8] == ["rust", "legacy", "legacy", "rust"] * 2
    assert walked.tally.durations["rust"].total() == len(grown(4))


def test_the_bound_is_the_exact_one_and_close_to_the_rule_of_three() -> None:
    assert report.upper_bound(0) is None
    assert report.upper_bound(1) == pytest.approx(0.95)
    bound = report.upper_bound(100_000)
    assert bound is not None and bound == pytest.approx(3 / 100_000, rel=0.01)


def test_the_files_of_captures_are_of_the_schema(tmp_path: Path) -> None:
    engine = wrong_legacy(tmp_path / "legacy", "* weight * size *", "* size *")
    _, content = replay(tmp_path, grown(3), "--mutants", "0", "--jobs", "1", engine=engine)
    for one in content["divergences"]["captured"]:
        path = tmp_path / "captures" / one["file"]
        validator("capture").validate(json.loads(path.read_text(encoding="ascii")))
        assert captures.read(path).profile == "full"


KILLED = """
import os, sqlite3, sys
node = sqlite3.connect(sys.argv[1], isolation_level=None)
node.execute("PRAGMA journal_mode=DELETE")
node.execute("PRAGMA cache_spill=1")
node.execute("PRAGMA cache_size=1")
node.execute("BEGIN IMMEDIATE")
for _ in range(2):
    columns = "(hash, raw, received_at) SELECT hash || 'x', raw, received_at"
    node.execute(f"INSERT INTO blocks {columns} FROM blocks")
node.execute("CREATE TABLE more AS SELECT randomblob(100000) AS x")
os._exit(9)
"""


def test_given_a_writer_that_was_killed_then_only_what_it_committed_is_read_and_nothing_is_touched(
    tmp_path: Path,
) -> None:
    chain = database(tmp_path, grown(40))
    with closing(sqlite3.connect(chain)) as node:
        committed = node.execute("SELECT count(*) FROM blocks").fetchone()[0]
    assert subprocess.run([sys.executable, "-c", KILLED, str(chain)], check=False).returncode == 9
    assert chain.with_name("chain.db-journal").stat().st_size > 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with snapshot(chain) as copy:
        assert count(copy, chain) == committed
        assert len(list(read_rows(copy, chain))) == committed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_given_a_database_that_changes_while_it_is_read_without_a_lock_then_it_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, read, uris = database(tmp_path, grown(12)), snapshots._read, []
    with closing(sqlite3.connect(chain)) as node:
        first = node.execute("SELECT count(*) FROM blocks").fetchone()[0]

    def written_to(uri: str, copy: Path, **how: bool) -> bool:
        uris.append(uri)
        done = read(uri, copy, **how)
        if len(uris) == 1:
            damaged_row(
                chain, "INSERT INTO blocks (hash, raw, received_at) SELECT 'x', raw, 1 FROM blocks LIMIT 1"
            )
        return done

    monkeypatch.setattr(snapshots, "_read", written_to)
    with snapshot(chain) as copy:
        assert count(copy, chain) == first + 1
    assert len(uris) == 2


def test_given_a_table_of_other_columns_then_it_is_not_called_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = database(tmp_path, grown(3))
    damaged_row(chain, "ALTER TABLE blocks RENAME COLUMN raw TO body")
    assert main([str(chain), "--legacy", str(LEGACY), "--network", str(network(tmp_path))]) == 2
    error = capsys.readouterr().err
    assert "its table blocks has no raw" in error
    assert "of another schema" in error
    assert "restore" not in error


def test_given_rows_at_and_below_sequence_0_then_they_are_read_too(tmp_path: Path) -> None:
    chain = database(tmp_path, grown(12))
    damaged_row(chain, "UPDATE blocks SET seq = seq - 3")
    with snapshot(chain) as copy:
        sequences = [row.sequence for row in read_rows(copy, chain)]
        assert len(sequences) == count(copy, chain)
    assert sequences[0] == -2


def test_given_an_empty_log_then_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, content = replay(tmp_path, [])
    assert status == 0
    assert content["blocks"] == 0
    assert "has no blocks yet: nothing is compared" in capsys.readouterr().err


def test_given_a_node_that_writes_and_no_time_then_the_copy_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = database(tmp_path, grown(40))
    monkeypatch.setattr(snapshots, "PAGES", 1)
    monkeypatch.setattr(snapshots, "HOLD", 0.0)
    monkeypatch.setattr(snapshots, "LIMIT", -1.0)
    with closing(sqlite3.connect(chain, isolation_level=None)) as node:
        node.execute("PRAGMA journal_mode=WAL")
        node.execute("INSERT INTO blocks (hash, raw, received_at) VALUES ('x', x'00', 1)")
        with pytest.raises(BadInputError, match="stopped after -1 s, 1 of "), snapshot(chain):
            pass
        node.execute("PRAGMA journal_mode=DELETE")
        node.execute("BEGIN IMMEDIATE")
        node.execute("INSERT INTO blocks (hash, raw, received_at) VALUES ('y', x'00', 1)")
        with pytest.raises(BadInputError, match="the node could not commit meanwhile"), snapshot(chain):
            pass
