"""What a host tells of a node that nobody has described yet. Changes nothing, and runs nothing of the node's.

Everything here is a fact; what follows from it is for the controller to say.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import host_apis, proxies
from .host_units import Service, commands_of, services
from .looked_service import begun, looked, sockets, working_of
from .node_state import read_machine, run_command
from .owned_place import of_root

Run = Callable[[Sequence[str]], str]
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def read(
    places: Sequence[str],
    run: Run = run_command,
    processes: Path = Path("/proc"),
    control_groups: Path = Path("/sys/fs/cgroup"),
) -> dict[str, Any]:
    """Everything that this host tells.

    Args:
        places: Folders that root is to own alone.
        run: Runs a command of the system and returns its output; raises OSError where that fails.
        processes: The file system of the processes.
        control_groups: Where the control groups are mounted.

    Returns:
        ``candidates`` (units that make the engine), ``related`` (units of the same folder), ``programs``
        (every other unit that runs Python of its own), ``proxies``, ``apis`` (ports that tell the chain, with
        whose they are and how they are read), ``not_roots`` (by folder, those of the candidates too: why
        it is not root's alone), ``machine`` and ``complaints``.

    Raises:
        OSError: The service manager cannot be asked.
    """
    found = services(run, processes, control_groups)
    complaints: list[str] = []
    begins = [(one, start) for one in found if (start := begun(one)) is not None]
    seen = [looked(one, start, processes, complaints) for one, start in begins]
    candidates = [one for one in seen if one["makes"]]
    related = [near for one in found if (near := _related(one, candidates, complaints)) is not None]
    forwarded, unread = proxies.forwarded()
    return {
        "candidates": candidates,
        "related": related,
        "programs": [_brief(one) for one in seen if not one["makes"]],
        "proxies": [vars(one) for one in forwarded],
        "apis": host_apis.apis(
            host_apis.ports([*candidates, *related], forwarded, [one.name for one in found if one.active])
        ),
        "not_roots": _not_roots([*places, *(one["home"] for one in candidates)]),
        "machine": machine(run),
        "complaints": [*complaints, *unread],
    }


def _brief(seen: Mapping[str, Any]) -> dict[str, Any]:
    return {name: seen[name] for name in ("unit", "entry", "completed", "unread", "unknown")}


def _related(
    service: Service, candidates: Sequence[Mapping[str, Any]], complaints: list[str]
) -> dict[str, Any] | None:
    """A unit that belongs to a node by its folder: it works there, or starts something from there."""
    known = [one["unit"] for one in candidates]
    if service.name in known or service.get("LoadState") != "loaded":
        return None
    words = [word for line in commands_of(service.get("ExecStart")) for word in line]
    words += [word for one in service.processes for word in one.command]
    words.append(working_of(service))
    of = [
        one["unit"]
        for one in candidates
        if any(word == one["home"] or word.startswith(f"{one['home']}/") for word in words)
    ]
    if not of:
        return None
    return {
        "unit": service.name,
        "of": of,
        "user": service.get("User") or "root",
        "active": service.active,
        "sockets": sockets(service, complaints),
    }


def _not_roots(places: Sequence[str]) -> dict[str, str]:
    found = {}
    for place in places:
        try:
            of_root(Path(place))
        except OSError as error:
            found[place] = str(error)
    return found


def machine(run: Run) -> dict[str, Any]:
    """The distribution, its interpreter and compiler, free disk and memory in bytes."""
    told = {}
    try:
        for line in Path("/etc/os-release").read_text(errors="replace").splitlines():
            name, _, value = line.partition("=")
            told[name] = value.strip('"')
    except OSError:
        pass
    compiler = shutil.which("rustc", path=PROGRAMS)
    try:
        rustc = run([compiler, "--version"]).strip() if compiler else ""
    except OSError:
        rustc = ""
    return {
        "distribution": told.get("PRETTY_NAME", ""),
        "processor": platform.machine(),
        "processors": os.cpu_count() or 0,
        "python": platform.python_version(),
        "rustc": rustc,
        **read_machine("/opt"),
    }
