"""What has to be so before the network is touched; each refusal is one sentence that says what to type."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
from pathlib import Path

from testnet.lab.plan import BRIDGE, DROPLETS, LABEL, LOOPBACK, ROOT
from testnet.machine.command import RefusalError
from testnet.machine.docker import Docker


def tool(name: str) -> str:
    """The path of a program of the clone's tools (`.venv`), whether or not the venv is activated.

    Raises:
        RefusalError: It is not installed.
    """
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RefusalError(f"{name} is not installed: type `make setup` and run the command again.")
    return found


def require_ssh_client() -> None:
    """Check that an ssh client and key generator are there.

    Raises:
        RefusalError: They are not.
    """
    for name in ("ssh", "ssh-keygen"):
        if shutil.which(name) is None:
            raise RefusalError(
                f"{name} is not installed: type `sudo apt-get install openssh-client` and try again."
            )


def require_own_network(docker: Docker) -> None:
    """Check that a network of that name, if there is one, was made by this clone.

    Raises:
        RefusalError: Another clone's network is there, or somebody else's.
    """
    found = [docker.inspect("network", BRIDGE)]
    found += [docker.inspect("container", droplet.container) for droplet in DROPLETS]
    for thing in found:
        if thing is None:
            continue
        labels = thing.get("Labels") or thing.get("Config", {}).get("Labels") or {}
        owner = labels.get(LABEL)
        name = thing["Name"].lstrip("/")
        if owner is None:
            raise RefusalError(
                f"Docker already has a {name} that no clone of this project made: remove or rename it first."
            )
        if owner != str(ROOT):
            raise RefusalError(
                f"The network of another clone is there ({name}): type `make -C {owner} testnet-down` first."
            )


def require_free_ports(docker: Docker) -> None:
    """Check that every port to be published is free, or already leads to the droplet it is meant for.

    Raises:
        RefusalError: One is taken.
    """
    for droplet in DROPLETS:
        container = docker.inspect("container", droplet.container)
        if container is not None and container["State"]["Running"]:
            continue
        for port in filter(None, (droplet.ssh_port, droplet.api_port)):
            if not _is_free(port):
                raise RefusalError(
                    f"Port {port} on {LOOPBACK} is taken and {droplet.name} needs it: "
                    f"type `ss -ltnp 'sport = :{port}'` to see by whom, end that, and try again."
                )


def _is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise RefusalError(
                f"Port {port} on {LOOPBACK} cannot be used: {os.strerror(error.errno or 0)}."
            ) from error
    return True
