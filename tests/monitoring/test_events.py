"""Alerts on their way to Sentry and Datadog: path, auth header, body, and what if nobody takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coinjecture_events import entries
from coinjecture_events.entries import Alert, Cursor, parse
from coinjecture_events.forward import LONGEST_PAUSE, forward
from coinjecture_events.settings import Settings, SettingsError, load_settings
from coinjecture_events.sinks import NotTakenError, sinks_of

from tests.monitoring.recorder import Recorder, Request, recording

ENTRY = {
    "__CURSOR": "s=1;i=2",
    "__REALTIME_TIMESTAMP": "1700000000123456",
    "PRIORITY": "3",
    "MESSAGE": "CONSENSUS DIVERGENCE",
    "SYSLOG_IDENTIFIER": "coinjecture-migration",
    "COINJECTURE_KIND": "divergence",
    "COINJECTURE_CAPTURE": "ab.json",
    "COINJECTURE_MODE": "rust",
}


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


def alert(**changes: Any) -> Alert:
    found = parse(json.dumps(ENTRY | changes))
    assert found is not None
    return found


def settings(recorder: Recorder, *services: str) -> Settings:
    sentry = recorder.url.replace("http://", "http://public-key@") + "/42"
    return Settings(
        "node1",
        "node.service",
        "/nowhere",
        sentry_dsn=sentry if "sentry" in services else "",
        datadog_url=recorder.url,
        datadog_api_key="the-key" if "datadog" in services else "",
    )


def envelope(request: Request) -> dict[str, Any]:
    """The event in a Sentry envelope: a header, then an item's header and its body, a line each."""
    _, header, body, *_ = request.body.split(b"\n")
    assert json.loads(header)["type"] == "event"
    event: dict[str, Any] = json.loads(body)
    return event


def test_given_an_alert_then_sentry_gets_it_as_an_event_with_its_key(recorder: Recorder) -> None:
    (sink,) = sinks_of(settings(recorder, "sentry"))
    sink.send(alert())
    (request,) = recorder.requests
    assert (request.method, request.path) == ("POST", "/api/42/envelope/")
    assert "sentry_key=public-key" in request.headers["x-sentry-auth"]
    event = envelope(request)
    assert (event["message"], event["level"]) == ("CONSENSUS DIVERGENCE", "error")
    assert event["tags"] == {"kind": "divergence"}
    assert event["extra"] == {"capture": "ab.json", "mode": "rust"}
    assert event["server_name"] == "node1"
    assert event["timestamp"] == 1_700_000_000.123456


def test_given_an_alert_then_datadog_gets_it_as_an_event_with_its_key(recorder: Recorder) -> None:
    recorder.answer = lambda _: (202, b'{"status":"ok"}')
    (sink,) = sinks_of(settings(recorder, "datadog"))
    sink.send(alert())
    (request,) = recorder.requests
    assert (request.method, request.path) == ("POST", "/api/v1/events")
    assert request.headers["dd-api-key"] == "the-key"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "title": "CONSENSUS DIVERGENCE (node1)",
        "text": '{"capture": "ab.json", "mode": "rust"}',
        "alert_type": "error",
        "date_happened": 1_700_000_000,
        "host": "node1",
        "aggregation_key": "coinjecture-divergence",
        "source_type_name": "coinjecture",
        "tags": ["kind:divergence", "node:node1"],
    }


@pytest.mark.parametrize("service", ["sentry", "datadog"])
@pytest.mark.parametrize("status", [403, 500])
def test_given_a_service_that_refuses_then_the_alert_counts_as_not_taken(
    recorder: Recorder, service: str, status: int
) -> None:
    recorder.answer = lambda _: (status, b"{}")
    (sink,) = sinks_of(settings(recorder, service))
    with pytest.raises(NotTakenError):
        sink.send(alert())


@pytest.mark.parametrize("service", ["sentry", "datadog"])
@pytest.mark.parametrize("status", [400, 413])
def test_given_an_alert_that_a_service_will_never_take_then_the_others_do_not_wait_behind_it(
    recorder: Recorder, tmp_path: Path, service: str, status: int
) -> None:
    recorder.answer = lambda _: (status, b"{}")
    sinks, cursor = sinks_of(settings(recorder, service)), Cursor(tmp_path / "cursor")
    forward(
        [alert(__CURSOR="a"), alert(__CURSOR="b")], sinks, cursor, pause=lambda _: pytest.fail("it waits")
    )
    assert cursor.read() == "b"
    assert len(recorder.requests) == 2


