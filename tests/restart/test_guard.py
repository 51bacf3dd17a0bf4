"""The guard's way through its stages, on a host in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from seamless_restart.guard import Guard
from seamless_restart.host import CommandFailedError
from seamless_restart.settings import Change, Settings
from seamless_restart.stages import Record, Report, Stage, State

from .fake_host import PORT, SERVICE, FakeHost

ADD = r"add element inet \S+ "


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def guard(host: FakeHost, folder: Path, **asked: Any) -> Guard:
    record = Record(State("abc123", Stage.CHECKING, "{}"), folder / "state.json")
    return Guard(host, Settings(SERVICE, PORT, "/health", **asked), record)


def run(host: FakeHost, folder: Path, **asked: Any) -> Report:
    return guard(host, folder, **asked).run()


def untouched(host: FakeHost) -> bool:
    """The service is the one that ran before, and nothing of ours is in anyone's way."""
    never_told = not any(re.search(rf"(stop|start) --no-block -- {SERVICE}", line) for line in host.said)
    return never_told and host.service_pid == 100 and not host.sets and not host.table and not host.detour_pid


def test_given_a_service_that_fits_then_each_thing_is_done_after_what_it_needs(
    host: FakeHost, tmp_path: Path
) -> None:
    report = run(host, tmp_path)
    assert (report.outcome, report.how, report.main_pid) == ("restarted", "seamless", (100, 101))
    places = host.order(
        r"haproxy -c",
        r"nft -f -$",
        r"systemd-run",
        ADD + "trial",
        r"flush set \S+ \S+ trial",
        ADD + "detour",
        ADD + "hold",
        f"systemctl restart --no-block -- {SERVICE}",
        r"flush set \S+ \S+ hold",
        r"flush set \S+ \S+ detour",
        r"systemctl stop --no-block -- coinjecture-detour-abc123",
    )
    assert places == sorted(places)
    assert not host.table and not host.detour_pid


def test_given_direct_connections_then_the_restart_waits_until_the_last_has_closed(
    host: FakeHost, tmp_path: Path
) -> None:
    host.direct_left, host.under_way = 40, 25
    assert run(host, tmp_path).outcome == "restarted"
    assert (host.direct_left, host.under_way) == (0, 0)


def test_given_a_long_wait_then_elements_are_renewed_before_they_time_out(
    host: FakeHost, tmp_path: Path
) -> None:
    host.direct_left = 1000  # at 20 ms each longer than an element lives
    assert run(host, tmp_path, drain_limit=60).outcome == "restarted"
    assert sum("add element" in line and " detour " in line for line in host.said) >= 5


def test_given_connections_left_at_the_limit_then_nothing_was_touched_and_the_report_says_who(
    host: FakeHost, tmp_path: Path
) -> None:
    host.silent_clients = 2
    report = run(host, tmp_path, drain_limit=5)
    assert (report.outcome, report.stage, report.left) == ("not touched", "DRAINING", 2)
    assert "10.0.0.9 (2)" in report.why
    assert len(report.choices) == 3
    assert untouched(host)


def test_given_the_same_and_cut_then_it_goes_on_and_says_how_many_were_cut(
    host: FakeHost, tmp_path: Path
) -> None:
    host.silent_clients = 2
    report = run(host, tmp_path, how="forced", drain_limit=5)
    assert (report.outcome, report.left) == ("restarted", 2)


def test_given_requests_that_take_too_long_then_nothing_was_touched(host: FakeHost, tmp_path: Path) -> None:
    host.under_way = 10_000
    report = run(host, tmp_path, flight_limit=2)
    assert (report.outcome, report.stage) == ("not touched", "HOLDING")
    assert untouched(host)


def test_given_answers_that_are_not_rewritten_then_the_trial_finds_it_before_any_client_is_led_away(
    host: FakeHost, tmp_path: Path
) -> None:
    host.drain_rewrites = False
    report = run(host, tmp_path)
    assert (report.outcome, report.stage) == ("not touched", "TRIAL")
    assert not any("add element" in line and " detour " in line for line in host.said)
    assert untouched(host)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "does not answer a plain request"),
        (b"", "does not answer a plain request"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "TLS"),
        (b"HTTP/1.0 200 OK\r\nDate: Mon, 23 Nov 2026 09:04:03 GMT\r\n\r\n", "plain HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "no Date header"),
        (b"HTTP/1.1 404 Not Found\r\nDate: Mon, 23 Nov 2026 09:04:03 GMT\r\n\r\n", "status 404"),
    ],
)
def test_given_a_service_that_does_not_fit_then_the_check_says_why_and_starts_nothing(
    host: FakeHost, tmp_path: Path, answer: bytes | None, why: str
) -> None:
    host.answer = answer
    report = run(host, tmp_path)
    assert (report.outcome, report.stage) == ("not touched", "CHECKING")
    assert why in report.why
    named = [choice.split(":")[0] for choice in report.choices]
    assert named == ["restart_strategy=forced", "restart_strategy=plain"]
    assert host.said == []


