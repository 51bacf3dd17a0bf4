"""Which run of Ansible is this, and does another one of this controller still live?

A run is its process: machine, boot, process table, number and start of the process. So all tasks
of a run give the same answer, and nobody has to remember one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from pathlib import Path


def place(proc: Path = Path("/proc"), machine_id: Path = Path("/etc/machine-id")) -> str:
    """A name for this machine's process table, the same until it boots; tells nothing else of it."""
    facts = [platform.node(), _text(machine_id), _text(proc / "sys/kernel/random/boot_id")]
    try:
        facts.append(str((proc / "self/ns/pid").stat().st_ino))
    except OSError:  # no Linux, so no containers with process tables of their own
        facts.append("")
    return _hash(*facts)


def started(pid: int, proc: Path = Path("/proc")) -> str:
    """When a process began, as this machine writes it; empty where there is no such process."""
    if proc.is_dir():
        # The name of the program stands in parentheses and may hold anything; field 22 counts from before it.
        fields = _text(proc / str(pid) / "stat").rpartition(")")[2].split()
        return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""
    asked = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )  # fmt: skip
    return asked.stdout.strip()


def run_id(pid: int) -> str:
    """The name of the run whose main process this is: short, since it is typed to break its lock."""
    return _hash(place(), str(pid), started(pid))[:10]


def has_ended(run: str, where: str, pid: int) -> bool:
    """Whether a run is known to have ended: it was on this machine, and its process is gone or another's.

    False also where nobody here can know.
    """
    return where == place() and run_id(pid) != run


class ControllerGoneError(Exception):
    """This task has outlived the run that it belongs to, so it may not act in its name."""


_asking: list[int] = []
"""In a process that a worker has begun to ask a node: that worker."""


def work_for(worker: int) -> None:
    """Note in a process that a worker has begun: what it does is done in the name of the worker's run."""
    _asking[:] = [worker]


def this_run(proc: Path = Path("/proc"), parent: int | None = None) -> int:
    """The main process of the run that an action plugin works for: its worker's parent.

    Raises:
        ControllerGoneError: The parent is another program: the worker was left behind by a killed run.
    """
    parent = _main(proc) if parent is None else parent
    if not proc.is_dir():
        if parent == 1:
            raise ControllerGoneError("the run of this task was killed")
        return parent
    try:
        same = (proc / str(parent) / "exe").samefile(proc / "self" / "exe")
    except OSError:
        same = False
    if not same:
        raise ControllerGoneError("the run of this task was killed")
    return parent


def _main(proc: Path) -> int:
    """The parent of this worker, or of the one that has begun this process; 1 where that has ended."""
    parent = os.getppid()
    if not _asking:
        return parent
    if parent != _asking[0]:
        return 1
    if proc.is_dir():
        return int(_text(proc / str(parent) / "stat").rpartition(")")[2].split()[1])
    asked = subprocess.run(
        ["ps", "-o", "ppid=", "-p", str(parent)], capture_output=True, text=True, check=False
    )  # fmt: skip
    return int(asked.stdout.strip() or 1)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _hash(*facts: str) -> str:
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]
