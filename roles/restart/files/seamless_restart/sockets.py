"""What the host's TCP sockets mean to a restart: who listens, who is connected, and past what."""

from __future__ import annotations

import ipaddress
import socket
from collections import Counter
from collections.abc import Iterable, Sequence

from .kernel_sockets import LISTEN, Address, Socket
from .rules import KEEPING_ADDRESS, OWN_ADDRESSES, PROBE_ADDRESS, SERVER_ADDRESS

_OWN = ipaddress.ip_network(OWN_ADDRESSES)
_SERVERS = frozenset(ipaddress.ip_address(text) for text in (SERVER_ADDRESS, KEEPING_ADDRESS))


def listening(sockets: Iterable[Socket], port: int, uid: int | None = None) -> list[Address]:
    """The addresses on which the host listens at this port; those of one user, where that user has any."""
    listens = [s for s in sockets if s.port == port and s.state == LISTEN]
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
