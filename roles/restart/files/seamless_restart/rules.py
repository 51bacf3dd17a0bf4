"""The detour's nftables table, as text.

Everything is in one table of its own, and nothing in it acts unless the service's port is an element of one
of its sets. Elements time out: a guard that dies leaves a table that soon does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

OWN_ADDRESSES = "127.0.0.64/26"
"""Loopback addresses that the operation keeps for itself; to these the service is reached past the detour."""
SERVER_ADDRESS = "127.0.0.77"
"""Where the detour reaches the service: it marks the detour's connections among all others."""
PROBE_ADDRESS = "127.0.0.78"
"""Where the guard asks the service, past detour and hold."""
TRIAL_DRAIN_ADDRESS = "127.0.0.79"
"""Answers from here are drained as those to users will be: for one request of the guard's own."""
TRIAL_DETOUR_ADDRESS = "127.0.0.80"
"""Connections to here take the detour as those of users will: for one request of the guard's own."""
KEEPING_ADDRESS = "192.0.2.77"
"""As SERVER_ADDRESS where clients' addresses are kept (RFC 5737: no host has it); loopback does not do."""
KEEPING_MARK = 0x77
"""Mark, and number of the routing table, by which answers to kept addresses find the detour."""

ELEMENT_LIFE = 15
"""Seconds an element lives in its set unless it is renewed: the dead-man inside the kernel."""

DATE_HEADER_LENGTH = 37
"""Bytes of `Date: Mon, 23 Nov 2026 09:04:03 GMT` with its line end."""
DRAIN_HEADERS = b"Connection: close\r\nX-Drain: aaaaaaa\r\n"
"""What stands in the place of the Date header while a connection is drained: of the same length, so that
sequence numbers stay right."""
FIRST_OFFSET, LAST_OFFSET = 17, 199
"""Where in an answer a Date header can be rewritten; `HTTP/1.1 200 OK` and its line end are 17 bytes."""

_SYN = "tcp flags & (fin|syn|rst|ack) == syn"
_WIDEST_WRITE = 16  # bytes of a register


@dataclass(frozen=True)
class Table:
    """The table of one operation.

    Attributes:
        name: Its name in the family inet.
        port: The service's port.
        detour_port: The port the detour listens on, on 127.0.0.1.
        keeping: Whether clients' addresses are kept.
    """

    name: str
    port: int
    detour_port: int
    keeping: bool = False

    @property
    def server(self) -> str:
        """The address at which the detour reaches the service."""
        return KEEPING_ADDRESS if self.keeping else SERVER_ADDRESS

    def text(self) -> str:
        """The whole table; loaded, it does nothing yet."""
        rewriting = "\n".join(f"  {drain_rule(offset)}" for offset in range(FIRST_OFFSET, LAST_OFFSET + 1))
        own = f"{{ {OWN_ADDRESSES}, {KEEPING_ADDRESS} }}"
        into_detour = f"tproxy ip to 127.0.0.1:{self.detour_port} counter accept"
        return f"""table inet {self.name} {{
 set detour {{ type inet_service; flags timeout; }}
 set hold {{ type inet_service; flags timeout; }}
 set trial {{ type inet_service; flags timeout; }}
 chain arriving {{ type filter hook prerouting priority mangle; policy accept;
  ip daddr {TRIAL_DETOUR_ADDRESS} tcp dport @trial {_SYN} {into_detour}
  ip daddr != {own} tcp dport @detour {_SYN} {into_detour}
 }}
 chain held {{ type filter hook input priority 0; policy accept;
  ip daddr {self.server} tcp dport @hold {_SYN} counter reject with tcp reset
 }}
 chain answering {{ type filter hook output priority 0; policy accept;
  ip saddr {TRIAL_DRAIN_ADDRESS} tcp sport @trial {_begins(b"HTTP/1.1")} jump draining
  ip saddr != {own} tcp sport @detour {_begins(b"HTTP/1.1")} jump draining
 }}
 chain draining {{
{rewriting}
 }}
{self._keeping_chain()}}}
"""

    def _keeping_chain(self) -> str:
        """Answers to a kept address go to the detour, which has that address's side of the connection."""
        if not self.keeping:
            return ""
        return f""" chain returning {{ type route hook output priority mangle; policy accept;
  ip saddr {self.server} tcp sport {self.port} meta mark set {KEEPING_MARK}
 }}
"""

    def renew(self, *sets: str) -> str:
        """Put the port into these sets, or give it a whole life again where it is in them; one transaction.

        Adding an element that is there does not renew it, and deleting one that has timed out is an error.
        """
        lines = []
        for name in sets:
            element = f"element inet {self.name} {name} {{ {self.port}"
            add = f"add {element} timeout {ELEMENT_LIFE}s }}"
            lines += [add, f"delete {element} }}", add]
        return "\n".join(lines) + "\n"

    def flush(self, *sets: str) -> str:
        """Take the port out of these sets, in one transaction."""
        return "".join(f"flush set inet {self.name} {name}\n" for name in sets)


def drain_rule(offset: int) -> str:
    """The rule that overwrites a Date header that begins at this byte of an answer."""
    found = _begins(b"\r\nDate: ", offset - 2)
    writes = []
    for start in range(0, DATE_HEADER_LENGTH, _WIDEST_WRITE):
        part = DRAIN_HEADERS[start : start + _WIDEST_WRITE]
        writes.append(f"{_payload(offset + start, len(part))} set 0x{part.hex()}")
    return f"{found} {' '.join(writes)} counter accept"


def _begins(text: bytes, offset: int = 0) -> str:
    """A match on what TCP carries in this packet."""
    return f"{_payload(offset, len(text))} 0x{text.hex()}"


def _payload(offset: int, length: int) -> str:
    """Bytes of what TCP carries; nftables counts in bits."""
    return f"@ih,{8 * offset},{8 * length}"
