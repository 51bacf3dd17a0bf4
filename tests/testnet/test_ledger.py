"""The users' ledger keeps every outcome, and the figures of a rehearsal follow from it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from testnet.users.ledger import (
    BIN,
    RESTART_MARGIN,
    Entry,
    Kind,
    Ledger,
    Restart,
    Window,
    read_entries,
    report,
)


def entry(
    at: float,
    node: str = "node1",
    kind: Kind = "new",
    *,
    seconds: float = 0.01,
    error: str | None = None,
    reconnected: bool = False,
    transaction: str | None = None,
) -> Entry:
    method = "POST" if transaction else "GET"
    return Entry(at, node, kind, method, "/health", seconds, error, reconnected, transaction)


def test_given_written_entries_then_they_are_read_back_in_order(tmp_path: Path) -> None:
    written = [entry(1.5, transaction="tx-1"), entry(2.5, error="connect: ConnectionRefusedError")]
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for one in written:
        ledger.record(one)
    ledger.close()
    assert list(read_entries(tmp_path / "ledger.jsonl")) == written


def test_given_a_last_line_cut_short_then_the_rest_counts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.record(entry(1.0))
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"at": 2.0, "node"')
    assert list(read_entries(path)) == [entry(1.0)]


def test_given_damage_in_the_middle_then_it_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"at": 1.0}\n{}\n')
    with pytest.raises(ValueError, match=r"ledger\.jsonl, line 1 is no entry"):
        list(read_entries(path))


def test_given_nothing_then_all_figures_are_zero() -> None:
    assert report([])["requests"] == {"total": 0, "failed": 0, "reconnects": 0, "slowest_s": 0.0}


def test_requests_are_counted_as_the_summary_has_them() -> None:
    counted = report(
        [
            entry(1, seconds=0.2),
            entry(2, kind="kept-checking", reconnected=True),
            entry(3, error="timeout", seconds=30.0004),
            entry(4, transaction="tx-1"),
        ]
    )
    assert counted["requests"] == {"total": 4, "failed": 1, "reconnects": 1, "slowest_s": 30.0}
    assert counted["by_kind"]["GET new"] == {"total": 2, "failed": 1}
    assert counted["acknowledged"] == [{"id": "tx-1", "node": "node1", "at": 4}]


def test_a_failure_belongs_to_the_window_its_user_was_waiting_in() -> None:
    windows = [Window("node1", 10, 12), Window("node2", 20, 22)]
    counted = report(
        [
            entry(9.5, seconds=1.0, error="read: ConnectionResetError"),  # begun before, cut within
            entry(11, "node2", error="connect: ConnectionRefusedError"),  # at that time, but the other node
            entry(21, "node2", error="connect: ConnectionRefusedError"),
            entry(23, "node2", error="timeout"),
        ],
        windows,
    )
    assert [failure["window"] for failure in counted["failures"]] == [0, None, 1, None]
    assert [window["failed"] for window in counted["windows"]] == [1, 1]


def test_a_window_counts_new_and_kept_requests_begun_in_it() -> None:
    entries = [
        entry(10),
        entry(11, kind="kept-naive"),
        entry(12, kind="kept-checking"),
        entry(12.1),
        entry(11, "node2"),
    ]
    (window,) = report(entries, [Window("node1", 10, 12)])["windows"]
    assert (window["new"], window["kept"]) == (1, 2)


def test_a_restarts_window_ends_a_little_after_the_first_answer_that_follows() -> None:
    entries = [
        entry(99.9),
        entry(100.5, error="connect: ConnectionRefusedError"),
        entry(101, "node2"),
        entry(101.5, error="connect: ConnectionRefusedError"),
        entry(102, seconds=0.5),
        entry(103),
    ]
    restart = Restart.parse("node1:100:100.1")
    assert restart.window(entries) == Window("node1", 100 - RESTART_MARGIN, 102.5 + RESTART_MARGIN)


def test_given_a_node_that_never_answered_again_then_the_window_lasts_as_long_as_the_ledger() -> None:
    entries = [entry(100.5, error="timeout"), entry(109, error="timeout")]
    assert Restart("node1", 100, 100.1).window(entries).end == 109 + RESTART_MARGIN


def test_the_timeline_counts_every_request_in_its_bin_and_measures_what_users_waited() -> None:
    waits = [0.001 * n for n in range(1, 101)]
    entries = [entry(1000.0 + 0.01 * n, seconds=wait) for n, wait in enumerate(waits)]
    entries += [entry(1000.0 + 2 * BIN, seconds=0.5, error="status 500"), entry(1003.0, "node2")]
    found = report(entries)["timeline"]
    bins = found["node1"]["bins"]
    assert (found["node1"]["start"], found["node1"]["bin_s"]) == (1000.0, BIN)
    assert bins[0] == {"requests": 100, "failed": 0, "p50": 0.051, "p99": 0.1, "slowest": 0.1}
    assert bins[1] == {"requests": 0, "failed": 0, "p50": None, "p99": None, "slowest": None}
    assert bins[2] == {"requests": 1, "failed": 1, "p50": 0.5, "p99": 0.5, "slowest": 0.5}
    assert sum(one["requests"] for node in found.values() for one in node["bins"]) == len(entries)


def test_given_an_empty_ledger_then_there_is_no_timeline() -> None:
    assert report([])["timeline"] == {}
