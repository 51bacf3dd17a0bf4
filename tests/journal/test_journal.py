"""The step journal: a chain that shows every edit, gap and cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import (
    FIRST,
    append,
    recorded_mode,
    unfinished,
    verify,
    verify_chain,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.journal_file import (
    JournalBrokenError,
    JournalFile,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder
from report.schemas import validator

ROOT = Path(__file__).resolve().parents[2]


def entry(**other: Any) -> dict[str, Any]:
    """What a caller gives."""
    return {
        "at": 1_700_000_000.5,
        "who": "ops@desk",
        "why": "phase 1",
        "what": "step done",
        "node": "node1",
    } | other


def a_journal(count: int) -> list[str]:
    """The lines of a journal of so many records."""
    text = ""
    for number in range(count):
        text = append(text, entry(why=f"step {number}", to="shadow"))
    return text.splitlines()


def broken(lines: list[str], head: Any = None) -> str:
    """What is wrong with a journal; the head is its own where none is given."""
    found = verify("".join(f"{line}\n" for line in lines), head or own_head(lines))
    assert found["broken"] is not None
    return found["broken"]


def own_head(lines: list[str]) -> dict[str, Any]:
    last = json.loads(lines[-1])
    return {"seq": last.get("seq"), "digest": last.get("digest")}


def test_given_no_journal_then_it_is_empty_and_whole() -> None:
    assert verify("", None) == {"records": [], "head": None, "broken": None}


def test_given_records_then_each_names_the_one_before_it_and_fits_the_schema() -> None:
    lines = a_journal(3)
    records = [json.loads(line) for line in lines]
    assert [record["seq"] for record in records] == [1, 2, 3]
    assert [record["prev"] for record in records] == [FIRST, records[0]["digest"], records[1]["digest"]]
    for record in records:
        validator("journal").validate(record)
    assert verify("\n".join(lines), own_head(lines))["broken"] is None


@pytest.mark.parametrize(
    "field", ["who", "why", "what", "gate", "from", "to", "hashes", "detail", "at", "node"]
)
def test_given_an_edit_of_any_field_then_the_line_is_named(field: str) -> None:
    lines = a_journal(3)
    record = json.loads(lines[1])
    record[field] = "another"
    lines[1] = json.dumps(record)
    assert broken(lines).startswith("line 2: its content is not what was written")


def test_given_an_edit_with_a_fresh_digest_then_the_next_record_shows_it() -> None:
    lines = a_journal(3)
    forged = append("\n".join(lines[:1]) + "\n", entry(why="forged")).splitlines()
    assert "line 3: record 3 does not follow the record before it" in broken([*forged, lines[2]])


def test_given_a_removed_record_then_the_gap_is_named() -> None:
    lines = a_journal(4)
    assert "1 records are missing" in broken([lines[0], *lines[2:]])


def test_given_a_removed_beginning_then_the_gap_is_named() -> None:
    assert "2 records are missing" in broken(a_journal(4)[2:])


def test_given_records_out_of_order_then_it_is_broken() -> None:
    lines = a_journal(3)
    assert broken([lines[1], lines[0], lines[2]], own_head(lines)).startswith("line 1:")


def test_given_a_cut_end_then_the_head_shows_it() -> None:
    lines = a_journal(4)
    assert broken(lines[:2], own_head(lines)) == "the last 2 of 4 records are missing"


def test_given_a_whole_journal_in_place_of_another_then_the_head_shows_it() -> None:
    other = append("", entry(why="forged")).splitlines()
    assert broken(other, own_head(a_journal(1))) == "record 1 is another one than the journal's head names"


def test_given_a_write_broken_off_before_the_head_then_the_journal_is_whole() -> None:
    lines = a_journal(3)
    assert verify("\n".join(lines), own_head(lines[:2]))["broken"] is None


def test_given_a_head_that_is_older_than_one_record_then_it_is_broken() -> None:
    lines = a_journal(3)
    assert "2 records follow the journal's head" in broken(lines, own_head(lines[:1]))


@pytest.mark.parametrize("head", [{}, {"seq": "1"}, {"seq": 0}])
def test_given_a_damaged_head_then_it_is_broken(head: Any) -> None:
    assert verify("\n".join(a_journal(1)), head)["broken"] == "the file of the journal's head is damaged"


def test_given_a_head_that_was_removed_then_it_is_broken() -> None:
    assert verify("\n".join(a_journal(2)), None)["broken"] == "the file of the journal's head is missing"


@pytest.mark.parametrize("line", ['{"schema": 1, "se', "[]", "{}", "1"])
def test_given_a_line_that_is_no_record_then_it_is_broken_there(line: str) -> None:
    assert verify("\n".join([*a_journal(2), line]), None)["broken"].startswith("line 3:")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "change", [{"who": ""}, {"why": " "}, {"what": None}, {"node": 1}, {"at": "now"}, {"x": 1}]
)
def test_given_an_entry_that_is_no_record_then_it_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="record of the step journal"):
        append("", entry(**change))


def test_given_steps_and_a_rollback_then_the_last_one_tells_the_mode() -> None:
    text = append("", entry(to="shadow"))
    text = append(text, entry(what="rollback", to="legacy"))
    text = append(text, entry(what="override", to="rust"))
    assert recorded_mode(verify_chain(text)["records"]) == "legacy"
    assert recorded_mode([]) is None


# On the disk


@pytest.fixture
def journal(tmp_path: Path) -> JournalFile:
    return JournalFile(OperatorFolder(tmp_path / "operator"))


def test_given_no_folder_then_the_first_record_makes_it(journal: JournalFile) -> None:
    assert journal.append(entry())["seq"] == 1
    assert journal.append(entry())["seq"] == 2
    assert journal.read()["broken"] is None
    assert json.loads(journal.path.with_name("journal.jsonl.head").read_text())["seq"] == 2
    assert sorted(path.name for path in journal.path.parent.iterdir()) == [
        ".lock", "backups", "journal.jsonl", "journal.jsonl.head", "reserve",
    ]  # fmt: skip


def test_given_a_broken_journal_then_nothing_is_written(journal: JournalFile) -> None:
    journal.append(entry())
    journal.path.write_text(journal.path.read_text().replace("phase 1", "phase 2"))
    before = journal.path.read_bytes()
    with pytest.raises(JournalBrokenError, match="line 1"):
        journal.append(entry())
    assert journal.path.read_bytes() == before


def test_given_a_removed_journal_then_its_head_shows_it(journal: JournalFile) -> None:
    journal.append(entry())
    journal.path.unlink()
    assert journal.read()["broken"] == "the last 1 of 1 records are missing"


def test_given_a_broken_journal_when_set_aside_then_it_is_kept_and_another_begins(
    journal: JournalFile,
) -> None:
    journal.append(entry())
    journal.path.write_bytes(b"\xff\n")
    kept = journal.set_aside()
    assert kept is not None
    assert kept.read_bytes() == b"\xff\n"
    assert journal.append(entry())["seq"] == 1


def test_given_a_whole_journal_then_it_is_not_set_aside(journal: JournalFile) -> None:
    assert journal.set_aside() is None
    journal.append(entry())
    assert journal.set_aside() is None
    assert journal.read()["records"]


@pytest.mark.parametrize(
    ("written", "open_"),
    [
        ([], []),
        (["step started"], ["step started"]),
        (["step started", "restart", "lock broken", "step started"], ["step started"]),
        (["step started", "restart", "step done"], []),
        (["step started", "rollback"], []),
        (["step started", "removed"], []),
        (["step done", "step started"], ["step started"]),
        (["acknowledge started"], ["acknowledge started"]),
        (["step started", "acknowledge started", "step done"], ["acknowledge started"]),
        (["acknowledge started", "acknowledged"], []),
        (["paused", "step done", "rollback"], ["paused"]),
        (["paused", "pause lifted"], []),
        (["paused", "pause lifted", "paused"], ["paused"]),
    ],
)
def test_given_what_was_begun_then_it_is_open_until_its_end_is_recorded(
    written: list[str], open_: list[str]
) -> None:
    text = ""
    for what in written:
        text = append(text, entry(what=what, to="rust"))
    found = unfinished(verify_chain(text)["records"])
    assert list(found) == open_
    if written == ["step started", "restart", "lock broken", "step started"]:
        assert found["step started"]["seq"] == 4, "the newest beginning is the one that is finished"
