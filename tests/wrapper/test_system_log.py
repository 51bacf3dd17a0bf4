"""Alerts in the system log: the three lines of the plan, exactly then, with priority and fields."""

from __future__ import annotations

import logging
import os
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration.runtime import system_log
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.vocabulary import MODES

from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain
from tests.wrapper.double import DoubleEngine

PLAN = {"CONSENSUS DIVERGENCE", "Rust consensus failed, using legacy", "Rust verification error"}
Entry = dict[str, str]


class Journal:
    """A journal's socket that keeps what it is sent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)

    def entries(self) -> list[Entry]:
        """What has come since the last time, read by the rules of the native protocol."""
        found = []
        while True:
            try:
                found.append(parsed(self.socket.recv(1 << 20)))
            except BlockingIOError:
                return found

    def of_the_plan(self) -> list[tuple[str, str]]:
        """Priority and message of the lines the plan names."""
        return [(e["PRIORITY"], e["MESSAGE"]) for e in self.entries() if e["MESSAGE"] in PLAN]


def parsed(datagram: bytes) -> Entry:
    entry = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        (length,) = struct.unpack("<Q", rest[:8])
        entry[name.decode()] = rest[8 : 8 + length].decode()
        assert rest[8 + length : 9 + length] == b"\n"
        datagram = rest[9 + length :]
    return entry


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """The process is a unit, and this is its journal."""
    with tempfile.TemporaryDirectory(prefix="journal") as folder:
        journal = Journal(Path(folder, "socket"))
        send = system_log.send
        monkeypatch.setattr(system_log, "is_ours", lambda: True)
        monkeypatch.setattr(system_log, "send", lambda *given: send(*given, path=journal.path))
        yield journal
        journal.socket.close()


class Overrates(DoubleEngine):
    """A Rust engine with a wrong rule: everything counts double."""

    def judge(self, captured: Any, received_at: float, profile: str) -> Any:
        told = super().judge(captured, received_at, profile)
        return replace(told, work=2.0 * told.work)


class Breaks(DoubleEngine):
    """A Rust engine that raises at every block."""

    def judge(self, captured: Any, received_at: float, profile: str) -> Any:
        raise RuntimeError("broken")


def judge_all(place: Place, mode: str, blocks: list[dict[str, Any]]) -> None:
    """Judge blocks in a mode; an engine's error is an answer too."""
    wrapper = place.start(mode)
    for block in blocks:
        with suppress(RuntimeError):
            place.judge(wrapper, block)


@pytest.mark.parametrize("mode", MODES)
def test_given_engines_that_agree_then_none_of_the_plans_lines_appears(
    place: Place, rust: Callable[[Any], None], journal: Journal, mode: str
) -> None:
    good = chain(3)
    judge_all(place, mode, [*good, sealed(good[-1], solution=[1, 1])])
    assert journal.of_the_plan() == []


@pytest.mark.parametrize(
    ("mode", "engine", "lines"),
    [
        ("shadow", Overrates, [("3", "CONSENSUS DIVERGENCE")]),
        ("rust", Overrates, [("3", "CONSENSUS DIVERGENCE")]),
        ("final", Overrates, []),
        ("shadow", Breaks, [("4", "Rust consensus failed, using legacy")]),
        ("rust", Breaks, [("4", "Rust consensus failed, using legacy")]),
        ("final", Breaks, [("3", "Rust verification error")]),
        ("legacy", Breaks, []),
    ],
)
def test_given_one_block_that_an_engine_gets_wrong_then_exactly_its_line_appears(
    place: Place,
    rust: Callable[[Any], None],
    journal: Journal,
    mode: str,
    engine: type,
    lines: list[tuple[str, str]],
) -> None:
    rust(engine)
    judge_all(place, mode, chain(1))
    assert journal.of_the_plan() == lines


def test_given_an_alert_with_fields_then_each_is_a_field_of_the_entry(journal: Journal) -> None:
    Alerts(None).add(
        "divergence", "CONSENSUS DIVERGENCE", capture=None, legacy={"verdict": "accept"}, text="a\nb"
    )
    assert journal.entries() == [
        {
            "MESSAGE": "CONSENSUS DIVERGENCE",
            "PRIORITY": "3",
            "SYSLOG_IDENTIFIER": "coinjecture-migration",
            "COINJECTURE_KIND": "divergence",
            "COINJECTURE_CAPTURE": "null",
            "COINJECTURE_LEGACY": '{"verdict": "accept"}',
            "COINJECTURE_TEXT": "a\\nb",
        }
    ]


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.CRITICAL, "2"), (logging.ERROR, "3"), (logging.WARNING, "4"), (logging.INFO, "6"), (10, "7")],
)  # fmt: skip
def test_given_a_level_then_the_entry_has_its_priority(journal: Journal, level: int, priority: str) -> None:
    Alerts(None).add("x", "y", level=level)
    assert [entry["PRIORITY"] for entry in journal.entries()] == [priority]


def test_given_a_journal_that_takes_nothing_then_the_alert_is_logged_as_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(system_log, "is_ours", lambda: True)
    monkeypatch.setattr(system_log, "SOCKET", tmp_path / "nobody")
    assert not system_log.send(logging.ERROR, "x", {}, tmp_path / "nobody")
    monkeypatch.setattr(system_log, "send", lambda *_: False)
    Alerts(None).add("divergence", "CONSENSUS DIVERGENCE", capture="c.json")
    assert [record.message for record in caplog.records] == [
        "CONSENSUS DIVERGENCE",
        'divergence: {"capture": "c.json"}',
    ]


def test_given_a_full_journal_then_sending_does_not_wait(journal: Journal) -> None:
    journal.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    answers = {system_log.send(logging.ERROR, "x" * 1000, {}) for _ in range(2000)}
    assert False in answers


def test_given_another_program_then_it_does_not_speak_for_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    assert not system_log.is_ours()
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")
    assert not system_log.is_ours()
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    assert system_log.is_ours() is (os.fstat(2) == status)
