"""The detour itself: a haproxy of the distribution under a unit, a user and a configuration of its own."""

from __future__ import annotations

from pathlib import Path

from .rules import KEEPING_ADDRESS, KEEPING_MARK, Table
from .settings import RUN_DIR, Settings

HAPROXY, NFT, IP = "/usr/sbin/haproxy", "/usr/sbin/nft", "/usr/sbin/ip"
USER = "coinjecture-detour"
"""Exists only while a detour runs; the same for all, so that connections of an earlier one are known too."""
UNIT_PREFIX = "coinjecture-detour-"
TABLE_PREFIX = "detour_"


def unit_name(operation: str) -> str:
    """The detour's unit in this operation."""
    return f"{UNIT_PREFIX}{operation}.service"


def table_name(operation: str) -> str:
    """The table of this operation."""
    return f"{TABLE_PREFIX}{operation}"


def config_path(operation: str) -> Path:
    """The detour's configuration; haproxy reads it once."""
    return RUN_DIR / f"haproxy-{operation}.cfg"


def config(settings: Settings, table: Table, *, http: bool = True) -> str:
    """The configuration of haproxy.

    A request waits for the service by connecting again every 100 ms; nothing is ever sent twice, since only a
    connection that was never made is tried again. Clients' own timeouts are longer than the operation.

    Args:
        settings: The operation.
        table: Its table.
        http: Whether the service speaks plain HTTP; if not, whole connections wait instead of requests.
    """
    lines = [
        *["global", f"  hard-stop-after {settings.linger_limit:.0f}s"],
        *["defaults", f"  mode {'http' if http else 'tcp'}", "  timeout connect 100ms"],
        *["  timeout client 1h", "  timeout server 1h", "  timeout queue 1h"],
        *[f"  retries {10 * settings.longest:.0f}", *(_HTTP if http else ())],
        *["frontend detour", f"  bind 127.0.0.1:{table.detour_port} transparent"],
        *["  default_backend service", "backend service"],
        *(["  source 0.0.0.0 usesrc clientip"] if table.keeping else []),
        f"  server s {table.server}:{table.port}",
    ]
    return "\n".join(lines) + "\n"


_HTTP = (
    "  timeout http-keep-alive 1h",
    "  timeout http-request 1h",
    "  retry-on conn-failure",
    "  option http-server-close",
    "  option idle-close-on-response",
    "  http-reuse never",
)


def start_argv(operation: str, settings: Settings, table: Table) -> list[str]:
    """The command that starts the detour; whenever and however it ends, its table goes with it.

    Its ExecStopPost are plain words without `+`: of a transient unit, systemd 252 forgets commands with that
    prefix, and garbles those with a semicolon, as soon as anyone says daemon-reload. The unit's capabilities
    are enough for them.
    """
    properties = {
        "Description": f"Detour while {settings.unit} is restarted",
        "Type": "exec",
        "DynamicUser": "yes",
        "User": USER,
        "AmbientCapabilities": "CAP_NET_ADMIN CAP_NET_RAW",
        "CapabilityBoundingSet": "CAP_NET_ADMIN CAP_NET_RAW",
        "LimitNOFILE": "65536",
        "KillSignal": "SIGUSR1",
        "RuntimeMaxSec": f"{settings.longest + 60:.0f}",
        "TimeoutStopSec": f"{settings.linger_limit + 10:.0f}",
    }
    options = [f"--property={name}={value}" for name, value in properties.items()]
    options += [f"--property=ExecStopPost=-{' '.join(argv)}" for argv in leave_argvs(table)]
    unit = unit_name(operation)
    return [
        *["systemd-run", "--quiet", "--collect", f"--unit={unit}", *options],
        *[HAPROXY, "-db", "-f", str(config_path(operation))],
    ]


def leave_argvs(table: Table) -> list[list[str]]:
    """The commands that take away what the detour needs outside its own process."""
    commands = [[NFT, "delete", "table", "inet", table.name]]
    return commands + (_keeping("del") if table.keeping else [])


def keeping_argvs() -> list[list[str]]:
    """The commands that let the service see its clients' addresses: an address of its own and a way back."""
    return _keeping("add")


def _keeping(verb: str) -> list[list[str]]:
    table = str(KEEPING_MARK)
    return [
        [IP, "address", verb, f"{KEEPING_ADDRESS}/32", "dev", "lo"],
        [IP, "route", verb, "local", "0.0.0.0/0", "dev", "lo", "table", table],
        [IP, "rule", verb, "fwmark", table, "lookup", table],
    ]
