"""What the guard reads: settings, answers, the kernel's tables of sockets; and the changes that it makes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from seamless_restart.__main__ import unit_argv
from seamless_restart.compatibility import Answer, incompatibility
from seamless_restart.haproxy import config, start_argv
from seamless_restart.host import apply_change
from seamless_restart.kernel_sockets import parse as parse_sockets
from seamless_restart.rules import Table
from seamless_restart.settings import Change, Settings, SettingsError, parse
from seamless_restart.sockets import by_client, direct, listening, under_way

ASKED = {"unit": "node.service", "port": 8080, "path": "/health"}
DATE = "Date: Mon, 23 Nov 2026 09:04:03 GMT\r\n"

# A listener, a client's connection, one of the detour's clients, one of the detour with the service, one that
# ends, one that is being made.
SOCKETS = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 85 1
   1: 0B004E0A:1F90 01004E0A:C350 01 00000000:00000000 00:00000000 00000000   999        0 86 1
   2: 0B004E0A:1F90 01004E0A:C351 01 00000000:00000000 00:00000000 00000000 61000        0 87 1
   3: 4D00007F:1F90 0100007F:C352 01 00000000:00000000 00:00000000 00000000   999        0 88 1
   4: 0B004E0A:1F90 01004E0A:C353 06 00000000:00000000 00:00000000 00000000     0        0 0 1
   5: 0B004E0A:1F90 01004E0A:C354 03 00000000:00000000 00:00000000 00000000   999        0 0 1
"""


def test_given_the_kernels_table_then_connections_are_told_apart() -> None:
    sockets = parse_sockets(SOCKETS)
    assert listening(sockets, 8080) == [ip_address("0.0.0.0")]
    left = direct(sockets, 8080, 61000)
    assert [s.state for s in left] == ["01", "03"], "one that is being made counts, one that ends does not"
    assert by_client(left) == "10.78.0.1 (2)"
    assert [str(s.local) for s in under_way(sockets, 8080)] == ["127.0.0.77"]


def test_given_a_mapped_address_then_it_is_read_as_what_it_is() -> None:
    mapped = "0000000000000000FFFF0000"
    line = f"   0: {mapped}0B004E0A:1F90 {mapped}01004E0A:C350 01 0:0 0:0 0 999 0 5"
    (socket,) = parse_sockets("head\n" + line)
    assert str(socket.local) == "10.78.0.11"


@pytest.mark.parametrize("filling", [0, 50, 182])
def test_given_a_date_within_reach_then_the_service_fits(filling: int) -> None:
    header = f"X: {'y' * (filling - 5)}\r\n" if filling else ""
    assert incompatibility(Answer(f"HTTP/1.1 200 OK\r\n{header}{DATE}\r\n".encode())) is None


def test_given_a_date_out_of_reach_then_it_does_not() -> None:
    answer = Answer(f"HTTP/1.1 200 OK\r\nX: {'y' * 200}\r\n{DATE}\r\n".encode())
    assert "bytes into its answers" in str(incompatibility(answer))


def test_given_a_service_that_closes_by_itself_then_nothing_has_to_be_drained() -> None:
    assert incompatibility(Answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")) is None


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"port": "8080"}, "port"),
        ({"how": "quietly"}, "how"),
        ({"drain_limit": 0}, "drain_limit"),
        ({"path": "health"}, "path"),
        ({"nonsense": 1}, "nonsense"),
        ({"put_back": [{"path": "/a"}]}, "one of"),
        ({"put_back": [{"path": "a", "absent": True}]}, "absolute"),
        ({"put_back": [{"path": "/a", "absent": "no"}]}, "absent of a change is true or false, not 'no'"),
        ({"put_back": [{"path": "/a", "absent": 1}]}, "absent of a change is true or false"),
        ({"meanwhile": [{"path": "/a", "content": 7}]}, "content of a change is a text"),
        ({"meanwhile": [{"path": "/a", "link": ["/b"]}]}, "link of a change is a text"),
        ({"meanwhile": ["/a"]}, "a change is an object"),
        ({"meanwhile": {"path": "/a"}}, "meanwhile is a list"),
        ({"client_address": "no"}, "client_address is true or false, not 'no'"),
        ({"unit": 7}, "unit is a text"),
        ({"reason": None}, "reason is a text"),
    ],
)
def test_given_a_wrong_setting_then_it_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        parse(json.dumps(ASKED | wrong))


def test_given_settings_then_the_units_outlive_every_wait_and_end_by_themselves() -> None:
    settings = parse(json.dumps(ASKED))
    guard = unit_argv(settings, "seamless_restart")
    assert any(option.startswith("--property=ExecStopPost=/usr/bin/python3") for option in guard)
    detour = start_argv("abc", settings, Table("detour_abc", 8080, 18080))
    stops = [option for option in detour if "ExecStopPost" in option]
    assert stops == ["--property=ExecStopPost=-/usr/sbin/nft delete table inet detour_abc"]
    waits = settings.drain_limit + settings.flight_limit + 2 * settings.start_limit
    assert settings.longest > waits
    text = config(settings, Table("detour_abc", 8080, 18080))
    retries = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("  retries"))
    assert retries * 0.1 >= waits, "haproxy waits for the service as long as the operation may take"


def test_given_a_file_then_it_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    old, new = tmp_path / "node.py", tmp_path / "new.py"
    old.write_text("old")
    old.chmod(0o640)
    new.write_text("new")
    for _ in range(2):
        apply_change(Change(str(old), source=str(new)))
        assert (old.read_text(), old.stat().st_mode & 0o777) == ("new", 0o640)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.py", "node.py"]


def test_given_content_link_or_absence_then_it_is_so_afterwards(tmp_path: Path) -> None:
    text, link = tmp_path / "mode.json", tmp_path / "current"
    text.write_text("{}")
    apply_change(Change(str(text), content='{"mode": "legacy"}'))
    assert json.loads(text.read_text()) == {"mode": "legacy"}
    apply_change(Change(str(link), link="releases/a"))
    apply_change(Change(str(link), link="releases/b"))
    assert str(link.readlink()) == "releases/b"
    for _ in range(2):
        apply_change(Change(str(text), absent=True))
        assert not text.exists()


def test_given_nothing_but_what_is_needed_then_the_defaults_are_those_of_the_role() -> None:
    settings = parse(json.dumps(ASKED))
    assert settings == Settings("node.service", 8080, "/health")


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of another user is made as root")
def test_given_a_folder_of_another_user_then_no_link_there_leads_root_to_a_file_of_its_own() -> None:
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        secret, state = place / "secret", place / "state"
        secret.write_text("of root")
        state.mkdir()
        for name in (".mode.json.restart", ".mode.json.new", "mode.json"):
            (state / name).symlink_to(secret)
        os.chown(state, 12345, 12345)
        apply_change(Change(str(state / "mode.json"), content="{}"))
        assert (secret.read_text(), secret.stat().st_uid) == ("of root", 0)
        assert ((state / "mode.json").read_text(), (state / "mode.json").lstat().st_uid) == ("{}", 12345)
    finally:
        shutil.rmtree(place)
