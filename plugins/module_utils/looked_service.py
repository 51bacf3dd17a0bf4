"""One service of a host, as the kernel, the service manager and its own files tell it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import as_user, node_program, unit_reader
from .bounded_reader import UnreadableError, read_text
from .command_lines import Started, started
from .host_units import Process, Service, commands_of
from .kernel_sockets import listeners_of
from .unit_files import Unit, variables
from .vocabulary import STATE_DIR

SECONDS = 120.0
"""How long looking at one service may take."""
OF_THE_SYSTEM = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/share/", "/bin/", "/sbin/", "/lib/")
"""Programs of the distribution make no consensus engine."""
NO_DATA = ("/dev/", "/proc/", "/memfd:", f"{STATE_DIR}/")
"""What a process has open that is no data of the node's: the wrapper's own files, too."""
MAX_OPEN = 200
MAX_VENV = 65_536
NOTHING: dict[str, Any] = {
    "entry": "",
    "loaded": 0,
    "unknown": [],
    "unread": [],
    "makes": [],
    "completed": [],
}
"""What is told of files that cannot be looked at."""


def begun(service: Service) -> Started | None:
    """What a unit starts in Python: its command line says it, or else one of its processes."""
    if service.get("LoadState") != "loaded":
        return None
    lines: Iterable[Sequence[str]] = (
        *commands_of(service.get("ExecStart")),
        *(one.command for one in service.processes),
    )
    for line in lines:
        found = started(line)
        if found is not None and not found.what.startswith(OF_THE_SYSTEM):
            return found
    return None


def looked(service: Service, start: Started, processes: Path, complaints: list[str]) -> dict[str, Any]:
    """A unit that runs Python, with what its files say.

    Args:
        service: The unit.
        start: What it starts.
        processes: The file system of the processes.
        complaints: Gets a sentence about what could not be looked at.

    Returns:
        What `node_program.look` tells, with ``unit``, ``user``, ``group``, ``active``, ``working`` (its
        folder), ``python``, ``version``, ``kind``, ``pythonpath``, ``python_variables``, ``sockets``,
        ``drop_ins`` and ``fragment``.
    """
    unit = unit_reader.read(service.properties, processes)
    user = service.get("User") or "root"
    working, search = working_of(service), search_of(unit)
    data = [working, *(f"/var/lib/{one.split(':')[0]}" for one in unit.words("StateDirectory"))]
    opened = open_files(service.processes, processes)
    told = {
        "unit": service.name,
        "user": user,
        "group": service.get("Group"),
        "active": service.active,
        "working": working,
        "python": start.python or _first_python(service.processes),
        "version": version(start.python, service.processes, processes),
        "kind": start.kind,
        "pythonpath": search,
        "python_variables": _python_variables(unit),
        "sockets": sockets(service, complaints),
        "drop_ins": unit.words("DropInPaths"),
        "fragment": unit.get("FragmentPath"),
    }
    try:
        files: dict[str, Any] = as_user.call(
            user, lambda: node_program.look(start, working, search, opened, data), SECONDS
        )
    except (as_user.NotDoneError, OSError) as error:
        complaints.append(f"{service.name}: its files could not be looked at: {error}")
        return told | NOTHING
    return told | files


def working_of(service: Service) -> str:
    """The folder that a unit works in: its process's, or what the unit says; ``/`` where neither tells."""
    if service.processes and service.processes[0].working:
        return service.processes[0].working
    said = service.get("WorkingDirectory").lstrip("!-")
    return said if said.startswith("/") else "/"


def search_of(unit: Unit) -> list[str]:
    """The folders of ``PYTHONPATH`` as the process has it, or else the unit."""
    known = _assigned(unit) if unit.process is None else unit.process
    return [one for one in known.get("PYTHONPATH", "").split(":") if one]


def sockets(service: Service, complaints: list[str]) -> list[dict[str, Any]]:
    """Where the processes of a unit listen: ``address`` and ``port``, or a path and port 0.

    Args:
        service: The unit.
        complaints: Gets a sentence where that cannot be told.
    """
    try:
        found = listeners_of(one.pid for one in service.processes)
    except OSError as error:
        complaints.append(f"{service.name}: it cannot be told where it listens: {error}")
        return []
    return [
        {"address": one.place.rpartition(":")[0] if one.port else one.place, "port": one.port or 0}
        for one in found
    ]


def _assigned(unit: Unit) -> dict[str, str]:
    """The variables that a unit and its files set."""
    known: dict[str, str] = variables(unit.words("Environment"))
    for one in unit.environment_files.values():
        known |= one
    return known


def _python_variables(unit: Unit) -> dict[str, str]:
    """Variables that steer the interpreter; the others of an environment may be secrets and are not told."""
    return {name: value for name, value in sorted(_assigned(unit).items()) if name.startswith("PYTHON")}


def _first_python(running: Sequence[Process]) -> str:
    return next((found.python for one in running if (found := started(one.command)) and found.python), "")


def version(python: str, running: Sequence[Process], processes: Path) -> str:
    """The version of an interpreter, which is not asked: its environment says it, or what runs."""
    try:
        for line in read_text(Path(python).parent.parent / "pyvenv.cfg", MAX_VENV).splitlines():
            name, _, value = line.partition("=")
            if name.strip() in ("version", "version_info"):
                return value.strip()
    except (OSError, UnreadableError):
        pass
    try:
        return (processes / str(running[0].pid) / "exe").readlink().name.removeprefix("python")
    except (IndexError, OSError):
        return ""


def open_files(running: Sequence[Process], processes: Path) -> list[str]:
    """Files that processes have open, each once."""
    found: list[str] = []
    for one in running:
        try:
            with os.scandir(processes / str(one.pid) / "fd") as entries:
                handles = [Path(entry.path) for _, entry in zip(range(MAX_OPEN * 5), entries, strict=False)]
        except OSError:
            continue
        for handle in handles:
            try:
                target = str(handle.readlink())
            except OSError:
                continue
            if target.startswith("/") and not target.startswith(NO_DATA):
                found.append(target)
    return list(dict.fromkeys(found))[:MAX_OPEN]