def test_given_a_port_that_is_another_units_then_it_is_restarted_without_a_detour_and_users_are_watched(
    host: FakeHost, tmp_path: Path
) -> None:
    host.elsewhere = ""
    report = run(host, tmp_path, control="/run/control.sock")
    assert (report.outcome, report.how, report.main_pid) == ("restarted", "apart", (100, 101))
    assert (report.missed, report.seconds["held"]) == (0, 0.0)
    assert report.seconds["whole"] >= 5.0, "that a process begins says nothing yet"
    assert "takes no connection of a user" in report.notes[0]
    assert not any("nft" in line or "haproxy" in line for line in host.said)


def test_given_a_unit_apart_whose_new_code_ends_then_the_old_one_is_put_back(
    host: FakeHost, tmp_path: Path
) -> None:
    host.elsewhere, host.broken = "", True
    report = run(host, tmp_path, put_back=(Change("/code", source="/good"),))
    assert (report.outcome, report.how) == ("put back", "apart")
    assert [change.path for change in host.applied] == ["/code"]


def test_given_a_unit_apart_without_which_users_get_no_answer_then_it_is_told_how_often(
    host: FakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.elsewhere = ""
    answer = host.ask
    monkeypatch.setattr(host, "ask", lambda *asked: None if 0.5 < host.clock < 2 else answer(*asked))
    report = run(host, tmp_path)
    assert (report.outcome, report.missed > 3) == ("restarted", True)
    assert f"users were not answered {report.missed} of " in report.notes[-1]


def test_given_a_proxy_before_the_unit_then_the_detour_is_before_the_proxy(
    host: FakeHost, tmp_path: Path
) -> None:
    host.elsewhere = "127.0.0.1:9000"
    report = run(host, tmp_path)
    assert (report.outcome, report.how) == ("restarted", "seamless")
    assert "listens on 127.0.0.1:9000; the detour is before what has port 8080" in report.notes[0]
    assert any("haproxy -c" in line for line in host.said)


def test_given_a_port_of_its_own_and_the_unit_that_serves_users_by_name_then_none_is_led_round(
    host: FakeHost, tmp_path: Path
) -> None:
    host.elsewhere = "127.0.0.1:9000"  # no user asks there
    assert run(host, tmp_path, api_unit="api.service").how == "apart"


def test_given_sockets_that_cannot_be_read_then_the_unit_is_taken_for_what_users_reach(
    host: FakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise PermissionError("the sockets of process 100 cannot be read")

    monkeypatch.setattr(host, "listeners_of", refuse)
    report = run(host, tmp_path)
    assert (report.outcome, report.how) == ("restarted", "seamless")
    assert "cannot be read: the sockets of process 100" in report.notes[0]
    assert run(host, tmp_path, api_unit="api.service").how == "apart"


def test_given_another_unit_by_name_and_the_port_is_the_units_own_then_it_is_asked_which_is_true(
    host: FakeHost, tmp_path: Path
) -> None:
    report = run(host, tmp_path, api_unit="api.service")
    assert report.outcome == "not touched"
    assert "says that api.service serves users, and port 8080 is node.service's own" in report.why
    assert untouched(host)


def test_given_a_service_that_speaks_tls_and_cut_then_whole_connections_are_held_from_the_start(
    host: FakeHost, tmp_path: Path
) -> None:
    host.answer = b"\x15\x03\x01\x00\x02\x02\x16"
    report = run(host, tmp_path, how="forced")
    assert (report.outcome, report.left) == ("restarted", 3)
    first = next(line for line in host.said if " detour " in line and "add element" in line)
    assert " hold " in first
    assert any("mode tcp" in text for text in host.files.values())


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::"])
def test_given_a_service_on_other_addresses_then_only_plain_is_offered(
    host: FakeHost, tmp_path: Path, address: str
) -> None:
    host.listens = address
    report = run(host, tmp_path)
    assert report.outcome == "not touched"
    assert address in report.why
    assert [choice.split(":")[0] for choice in report.choices] == ["restart_strategy=plain"]
    assert untouched(host)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::"])
def test_given_a_service_on_other_addresses_then_the_advice_to_restart_it_plainly_works(
    host: FakeHost, tmp_path: Path, address: str
) -> None:
    host.listens = address
    how = run(host, tmp_path).choices[0].split(":")[0].removeprefix("restart_strategy=")
    report = run(host, tmp_path, how=how)
    assert (report.outcome, report.how) == ("restarted", "plain")


def test_given_direct_connections_left_then_the_longer_limit_that_is_named_waits_for_them(
    host: FakeHost, tmp_path: Path
) -> None:
    host.direct_left = 200
    refused = run(host, tmp_path, drain_limit=1)
    assert (refused.outcome, refused.choices[0].split(",")[0]) == (
        "not touched", "restart_drain_limit above 1 s",
    )  # fmt: skip
    assert run(host, tmp_path, drain_limit=60).outcome == "restarted"


def test_given_another_program_in_front_at_the_same_port_then_the_service_itself_is_asked(
    host: FakeHost, tmp_path: Path
) -> None:
    host.listens, host.in_front = "127.0.0.1", "10.0.0.1"
    report = run(host, tmp_path, how="plain")
    assert (report.outcome, report.how) == ("restarted", "plain")
    host.broken = True
    assert run(host, tmp_path, how="plain").outcome == "down", "the other one's answers are not its own"


def test_given_a_host_without_ipv6_then_a_service_on_every_address_is_asked_by_ipv4(
    host: FakeHost, tmp_path: Path
) -> None:
    host.listens, host.has_ipv6 = "::", False
    assert run(host, tmp_path, how="plain").outcome == "restarted"


def test_given_tools_that_are_not_there_then_it_names_them(host: FakeHost, tmp_path: Path) -> None:
    host.absent = ["/usr/sbin/haproxy"]
    report = run(host, tmp_path)
    assert report.outcome == "not touched"
    assert "/usr/sbin/haproxy" in report.why


def test_given_plain_then_only_the_service_is_told_anything(host: FakeHost, tmp_path: Path) -> None:
    report = run(host, tmp_path, how="plain")
    assert (report.outcome, report.how) == ("restarted", "plain")
    assert not any(line.split()[0] in ("nft", "systemd-run") for line in host.said)


def test_given_a_service_that_is_down_then_it_is_started_plainly(host: FakeHost, tmp_path: Path) -> None:
    host.service_pid = 0
    report = run(host, tmp_path)
    assert (report.outcome, report.how) == ("restarted", "plain")
    assert "not serving" in report.notes[0]


def test_given_changes_then_they_are_made_while_it_is_down(host: FakeHost, tmp_path: Path) -> None:
    report = run(host, tmp_path, meanwhile=(Change("/opt/node.py", source="/new"),))
    assert report.outcome == "restarted"
    places = host.order(
        f"systemctl stop --no-block -- {SERVICE}", "apply /opt/node.py", f"systemctl start .*{SERVICE}"
    )
    assert places == sorted(places)


def test_given_code_that_does_not_start_then_the_old_one_is_put_back_while_requests_are_held(
    host: FakeHost, tmp_path: Path
) -> None:
    class BreaksOnRestart(FakeHost):
        def _systemctl(self, words: list[str]) -> None:
            super()._systemctl(words)
            if words[0] == "restart":
                self.broken = True

    host = BreaksOnRestart()
    report = run(host, tmp_path, put_back=(Change("/opt/node.py", source="/good"),))
    assert report.outcome == "put back"
    places = host.order("apply /opt/node.py", f"systemctl start .*{SERVICE}", r"flush set \S+ \S+ hold")
    assert places == sorted(places)


def test_given_code_that_does_not_start_and_nothing_to_put_back_then_the_report_says_that_it_is_down(
    host: FakeHost, tmp_path: Path
) -> None:
    class StaysDown(FakeHost):
        def unit(self, name: str) -> Any:
            self.broken = self.service_pid > 100
            return super().unit(name)

    host = StaysDown()
    report = run(host, tmp_path, start_limit=5)
    assert report.outcome == "down"
    assert not host.sets, "nobody is made to wait for nothing"


@pytest.mark.parametrize("told", [ADD + "detour", ADD + "hold"])
def test_given_haproxy_dies_before_the_restart_then_nothing_was_touched(
    host: FakeHost, tmp_path: Path, told: str
) -> None:
    host.detour_dies_at = told
    report = run(host, tmp_path)
    assert report.outcome == "not touched"
    assert untouched(host)


def test_given_haproxy_ends_just_before_it_is_told_to_then_that_is_no_error(
    host: FakeHost, tmp_path: Path
) -> None:
    class EndsFirst(FakeHost):
        def run(self, argv: Sequence[str], text: str | None = None) -> str:
            super().run(argv, text)
            if argv[:2] == ["systemctl", "stop"] and argv[-1] != SERVICE:
                raise CommandFailedError("Unit coinjecture-detour-abc123.service not loaded.")
            return ""

    assert run(EndsFirst(), tmp_path).outcome == "restarted"


def test_given_haproxy_dies_while_the_service_is_down_then_the_restart_goes_on(
    host: FakeHost, tmp_path: Path
) -> None:
    host.detour_dies_at = "apply"
    host.apply = lambda changes: host.run(["apply"])  # type: ignore[method-assign]
    report = run(host, tmp_path, meanwhile=(Change("/opt/node.py", source="/new"),))
    assert report.outcome == "restarted"
    assert "haproxy has ended" in report.notes[0]
    assert host.service_pid == 101
