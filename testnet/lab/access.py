"""How a person reaches the network that is up, and what to type next."""

from __future__ import annotations

import os
import shlex

from testnet.lab.plan import KNOWN_HOSTS, LOOPBACK, MONITOR, NODES, OPERATOR_KEY, ROOT, USERS, Droplet
from testnet.lab.variants import REFERENCE, Variant


def access_lines(variant: Variant) -> list[str]:
    """Address and ssh line of every droplet, as typed in the root of the clone, and the next command.

    Args:
        variant: What the network is made of.
    """
    lines = [f"{node.name:<8} {node.api:<24} {ssh_line(node)}" for node in NODES]
    lines += [f"{droplet.name:<8} {'':<24} {ssh_line(droplet)}" for droplet in (USERS, MONITOR)]
    option = "" if variant is REFERENCE else f"-i {variant.inventory} "
    return [
        *lines,
        "Next, what a migration needs and will change; then metrics, whose addresses the play ends with:",
        f"ansible-playbook {option}playbooks/preflight.yml",
        f"ansible-playbook {option}playbooks/monitoring.yml",
    ]


def ssh_line(droplet: Droplet) -> str:
    """The command that logs in, with the clone's own key and pinned host keys and nothing of the user's."""
    key, hosts = (shlex.quote(os.path.relpath(path, ROOT)) for path in (OPERATOR_KEY, KNOWN_HOSTS))
    return f"ssh -F none -p {droplet.ssh_port} -i {key} -o UserKnownHostsFile={hosts} ops@{LOOPBACK}"
