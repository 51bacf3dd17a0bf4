"""What the plays keep of this network on the controller: nothing of it is told of the next network."""

from __future__ import annotations

import shutil
from pathlib import Path

from testnet.lab.plan import LOOPBACK, NODES, ROOT

NETWORKS = ROOT / "build" / "networks"


def folder(networks: Path = NETWORKS) -> Path:
    """Where the plays keep it: by the address of the first node (playbooks/group_vars/all/node.yml)."""
    return networks / f"{LOOPBACK}-{NODES[0].ssh_port}"


def remove(networks: Path = NETWORKS) -> None:
    """Remove what is kept of this network, and of no other."""
    shutil.rmtree(folder(networks), ignore_errors=True)
