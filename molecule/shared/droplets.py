"""Droplets as testinfra sees them: over ssh as the operator, with the key and host keys of the network."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import testinfra
from testinfra.host import Host

from testnet.lab.plan import KNOWN_HOSTS, LOOPBACK, NODES, OPERATOR_KEY, ROOT, Droplet

SRC = "/opt/coinjecture/src"
STATE = "/var/lib/coinjecture-migration"
OPERATOR = "/var/lib/coinjecture-operator"


def connect(droplet: Droplet) -> Host:
    """The droplet over ssh, commands under sudo."""
    options = {
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(KNOWN_HOSTS),
        "GlobalKnownHostsFile": "/dev/null",
    }
    extra = " ".join(["-F none", *(f"-o {name}={value}" for name, value in options.items())])
    address = f"ssh://ops@{LOOPBACK}:{droplet.ssh_port}"
    return testinfra.get_host(address, sudo=True, ssh_identity_file=str(OPERATOR_KEY), ssh_extra_args=extra)


def status(host: Host) -> dict[str, Any]:
    """What the wrapper says over its control socket, asked with the node's own client."""
    answer = host.run(f"/opt/coinjecture/venv/bin/python {SRC}/coinjecture_migration/ctl.py status")
    assert answer.rc == 0, answer.stderr
    said: dict[str, Any] = json.loads(answer.stdout)
    return said.get("result", said)


def listening(host: Host) -> set[str]:
    """Protocol, address and port of every listening socket."""
    return sockets(host.check_output("ss --listening --tcp --udp --numeric --no-header"))


def listening_before(name: str) -> set[str]:
    """The same as prepare.yml noted it before the migration."""
    return sockets((ROOT / "build/molecule" / f"{name}-listening.txt").read_text())


def sockets(lines: str) -> set[str]:
    """`ss`'s lines without the columns that change by themselves."""
    return {f"{field[0]} {field[4]}" for field in map(str.split, lines.splitlines()) if len(field) > 4}


def latest(droplet: Droplet) -> int:
    """Height of the droplet's tip."""
    with urllib.request.urlopen(f"{droplet.api}/v1/data/block/latest", timeout=5) as answer:
        return int(json.load(answer)["height"])


__all__ = [
    "NODES",
    "OPERATOR",
    "ROOT",
    "SRC",
    "STATE",
    "connect",
    "latest",
    "listening",
    "listening_before",
    "status",
]
