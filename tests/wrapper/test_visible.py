"""Text of strangers reaches a log line, a terminal or the journal as text."""

import io
import json
import logging
import os
import socket
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coinjecture_migration import ctl
from coinjecture_migration.runtime import system_log
from coinjecture_migration.runtime.errors import StartError
from coinjecture_migration.runtime.visible import HIDDEN, visible

from tests.wrapper.conftest import Place, chain

log = logging.getLogger("coinjecture.migration")
NASTY = (
    "\x1b[2J\x1b]0;owned\x07 \x9b31m \x7f \x00 \r\nERROR forged line"
    " \u2028 \u202eesrever \u2066 \u200b \ud800"
)


def steers(text: str) -> list[str]:
    """What of a text is not visible."""
    return [hex(ord(c)) for c in text if unicodedata.category(c) in HIDDEN]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the wrapper's log writes to a plain stream."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    yield stream
    log.removeHandler(handler)


def test_given_any_character_when_made_visible_then_nothing_steers_and_text_stays() -> None:
    every = "".join(map(chr, range(0x11000))) + "\U000e0001"
    assert steers(visible(every)) == []
    plain = "phase 1: Grüße, Ελλάδα, 北京, 🙂 C:\\n"
    assert visible(plain) == plain
    assert visible("a\x1b[0m\n\u202eb") == "a\\x1b[0m\\n\\u202eb"


def test_given_nasty_reasons_and_names_when_they_are_logged_then_no_line_is_forged(
    place: Place, lines: io.StringIO
) -> None:
    wrapper = place.start("shadow")
    manager = wrapper._manager
    manager.prepare("rust", NASTY)
    wrapper.set_mode("rust", who=NASTY, why=NASTY)
    manager.demote(manager.active, NASTY, NASTY)
    manager.ack(NASTY, NASTY)
    wrapper.set_mode("legacy", who=NASTY, why=NASTY)
    try:
        raise ValueError(NASTY)
    except ValueError:
        log.exception("it failed with %s", NASTY)
    written = lines.getvalue()
    assert "forged line" in written
    assert [found for line in written.splitlines() for found in steers(line)] == []
    assert not any(line.startswith("ERROR forged") for line in written.split("\n"))
    wrapper._alerts.deliver()
    assert [steers(alert["message"]) for alert in place.alerts] == [[]]


def looked_at_twice(place: Place, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> Any:
    """A wrapper on a chain, after its sentinel has looked twice at a peer that answers so."""
    place.settings(peers=["http://127.0.0.1:1"])
    wrapper = place.start("shadow")
    for block in chain(25):
        place.judge(wrapper, block)
    sentinel = wrapper._manager.watchers.sentinel
    monkeypatch.setattr(sentinel, "_fetch", lambda _: answer)
    sentinel.look()
    sentinel.look()
    return wrapper


def test_given_a_peer_that_answers_nastily_when_looked_at_then_its_answer_cannot_steer(
    place: Place, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = looked_at_twice(place, monkeypatch, {"hash": NASTY, "depth": 10**6, "block": NASTY})
    assert wrapper._manager.watchers.sentinel.latched is not None
    assert "FORK" in lines.getvalue()
    assert [found for line in lines.getvalue().splitlines() for found in steers(line)] == []


@pytest.mark.parametrize("theirs", ["f" * 8_000_000, ["deep"], None, 7])
def test_given_a_peer_whose_hash_is_none_when_looked_at_then_it_is_an_error_and_is_not_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch, theirs: Any
) -> None:
    wrapper = looked_at_twice(place, monkeypatch, {"hash": theirs, "depth": 10**6, "block": None})
    (said,) = wrapper.stats()["sentinel"]["peers"].values()
    latched = wrapper._manager.watchers.sentinel.latched
    assert (said["hash"], said["agrees"], latched) == (None, None, None)
    assert "no text of at most 128" in said["error"]


def test_given_a_journal_when_a_nasty_entry_is_sent_then_its_fields_cannot_steer(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        assert system_log.send(logging.ERROR, NASTY, {"why": NASTY, "more": [NASTY]}, path)
        datagram = journal.recv(65_536)
    for name in (b"MESSAGE", b"COINJECTURE_WHY", b"COINJECTURE_MORE"):
        _, _, rest = datagram.partition(name + b"\n")
        length = int.from_bytes(rest[:8], "little")
        value = rest[8 : 8 + length].decode()
        assert "forged line" in value
        assert steers(value) == []


def test_given_a_node_that_answers_nastily_when_the_client_prints_it_then_the_terminal_is_not_steered(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper = place.start("shadow")
    wrapper.set_mode("legacy", who=NASTY, why=NASTY)
    assert ctl.main(["status"]) == 0
    told = capsys.readouterr().out
    assert json.loads(told)["why"] == NASTY
    assert [found for line in told.splitlines() for found in steers(line)] == []
    wrapper._manager.demote(wrapper._manager.active, NASTY, None)
    assert ctl.main(["set-mode", "shadow", "--why", "up"]) == 1
    assert steers(capsys.readouterr().err.rstrip("\n")) == []


def test_given_a_refused_start_when_its_cause_is_nasty_then_its_message_cannot_steer() -> None:
    assert steers(str(StartError(NASTY + os.linesep))) == []
