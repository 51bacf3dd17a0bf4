"""What operators are told: who holds the lock, what is broken, and the very command to type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import append, known_by, verify
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.operators import (
    journal_report,
    lock_lines,
    lock_refusals,
    way_on,
)

LOCK = {"id": "aaaa", "who": "alice@laptop"}
REFUSED = {"item": "node1", "outcome": "refused", "lock": LOCK, "why": "held by alice@laptop"}


def test_given_another_runs_lock_then_the_exact_command_to_break_it_is_told() -> None:
    assert lock_refusals([REFUSED]) == [
        "node1 is locked: held by alice@laptop. Wait for it; or, if that run is dead or must not go on, "
        "break its lock: ansible-playbook playbooks/unlock.yml -e break_lock=aaaa "
        "-e 'why=\"the reason\"'"
    ]


def test_given_a_broken_lock_then_the_run_is_told_that_it_stops() -> None:
    broken = {
        "item": "node2",
        "outcome": "broken",
        "lock": None,
        "why": "the lock of this run was broken by bob",
    }
    assert lock_refusals([broken]) == ["node2: the lock of this run was broken by bob; this run stops"]


def test_given_taken_locks_and_a_silent_node_then_nothing_is_refused() -> None:
    taken = {"item": "node1", "outcome": "taken", "lock": LOCK}
    assert lock_refusals([taken, {"item": "node2", "unreachable": True}]) == []


def test_given_the_lock_of_a_run_on_both_nodes_then_the_command_is_shown_once() -> None:
    held = [{"item": name, "lock": LOCK, "why": "held"} for name in ("node1", "node2")]
    lines = lock_lines([*held, {"item": "node3", "unreachable": True}])
    assert lines[:2] == ["node1: held", "node2: held"]
    assert len(lines) == 4
    assert lines[3] == "whether node3 is locked is not known: node3 does not answer"
    assert lock_lines([{"item": "node1", "lock": None, "why": ""}]) == [
        "nobody is at work: no node is locked"
    ]


def test_given_nodes_that_could_not_be_asked_then_nobody_says_that_they_are_free() -> None:
    asked = {"item": "node1", "lock": None, "why": ""}
    silent = {"item": "node2", "unreachable": True, "msg": "node2 does not let this user in"}
    unknown = "whether node2 is locked is not known: node2 does not let this user in"
    assert lock_lines([asked, silent]) == ["no lock on node1", unknown]
    assert lock_lines([silent]) == [unknown]
    assert journal_report([silent], {})["unread"] == ["node2"]


@pytest.mark.parametrize(
    ("state", "back"),
    [
        (None, False),
        ({"mode": "legacy", "remains": []}, False),
        ({"mode": "legacy", "remains": ["/opt/x"]}, True),
        ({"mode": "rust", "remains": []}, True),
    ],
)
def test_given_a_run_that_stopped_then_the_way_back_is_told_only_of_a_node_that_was_touched(
    state: Any, back: bool
) -> None:
    assert ("rollback.yml -l node1" in way_on({"node1": state}, "node1")) is back


def a_journal(count: int) -> str:
    text = ""
    for number in range(count):
        text = append(
            text,
            {
                "at": 1.7e9,
                "who": "ops@desk",
                "why": f"phase {number}",
                "what": "step done",
                "node": "n",
                "phase": 1,
            },
        )
    return text


def found(text: str, copy: str | None = None, **other: Any) -> dict[str, Any]:
    """What the module returns for a journal on node1 beside this copy."""
    lines = text.splitlines()
    verdict = verify(text, json.loads(lines[-1]) if lines else None, known_by(copy))
    records = verdict["records"]
    return {
        "item": "node1", "broken": verdict["broken"], "digests": [record["digest"] for record in records],
        "last": records[-1] if records else None,
    } | other  # fmt: skip


def test_given_whole_journals_then_the_last_record_is_told_and_no_copy_is_no_gap() -> None:
    report = journal_report([found(a_journal(2)), {"item": "node2", "unreachable": True}], {})
    assert report["broken"] == []
    assert report["lines"] == [
        "journal of node1: 2 records, whole; last: step done of phase 1 by ops@desk at "
        "2023-11-14 22:13:20 UTC (phase 1)",
        "journal of node2: not read: node2 does not answer",
    ]
    assert journal_report([found("")], {"node1": ""})["lines"] == [
        "journal of node1: empty, nothing was done"
    ]


def test_given_a_broken_journal_then_what_to_do_is_told() -> None:
    report = journal_report([found("", broken="line 2: an edit")], {})
    assert report["broken"] == [
        "the step journal of node1 is broken: line 2: an edit. Look into it, then: "
        "ansible-playbook playbooks/journal.yml -l node1 -e 'set_aside=\"the reason\"'"
    ]


def test_given_a_copy_that_knows_more_then_the_missing_record_is_named() -> None:
    copy = a_journal(3)
    cut = "".join(copy.splitlines(True)[:2])
    (told,) = journal_report([found(cut, copy)], {"node1": copy})["broken"]
    assert "record 3, which the controller has a copy of, is missing" in told


def test_given_a_copy_of_another_record_then_it_is_named() -> None:
    text = ""
    for _ in range(2):
        text = append(text, {"at": 1, "who": "x", "why": "x", "what": "x", "node": "x"})
    (told,) = journal_report([found(text, a_journal(2))], {"node1": a_journal(2)})["broken"]
    assert "record 2 is another one than the controller has a copy of" in told


def test_given_an_older_or_a_damaged_copy_then_it_tells_nothing() -> None:
    copy = a_journal(1) + "{torn"
    assert journal_report([found(a_journal(3), copy)], {"node1": copy})["broken"] == []


def removed(journal: str) -> str:
    """The copy of a journal that went with the wrapper, and with a restart."""
    end = {"at": 1.7e9, "who": "ops@desk", "why": "not now", "node": "n"}
    return append(append(journal, end | {"what": "removed"}), end | {"what": "restart"})


def test_given_a_node_without_the_wrapper_then_the_copy_tells_the_end_of_its_journal() -> None:
    copy = removed(a_journal(2))
    report = journal_report([found("", copy)], {"node1": copy})
    assert report["broken"] == []
    assert report["lines"] == [
        "journal of node1: taken away with the wrapper; the controller's copy: 4 records, whole; last: "
        "restart by ops@desk at 2023-11-14 22:13:20 UTC (not now)"
    ]


def test_given_a_wrapper_that_came_again_then_the_new_journal_owes_nothing_to_the_one_before() -> None:
    begun = append("", {"at": 1.8e9, "who": "x", "why": "x", "what": "step done", "node": "n"})
    copy = removed(a_journal(2))
    report = journal_report([found(begun, copy)], {"node1": copy})
    assert report["broken"] == []
    assert report["lines"][0].startswith("journal of node1: 1 records, whole")


def test_given_a_removal_that_has_only_begun_then_its_journal_must_still_be_whole() -> None:
    cut = "".join(a_journal(2).splitlines(True)[:1])
    copy = removed(a_journal(2))
    (told,) = journal_report([found(cut, copy)], {"node1": copy})["broken"]
    assert "record 4, which the controller has a copy of, is missing" in told


def test_given_a_journal_in_the_old_place_then_it_is_said_where_it_lies() -> None:
    there = {"moved": False, "path": "/var/lib/of-the-node/journal.jsonl"}
    (line,) = journal_report([found(a_journal(1), **there)], {})["lines"]
    assert "still in the old place, /var/lib/of-the-node/journal.jsonl: the next play that writes" in line
