"""What the droplets know of the last minutes, gathered for whoever asks why something failed on them.

It is read through the container engine: a droplet that refuses ssh may be the very one that is asked about.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from testnet.lab.plan import LABEL, ROOT
from testnet.machine.command import CommandError, RefusalError
from testnet.machine.docker import Docker, find_docker

LOG = ("journalctl", "--no-pager", "--output=short-iso-precise", "--lines=20000")
KEPT = (
    *("/var/lib/coinjecture-migration", "/var/lib/coinjecture-operator", "/run/coinjecture-migration-lock"),
    *("/run/coinjecture-restart", "/etc/coinjecture-migration", "/opt/coinjecture/src/node.py"),
)
"""Modes, evidence, captures, journals, locks and settings; the log of the system comes beside them."""
LEFT_OUT = ("backups", "displaced", "reserve")
"""Parts of these that are large, or empty room."""
LIMIT = 60.0  # seconds for one droplet


def gather(folder: Path) -> list[str]:
    """Copy log, evidence and journals of each running droplet of this clone into a folder of its name.

    What one of them does not give is left out: this is for reading after a failure, and must not be another.

    Returns:
        The names of the droplets' folders; none where no network is up.
    """
    try:
        docker = find_docker()
        if docker is None:
            return []
        running = docker("ps", "--filter", f"label={LABEL}={ROOT}", "--format", "{{.Names}}").split()
    except (CommandError, RefusalError):
        return []
    for container in running:
        _from(docker, container, folder / container)
    return sorted(running)


def _from(docker: Docker, container: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "system.log").write_bytes(_said(docker, container, *LOG))
    without = " ".join(f"--exclude={name}" for name in LEFT_OUT)
    pack = f"tar -cf - {without} $(ls -d {' '.join(KEPT)} 2>/dev/null) 2>/dev/null"
    unpack = ("tar", "-xf", "-", "--no-same-owner", "--no-same-permissions", "-C", str(folder))
    subprocess.run(unpack, input=_said(docker, container, "sh", "-c", pack), capture_output=True, check=False)


def _said(docker: Docker, container: str, *command: str) -> bytes:
    argv = [*docker.prefix, "docker", "exec", container, *command]
    try:
        return subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False).stdout
    except subprocess.TimeoutExpired as late:
        return late.stdout or b""
