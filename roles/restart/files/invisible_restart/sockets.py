"""The host's TCP sockets, read from the kernel's own tables."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .rules import KEEPING_ADDRESS, OWN_ADDRESSES, PROBE_ADDRESS, SERVER_ADDRESS

_ESTABLISHED, _SYN_RECV, _CLOSE_WAIT, _LISTEN = "01", "03", "08", "0A"
_OPEN = frozenset({_ESTABLISHED, _SYN_RECV, _CLOSE_WAIT})
_OWN = ipaddress.ip_network(OWN_ADDRESSES)
_SERVERS = frozenset(ipaddress.ip_address(text) for text in (SERVER_ADDRESS, KEEPING_ADDRESS))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Socket:
    """One socket of the host, by its own end.

    Attributes:
        local: Its address.
        port: Its port.
        remote: The other end's address.
        state: As the kernel writes it, two hexadecimal digits.
        uid: Whose it is; a connection begun is its listener's, one that nobody has accepted yet is 0's.
        inode: 0 while nobody has accepted it.
    """

    local: Address
    port: int
    remote: Address
    state: str
    uid: int
    inode: int = 1

    @property
    def is_open(self) -> bool:
        """Whether a request can still arrive on it or be under way."""
        return self.state in _OPEN

    @property
    def is_arriving(self) -> bool:
        """Whether it is being made, or made and not accepted yet."""
        return self.state == _SYN_RECV or (self.is_open and self.inode == 0)


def read_sockets() -> list[Socket]:
    """Every TCP socket of this host."""
    found: list[Socket] = []
    for name in ("tcp", "tcp6"):
        try:
            text = Path("/proc/net", name).read_text(encoding="ascii")
        except FileNotFoundError:
            continue  # a host without IPv6
        found += parse(text)
    return found


def parse(text: str) -> list[Socket]:
    """Read one of the kernel's tables."""
    sockets = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        local, port = _end(fields[1])
        remote, _ = _end(fields[2])
        sockets.append(Socket(local, port, remote, fields[3], int(fields[7]), int(fields[9])))
    return sockets


def _end(text: str) -> tuple[Address, int]:
    """Address and port; the kernel writes addresses as words of the host's byte order."""
    digits, _, port = text.partition(":")
    words = (digits[i : i + 8] for i in range(0, len(digits), 8))
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address, int(port, 16)


def listening(sockets: Iterable[Socket], port: int, uid: int | None = None) -> list[Address]:
    """The addresses on which the host listens at this port; those of one user, where that user has any."""
    listens = [s for s in sockets if s.port == port and s.state == _LISTEN]
    own = [s for s in listens if s.uid == uid]
    return sorted({s.local for s in own or listens}, key=str)


def probes(listens: Sequence[Address]) -> list[str]:
    """Where to ask a service that listens on these addresses, in this order; empty where it listens on none.

    Past detour and hold where that is possible: they are in the way of a service on every IPv4 address only.
    """
    told = [str(address) for address in listens]
    if "0.0.0.0" in told:  # noqa: S104 - compared, not listened on
        return [PROBE_ADDRESS]
    if "::" in told:
        return ["::1", PROBE_ADDRESS]  # a host may have no IPv6 but in the sockets of its programs
    return told


def direct(sockets: Iterable[Socket], port: int, detour_uid: int) -> list[Socket]:
    """Connections that clients have with the service itself, past the detour."""
    return [
        s
        for s in sockets
        if s.port == port
        and s.is_open
        and s.uid != detour_uid
        and s.local not in _OWN
        and s.local not in _SERVERS
    ]


def under_way(sockets: Iterable[Socket], port: int) -> list[Socket]:
    """Connections that the detour has with the service: one for each request that is being answered."""
    return [s for s in sockets if s.port == port and s.is_open and s.local in _SERVERS]


def by_client(connections: Iterable[Socket]) -> str:
    """Who holds connections, in words: `10.0.0.5 (2), 10.0.0.9 (1)`."""
    counted = Counter(str(s.remote) for s in connections).most_common(5)
    return ", ".join(f"{address} ({number})" for address, number in counted)


def port_is_free(port: int) -> bool:
    """Whether this loopback port can be listened on."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