@pytest.mark.parametrize("service", ["sentry", "datadog"])
def test_given_nobody_at_the_address_then_the_alert_counts_as_not_taken(service: str) -> None:
    with recording() as recorder:
        gone = settings(recorder, service)
    (sink,) = sinks_of(gone)
    with pytest.raises(NotTakenError):
        sink.send(alert())


class Stubborn:
    """A service that takes an alert at the n-th attempt."""

    def __init__(self, attempts: int) -> None:
        self.attempts, self.seen, self.taken = attempts, 0, list[str]()

    def send(self, alert: Alert) -> None:
        self.seen += 1
        if self.seen < self.attempts:
            raise NotTakenError("not yet")
        self.taken.append(alert.cursor)


def test_given_a_service_that_is_away_then_alerts_wait_for_it_in_order(tmp_path: Path) -> None:
    cursor, pauses, sink = Cursor(tmp_path / "cursor"), list[float](), Stubborn(9)
    forward([alert(__CURSOR="a"), alert(__CURSOR="b")], [sink], cursor, pauses.append)
    assert sink.taken == ["a", "b"]
    assert cursor.read() == "b"
    assert pauses[0] == 1 and max(pauses) == LONGEST_PAUSE


def test_given_an_alert_that_one_service_has_not_taken_then_a_restart_begins_with_it(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path / "cursor")
    cursor.write("before")

    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward([alert()], [Stubborn(1), Stubborn(2)], cursor, stopped)
    assert cursor.read() == "before"


def test_given_no_cursor_yet_then_none_is_read(tmp_path: Path) -> None:
    assert Cursor(tmp_path / "cursor").read() is None


@pytest.mark.parametrize(
    ("priority", "level"), [("2", "fatal"), ("3", "error"), ("4", "warning"), ("6", "info"), (None, "info")]
)
def test_given_a_priority_then_the_level_follows(priority: str | None, level: str) -> None:
    assert alert(PRIORITY=priority).level == level


def test_given_an_entry_without_a_kind_then_it_is_no_alert() -> None:
    assert parse(json.dumps({name: value for name, value in ENTRY.items() if "KIND" not in name})) is None


@pytest.mark.parametrize(("value", "told"), [([97, 255], "a\ufffd"), (None, ""), (["x", "y"], "['x', 'y']")])
def test_given_a_value_that_is_no_text_then_it_is_told_all_the_same(value: Any, told: str) -> None:
    assert alert(COINJECTURE_MODE=value).fields["mode"] == told


@pytest.mark.parametrize(("cursor", "start"), [(None, "--lines=0"), ("s=1", "--after-cursor=s=1")])
def test_given_a_cursor_or_none_then_the_log_is_followed_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cursor: str | None, start: str
) -> None:
    lines = [json.dumps(ENTRY), json.dumps({"__CURSOR": "x", "MESSAGE": "no alert"})]
    program = tmp_path / "journalctl"
    program.write_text(
        f"#!/bin/sh\necho \"$@\" >{tmp_path}/asked\ncat <<'E'\n{chr(10).join(lines)}\nE\necho gone >&2\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = []
    with pytest.raises(RuntimeError, match="journalctl ended: gone"):
        found.extend(entries.follow("node.service", cursor))
    asked = (tmp_path / "asked").read_text().split()
    assert start in asked and "_SYSTEMD_UNIT=node.service" in asked


@pytest.mark.parametrize("text", ["", "{", '{"node": "n"}', '{"node": "n", "unit": "u", "state_dir": "/s"}',
                                  '{"node": "n", "unit": "u", "state_dir": "/s", "dsn": "x"}'])  # fmt: skip
def test_given_wrong_settings_then_the_refusal_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "events.json").write_text(text)
    with pytest.raises(SettingsError, match=r"events.json: .*monitoring.yml"):
        load_settings(tmp_path / "events.json")
