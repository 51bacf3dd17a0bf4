"""The services of a host as the service manager tells them, with their processes. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import kernel_sockets
from .unit_files import programs, show, split
from .unit_reader import PROPERTIES

Run = Callable[[Sequence[str]], str]

MAX_UNITS = 1000
_AT_ONCE = 100
"""Units asked for with one command."""
ASKED = ("Id", "ControlGroup", "Group", "UnitFileState", "StateDirectory", *PROPERTIES)


@dataclass(frozen=True)
class Process:
    """A process of a service.

    Attributes:
        pid: Its number.
        command: Its command line.
        working: The folder that it works in; empty where it cannot be read.
    """

    pid: int
    command: tuple[str, ...]
    working: str


@dataclass(frozen=True)
class Service:
    """A service.

    Attributes:
        name: The unit.
        properties: What ``systemctl show`` says.
        processes: Those in its control group, the main one first.
    """

    name: str
    properties: dict[str, str]
    processes: tuple[Process, ...]

    def get(self, name: str) -> str:
        """A property, empty where the service manager does not know it."""
        return self.properties.get(name, "")

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return self.get("ActiveState") == "active"


def commands_of(exec_start: str) -> list[list[str]]:
    """Every command line of ``ExecStart`` as ``systemctl show`` writes it."""
    return [[program, *split(line)[1:]] for program, line in programs(exec_start) if program]


def services(
    run: Run, processes: Path = Path("/proc"), control_groups: Path = Path("/sys/fs/cgroup")
) -> list[Service]:
    """Every service that is loaded or has a unit file, by name.

    Raises:
        OSError: The service manager cannot be asked.
    """
    names = _names(run)
    found = []
    for at in range(0, len(names), _AT_ONCE):
        command = ["systemctl", "show", "--timestamp=us+utc", *(f"--property={one}" for one in ASKED)]
        said = run([*command, "--", *names[at : at + _AT_ONCE]])
        told = [show(part) for part in said.split("\n\n") if "Id=" in part]
        found += [_service(one, processes, control_groups) for one in told]
    return sorted(found, key=lambda one: one.name)


def _names(run: Run) -> list[str]:
    listed = run(["systemctl", "list-units", "--type=service", "--all", "--plain", "--no-legend", "--full"])
    filed = run(["systemctl", "list-unit-files", "--type=service", "--plain", "--no-legend", "--full"])
    names = {line.split()[0] for line in (listed + "\n" + filed).splitlines() if line.split()}
    known = (name for name in names if name.endswith(".service") and not name.endswith("@.service"))
    return sorted(known)[:MAX_UNITS]


def _service(told: dict[str, str], processes: Path, control_groups: Path) -> Service:
    main = int(told.get("MainPID") or 0)
    pids = set(kernel_sockets.processes(told.get("ControlGroup", ""), control_groups))
    if main and not pids:  # as in a container with other mounts
        pids = kernel_sockets.begun_by(main)
    order = sorted(pids, key=lambda pid: (pid != main, pid))
    return Service(told["Id"], told, tuple(process(pid, processes) for pid in order))


def process(pid: int, processes: Path = Path("/proc")) -> Process:
    """A process by its number; one that has ended has no command line."""
    place = processes / str(pid)
    try:
        words = (place / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        words = []
    try:
        working = str((place / "cwd").readlink())
    except OSError:
        working = ""
    return Process(pid, tuple(word for word in words if word), working)
