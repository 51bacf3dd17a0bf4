"""A node's service is restarted under load, and whatever dies meanwhile, the node serves and is clean."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .lab import ADDRESS, API_PORT, BROUGHT, GATEWAY, PLAY, ROOT, UNIT, Droplet, users

pytestmark = pytest.mark.droplets

RESTARTS = int(os.environ.get("RESTARTS", "5"))
SRC = "/opt/coinjecture/src"
STAGES = [
    *["CHECKING", "DETOUR", "TRIAL", "DRAINING", "HOLDING", "STOPPING", "CHANGING"],
    *["STARTING", "OPENING", "LEAVING"],
]
SAME_CODE = [{"path": f"{SRC}/pow.py", "from": f"{SRC}/pow.py"}]
"""A change that changes nothing, so that the restart has a stage in which files are changed."""


def test_given_a_fresh_node_when_the_role_restarts_it_under_load_then_no_request_fails(
    droplet: Droplet,
) -> None:
    before = droplet.main_pid()
    with users(droplet) as counted:
        done = droplet.play(PLAY)
        count = counted()
    assert done.returncode == 0, done.stdout[-3000:]
    assert "haproxy" in droplet.sh("cat /var/lib/coinjecture-restart/installed.json"), "what came is listed"
    assert droplet.sh("systemctl is-enabled haproxy; systemctl is-active haproxy; true").split() == [
        "disabled",
        "inactive",
    ]
    assert droplet.main_pid() != before
    assert count["failures"] == []
    droplet.await_clean()


def test_given_users_of_every_habit_when_it_is_restarted_again_and_again_then_none_notices(
    ready: Droplet,
) -> None:
    with users(ready) as counted:
        reports = [ready.guard() for _ in range(RESTARTS)]
        count = counted()
    assert [said["outcome"] for said in reports] == ["restarted"] * RESTARTS
    _print(count, reports)
    assert count["failures"] == []
    assert all(row["total"] > 0 for row in count["by_kind"].values())
    acknowledged = [entry["id"] for entry in count["acknowledged"]]
    assert len(acknowledged) == len(set(acknowledged))
    ready.await_clean()


@pytest.mark.parametrize("stage", STAGES)
def test_given_the_guard_is_killed_at_a_stage_then_the_node_serves_and_is_clean(
    ready: Droplet, stage: str
) -> None:
    with users(ready) as counted:
        said = ready.guard("killed_guard", stage, meanwhile=SAME_CODE)
        count = counted()
    assert (said["outcome"], said["stage"]) == ("undone", stage)
    assert count["failures"] == []
    assert ready.ask()["status"] == "ok"
    ready.await_clean()


def test_given_the_guard_is_killed_while_it_puts_the_old_code_back_then_that_is_finished(
    ready: Droplet,
) -> None:
    good = ready.sh(f"cat {SRC}/pow.py") + "\n"
    with users(ready) as counted:
        said = ready.guard(
            "killed_guard",
            "PUTTING_BACK",
            meanwhile=[{"path": f"{SRC}/pow.py", "content": "raise SystemExit(1)\n"}],
            put_back=[{"path": f"{SRC}/pow.py", "content": good}],
        )
        count = counted()
    assert (said["outcome"], said["stage"]) == ("undone", "PUTTING_BACK")
    assert count["failures"] == []
    assert ready.sh(f"cat {SRC}/pow.py") + "\n" == good
    ready.await_clean()


@pytest.mark.parametrize("stage", [*STAGES[2:]])
def test_given_haproxy_is_killed_at_a_stage_then_the_node_serves_and_is_clean(
    ready: Droplet, stage: str
) -> None:
    with users(ready) as counted:
        said = ready.guard("killed_detour", stage, meanwhile=SAME_CODE)
        count = counted()
    touched = stage not in ("TRIAL", "DRAINING", "HOLDING")
    assert said["outcome"] == ("restarted" if touched else "not touched"), said
    if stage == "TRIAL":
        assert count["failures"] == [], "nobody was led through it yet"
    assert ready.ask()["status"] == "ok"
    ready.await_clean()


def test_given_code_that_does_not_start_then_the_old_one_is_back_before_anyone_has_failed(
    ready: Droplet,
) -> None:
    good = ready.sh(f"cat {SRC}/pow.py") + "\n"
    changes = {
        "restart_changes": [{"path": f"{SRC}/pow.py", "content": "raise SystemExit(1)\n"}],
        "restart_revert": [{"path": f"{SRC}/pow.py", "content": good}],
    }
    with users(ready) as counted:
        done = ready.play(PLAY, "-e", json.dumps(changes))
        count = counted()
    assert done.returncode == 2, "the play says that the step did not succeed"
    assert "the new code did not start; the old one serves again" in done.stdout, done.stdout[-3000:]
    assert count["failures"] == []
    assert ready.sh(f"cat {SRC}/pow.py") + "\n" == good
    ready.await_clean()


def test_given_a_client_that_sends_nothing_then_the_node_is_not_touched_and_the_choices_are_named(
    ready: Droplet,
) -> None:
    before = ready.main_pid()
    with _silent_client() as client, users(ready) as counted:
        said = ready.guard(drain_limit=3)
        count = counted()
        client.sendall(f"GET /health HTTP/1.1\r\nHost: {ADDRESS}\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 200"), "its connection is whole"
    assert (said["outcome"], said["left"]) == ("not touched", 1), said
    assert GATEWAY in said["why"]
    assert [choice.split(":")[0] for choice in said["choices"]] == [
        "restart_drain_limit above 3 s, or a quieter time",
        "restart_strategy=forced",
        "restart_strategy=plain",
    ]
    assert count["failures"] == []
    assert ready.main_pid() == before
    ready.await_clean()


def test_given_that_client_and_the_choice_to_cut_then_only_its_connection_ends(ready: Droplet) -> None:
    with _silent_client() as client, users(ready) as counted:
        said = ready.guard(how="forced", drain_limit=3)
        count = counted()
        client.settimeout(5)
        assert client.recv(4096) == b""
    assert (said["outcome"], said["left"]) == ("restarted", 1), said
    assert count["failures"] == []
    ready.await_clean()


def test_given_the_controller_dies_then_the_operation_comes_to_its_own_end(ready: Droplet) -> None:
    before = ready.main_pid()
    with users(ready) as counted:
        controller = subprocess.Popen(ready.play_argv(PLAY), cwd=ROOT, stdout=subprocess.DEVNULL)
        guard = "coinjecture-restart.service"
        try:
            ready.await_true(lambda: ready.main_pid(guard) != 0)
        finally:
            controller.kill()
            controller.wait()
        ready.sh("pkill -KILL -u ops; true")  # every ssh process of the operator on the droplet
        ready.await_true(lambda: ready.main_pid(guard) == 0, 120)
        ready.await_clean()
        count = counted()
    assert ready.main_pid() != before
    assert count["failures"] == []


def test_given_a_service_without_dates_then_the_role_says_so_and_touches_nothing(ready: Droplet) -> None:
    with _echo(ready, "undated") as unit:
        before = ready.main_pid(unit)
        asked = ["-e", f"coinjecture_unit={unit}", "-e", "coinjecture_api_port=8090"]
        done = ready.play(PLAY, *asked)
        assert done.returncode == 2
        said = " ".join(done.stdout.split())
        assert "runs on as it was: its answers have no Date header" in said, done.stdout[-3000:]
        assert "restart_strategy=forced: " in said and "restart_strategy=plain: " in said
        assert ready.main_pid(unit) == before
        assert ready.play(PLAY, *asked, "-e", "restart_strategy=forced").returncode == 0
        assert ready.main_pid(unit) != before
    ready.await_clean()


def test_given_a_service_on_loopback_alone_then_the_choice_that_the_role_names_ends_well(
    ready: Droplet,
) -> None:
    with _echo(ready, address="127.0.0.1") as unit:
        before = ready.main_pid(unit)
        asked = ["-e", f"coinjecture_unit={unit}", "-e", "coinjecture_api_port=8090"]
        refused = ready.play(PLAY, *asked)
        said = " ".join(refused.stdout.split())
        assert refused.returncode == 2 and "it listens on 127.0.0.1 at port 8090" in said, said[-3000:]
        assert ready.main_pid(unit) == before
        (choice,) = set(re.findall(r"Choose: (restart_strategy=\w+): ", said))
        done = ready.play(PLAY, *asked, "-e", choice)
        assert done.returncode == 0, done.stdout[-3000:]
        assert ready.main_pid(unit) != before
    ready.await_clean()


@pytest.mark.parametrize("address", [ADDRESS, "::"])
def test_given_a_service_on_other_addresses_then_it_is_found_again_where_it_listens(
    ready: Droplet, address: str
) -> None:
    with _echo(ready, address=address) as unit:
        refused = ready.guard(unit=unit, port=8090)
        assert refused["outcome"] == "not touched", refused
        (choice,) = (text.split(":")[0].removeprefix("restart_strategy=") for text in refused["choices"])
        said = ready.guard(unit=unit, port=8090, how=choice)
        assert (said["outcome"], said["how"]) == ("restarted", "plain"), said
    ready.await_clean()


def test_given_a_service_that_speaks_tls_then_cut_lets_new_connections_wait(ready: Droplet) -> None:
    ready.sh(
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -keyout /root/key.pem -out /root/cert.pem"
        " 2>/dev/null; cat /root/key.pem /root/cert.pem > /root/tls.pem"
    )
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    outcomes: set[str] = set()
    over = threading.Event()

    def ask_on() -> None:
        while not over.is_set():
            try:
                url = f"https://{ADDRESS}:8090/"
                outcomes.add(str(urllib.request.urlopen(url, timeout=20, context=trusting).status))
            except OSError as error:
                outcomes.add(str(error))

    with _echo(ready, "tls") as unit:
        assert ready.guard(unit=unit, port=8090)["outcome"] == "not touched"
        client = threading.Thread(target=ask_on)
        client.start()
        said = ready.guard(unit=unit, port=8090, how="forced")
        over.set()
        client.join()
    assert said["outcome"] == "restarted", said
    assert outcomes == {"200"} or said["left"], outcomes
    ready.await_clean()


@pytest.mark.parametrize(("kept", "seen"), [(True, {GATEWAY}), (False, {GATEWAY, "127.0.0.1"})])
def test_given_clients_during_the_operation_then_the_service_sees_their_addresses_if_it_cares(
    ready: Droplet, kept: bool, seen: set[str]
) -> None:
    addresses: set[str] = set()
    over = threading.Event()

    def ask_on() -> None:
        while not over.is_set():
            addresses.add(ready.ask("/", 8090)["client"])

    with _echo(ready) as unit:
        client = threading.Thread(target=ask_on)
        client.start()
        said = ready.guard(unit=unit, port=8090, client_address=kept)
        over.set()
        client.join()
    assert said["outcome"] == "restarted", said
    assert addresses == seen
    ready.await_clean()


def test_given_a_service_that_has_restarted_by_itself_then_the_advice_of_the_health_check_is_enough(
    ready: Droplet,
) -> None:
    def restarts() -> int:
        return int(ready.sh(f"systemctl show --property=NRestarts --value {UNIT}"))

    ready.sh(f"systemctl kill --signal=KILL {UNIT}")
    ready.await_true(lambda: restarts() > 0 and ready.main_pid() > 0)
    ready.sh(f"systemctl reset-failed {UNIT}")
    assert restarts() == 0
    ready.await_true(_serves(ready))


def test_given_a_service_that_is_down_then_it_is_started_plainly(ready: Droplet) -> None:
    ready.sh(f"systemctl stop {UNIT}")
    said = ready.guard()
    assert (said["outcome"], said["how"]) == ("restarted", "plain")
    assert ready.ask()["status"] == "ok"
    ready.await_clean()


def test_given_the_packages_are_removed_then_only_what_the_role_brought_goes(ready: Droplet) -> None:
    done = ready.play(str(BROUGHT / "remove.yml"))
    assert done.returncode == 0, done.stdout[-3000:]
    assert (
        ready.sh(
            "dpkg-query --show haproxy 2>/dev/null; ls -d /var/lib/coinjecture-restart 2>/dev/null; true"
        )
        == ""
    )
    assert ready.sh("command -v nft ip") == "/usr/sbin/nft\n/usr/sbin/ip", "these had been there before"


def _serves(droplet: Droplet) -> Callable[[], bool]:
    """Whether the node answers."""

    def asked() -> bool:
        try:
            return bool(droplet.ask()["status"] == "ok")
        except OSError:
            return False

    return asked


@contextmanager
def _silent_client() -> Iterator[socket.socket]:
    with socket.create_connection((ADDRESS, API_PORT), timeout=10) as client:
        yield client


@contextmanager
def _echo(droplet: Droplet, *words: str, address: str = "0.0.0.0") -> Iterator[str]:
    """A service of another kind at port 8090."""
    unit = "echo.service"
    droplet.sh("cat > /root/echo_service.py", stdin=(BROUGHT / "echo_service.py").read_text())
    command = f"/usr/bin/python3 /root/echo_service.py 8090 {address} {' '.join(words)}"
    droplet.sh(
        f"printf '[Service]\\nExecStart={command}\\n' > /run/systemd/system/{unit};"
        f"systemctl daemon-reload; systemctl restart {unit};"
        "until ss -Hltn sport = :8090 | grep -q .; do sleep 0.05; done"
    )
    yield unit
    droplet.sh(f"systemctl stop {unit}; rm /run/systemd/system/{unit}; systemctl daemon-reload")


def _print(count: dict[str, Any], reports: list[dict[str, Any]]) -> None:
    """The figures, for whoever runs this with -s."""
    whole = [said["seconds"]["whole"] for said in reports]
    held = [said["seconds"]["held"] for said in reports]
    print(f"\n{len(reports)} restarts, {count['requests']}, {count['by_kind']}")
    print(f"operation {min(whole)} to {max(whole)} s, requests held {min(held)} to {max(held)} s")
