"""What the plays keep of this network on the controller: nothing of it is told of the next network."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from testnet.lab.plan import LOOPBACK, NODES, ROOT

BUILD = ROOT / "build"
BASE = f"{LOOPBACK}-{NODES[0].ssh_port}"
"""The address of the first node (playbooks/group_vars/all/node.yml)."""

_OWN = re.compile(rf"{re.escape(BASE)}(-[0-9a-f]{{16}})?")


def folders(build: Path = BUILD) -> list[Path]:
    """Where the plays keep it: by that address, and by the identity that the nodes had."""
    return sorted(path for path in (build / "networks").glob(f"{BASE}*") if _OWN.fullmatch(path.name))


def remove(build: Path = BUILD) -> None:
    """Remove what is kept of this network, and of no other, with the links that point there."""
    own = {folder.resolve() for folder in folders(build)}
    for link in build.iterdir() if build.is_dir() else ():
        if link.is_symlink() and own & {link.resolve(), *link.resolve().parents}:
            link.unlink()
    for folder in own:
        shutil.rmtree(folder, ignore_errors=True)
