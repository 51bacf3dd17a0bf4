"""A host in memory: a service that drains, stops and starts as a test tells it, and a clock of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from seamless_restart.compatibility import Answer
from seamless_restart.host import CommandFailedError, Unit
from seamless_restart.kernel_sockets import Listener, Socket
from seamless_restart.rules import (
    DRAIN_HEADERS,
    PROBE_ADDRESS,
    SERVER_ADDRESS,
    TRIAL_DETOUR_ADDRESS,
    TRIAL_DRAIN_ADDRESS,
)
from seamless_restart.settings import Change

SERVICE, PORT, DETOUR_PORT = "node.service", 8080, 18080
DATED = b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 09:04:03 GMT\r\nContent-Length: 2\r\n\r\n"
DRAINED = b"HTTP/1.1 200 OK\r\n" + DRAIN_HEADERS + b"Content-Length: 2\r\n\r\n"
LISTEN, ESTABLISHED = "0A", "01"
DETOUR_UID, SERVICE_UID = 61000, 999
TICK, BOOT = 0.02, 0.5


class FakeHost:
    """See Host. What it is told is in `said`, in order."""

    def __init__(self) -> None:
        self.clock = 0.0
        self.said: list[str] = []
        self.sets: dict[str, float] = {}
        self.table: str | None = None
        self.service_pid = 100
        self.next_pid = 101
        self.restarts = 0
        self.serves_from = 0.0
        self.broken = False
        self.detour_pid = 0
        self.detour_dies_at = ""
        self.answer: bytes | None = DATED
        self.drain_rewrites = True
        self.listens = "0.0.0.0"
        self.elsewhere: str | None = (
            None  # where the service listens if the port is another unit's; "" for nowhere
        )
        self.in_front: str | None = None  # another program's address at the same port; it answers with 502
        self.has_ipv6 = True
        self.direct_left = 3
        self.silent_clients = 0
        self.under_way = 2
        self.absent: list[str] = []
        self.applied: list[Change] = []
        self.files: dict[Path, str] = {}

    # What a test asks

    def in_set(self, name: str) -> bool:
        return self.sets.get(name, -1.0) > self.clock

    def order(self, *patterns: str) -> list[int]:
        """Where in what was said these patterns first occur; fails where one does not."""
        found = []
        for pattern in patterns:
            places = [number for number, line in enumerate(self.said) if re.search(pattern, line)]
            assert places, f"{pattern} is not in {self.said}"
            found.append(places[0])
        return found

    # What the guard asks

    def run(self, argv: Sequence[str], text: str | None = None) -> str:
        line = " ".join(argv)
        self.said.append(line if text is None or text.startswith("table") else text.strip())
        if self.detour_dies_at and re.search(self.detour_dies_at, self.said[-1]):
            self.detour_pid, self.table, self.sets = 0, None, {}
        if argv[0] == "nft":
            self._nft(text or "")
        elif argv[0] == "systemctl":
            self._systemctl(list(argv[1:]))
        elif argv[0] == "systemd-run":
            self.detour_pid = 200
        elif argv[0].endswith("nft") and self.table is None:
            raise CommandFailedError("there is no such table")
        elif argv[0].endswith("nft"):
            self.table = None
        return ""

    def _nft(self, text: str) -> None:
        if text.startswith("table"):
            self.table = text
        elif self.table is None:
            raise CommandFailedError("there is no such table")
        for name in re.findall(r"flush set inet \S+ (\w+)", text):
            self.sets.pop(name, None)
        for name, life in re.findall(r"add element inet \S+ (\w+) \{ 8080 timeout (\d+)s", text):
            self.sets[name] = self.clock + float(life)

    def _systemctl(self, words: list[str]) -> None:
        if words[0] == "stop" and words[-1] == SERVICE:
            self.service_pid = 0
        elif words[0] == "stop":
            self.detour_pid, self.table = 0, None
        elif words[0] == "restart" or (words[0] == "start" and not self.service_pid):
            self.service_pid, self.next_pid = self.next_pid, self.next_pid + 1
            self.restarts, self.serves_from = 0, self.clock + BOOT

    def unit(self, name: str) -> Unit:
        if name != SERVICE:
            active = "active" if self.detour_pid else "inactive"
            return Unit(active, self.detour_pid, DETOUR_UID if self.detour_pid else None, 0, False)
        if self.broken and self.service_pid:
            self.restarts += 1
        return Unit(
            "active" if self.service_pid else "inactive", self.service_pid, SERVICE_UID, self.restarts, False
        )

    def sockets(self) -> list[Socket]:
        serving = self.service_pid or self.elsewhere is not None
        found = [_socket(self.listens, PORT, LISTEN, SERVICE_UID)] if serving else []
        if self.in_front is not None:
            found.append(_socket(self.in_front, PORT, LISTEN, 0))
        if self.detour_pid:
            found.append(_socket("127.0.0.1", DETOUR_PORT, LISTEN, DETOUR_UID))
        if self.in_set("detour") and self._drains() and self.direct_left:
            self.direct_left -= 1
        if self.in_set("hold") and self.under_way:
            self.under_way -= 1
        direct = self.direct_left + self.silent_clients
        found += [_socket("10.0.0.1", PORT, ESTABLISHED, SERVICE_UID)] * direct
        found += [_socket(SERVER_ADDRESS, PORT, ESTABLISHED, SERVICE_UID)] * self.under_way
        return found

    def listeners_of(self, name: str) -> list[Listener]:
        if self.elsewhere is not None:
            return [Listener(self.elsewhere, 9000)] if self.elsewhere else []
        return [Listener(f"{self.listens}:{PORT}", PORT)] if self.service_pid else []

    def _drains(self) -> bool:
        return self.drain_rewrites and self.answer is not None and self.answer.startswith(b"HTTP/1.1")

    def port_is_free(self, port: int) -> bool:
        return True

    def ask(self, address: str, port: int, path: str) -> Answer | None:
        if address == self.in_front:
            return Answer(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        if address == "::1" and not self.has_ipv6:
            return None
        down = not self.service_pid or self.broken or self.clock < self.serves_from
        if self.elsewhere and down:
            return Answer(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")  # of the proxy before it
        if self.answer is None or (down and self.elsewhere is None):
            return None
        if address == TRIAL_DRAIN_ADDRESS:
            return Answer(DRAINED if self.in_set("trial") and self.drain_rewrites else self.answer)
        own = {"0.0.0.0": [PROBE_ADDRESS], "::": ["::1", PROBE_ADDRESS]}.get(self.listens, [self.listens])
        if address == PROBE_ADDRESS and address not in own:
            return None  # nothing listens there
        assert address in (*own, TRIAL_DETOUR_ADDRESS), "users' addresses are not the guard's to ask"
        return Answer(self.answer)

    def runs(self, pid: int) -> bool:
        return pid == self.detour_pid

    def missing(self, paths: Sequence[str]) -> list[str]:
        return [path for path in paths if path in self.absent]

    def write(self, path: Path, text: str) -> None:
        self.files[path] = text

    def apply(self, changes: Sequence[Change]) -> None:
        self.said.append(f"apply {' '.join(change.path for change in changes)}")
        self.applied += changes
        if any(change.source == "/good" for change in changes):
            self.broken = False

    def now(self) -> float:
        return self.clock

    def pause(self) -> None:
        self.clock += TICK


def _socket(local: str, port: int, state: str, uid: int) -> Socket:
    return Socket(ip_address(local), port, ip_address("10.0.0.9"), state, uid)
