"""Who may log in and who answers: the clone's own operator key, and the host keys pinned for it."""

from __future__ import annotations

from pathlib import Path

from testnet.lab.plan import KNOWN_HOSTS, LOOPBACK, OPERATOR_KEY, STATE, Droplet
from testnet.machine.command import run
from testnet.machine.docker import Docker

_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"


def ensure_operator_key() -> str:
    """The public half of this clone's operator key, which is generated once and never leaves `build/`."""
    STATE.mkdir(parents=True, exist_ok=True)
    if not OPERATOR_KEY.exists():
        comment = "operator of the local test network"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(OPERATOR_KEY)])
    return OPERATOR_KEY.with_suffix(".pub").read_text(encoding="ascii")


def authorize_operator(docker: Docker, droplet: Droplet, public_key: str) -> None:
    """Let the operator log in to a running droplet with this key and no other."""
    script = "umask 077 && cat > /home/ops/.ssh/authorized_keys && chown -R ops:ops /home/ops/.ssh"
    docker.execute(droplet.container, "sh", "-c", script, stdin=public_key)


def host_key(docker: Docker, droplet: Droplet) -> str:
    """The droplet's host key as `known_hosts` writes it, read past the network."""
    kind, key, *_ = docker.execute(droplet.container, "cat", _HOST_KEY).split()
    return f"{kind} {key}"


def pin_host_keys(docker: Docker, droplets: tuple[Droplet, ...], known_hosts: Path = KNOWN_HOSTS) -> None:
    """Write a `known_hosts` with exactly these droplets, by their published ports, and by their addresses."""
    lines = []
    for droplet in droplets:
        names = f"[{LOOPBACK}]:{droplet.ssh_port},{droplet.address}"
        lines.append(f"{names} {host_key(docker, droplet)}\n")
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    fresh = known_hosts.with_suffix(".new")
    fresh.write_text("".join(lines), encoding="ascii")
    fresh.replace(known_hosts)
