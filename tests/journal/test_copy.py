"""The controller's copy of a journal: one that knows something else gets another name and is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import append
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs import journal_copy

ENTRY = {"at": 1.7e9, "who": "ops", "why": "phase 1", "what": "step done", "node": "node1", "to": "shadow"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where the copy of a node lies; its folder is not there yet."""
    return tmp_path / "journal/node1.jsonl"


def others(copy: Path) -> list[str]:
    return sorted(path.read_text() for path in copy.parent.iterdir() if path != copy)


def test_given_a_journal_that_goes_on_from_the_copy_then_the_copy_is_replaced(copy: Path) -> None:
    first = append("", ENTRY)
    journal_copy.keep(copy, first)
    journal_copy.keep(copy, append(first, ENTRY))
    assert copy.read_text() == append(first, ENTRY)
    assert others(copy) == []


def test_given_a_journal_of_another_history_then_the_copy_is_renamed_every_time_and_none_is_lost(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: "20260101T000000Z")  # all within one second
    histories = [append("", ENTRY | {"why": why}) for why in ("one", "another", "a third")]
    for history in histories:
        journal_copy.keep(copy, history)
    assert copy.read_text() == histories[-1]
    assert others(copy) == sorted(histories[:-1])
    names = sorted(path.name for path in copy.parent.iterdir())
    assert names == [
        "node1.jsonl", "node1.until-20260101T000000Z-1.jsonl", "node1.until-20260101T000000Z.jsonl",
    ]  # fmt: skip


def test_given_a_journal_that_was_cut_short_then_the_longer_copy_is_kept(copy: Path) -> None:
    long = append(append("", ENTRY), ENTRY)
    journal_copy.keep(copy, long)
    journal_copy.keep(copy, append("", ENTRY))
    assert others(copy) == [long]


def test_given_no_copy_then_there_is_none_to_set_aside(copy: Path) -> None:
    journal_copy.set_aside(copy)
    assert not copy.parent.exists()
