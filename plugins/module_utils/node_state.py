"""What a node is now: service, interpreter, release, import in its entry files, mode.

Everything is read where it is authoritative, on the node, as root, without changing
anything. The mode comes from the running wrapper; only where none can answer is it taken
from what lies on the disk, and where the two do not settle it, it is None with a reason.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from . import as_user, interpreter, journal, unit_reader
from .bounded_reader import UnreadableError, parse_json, read_json, read_object
from .control_client import ControlClient, ControlError
from .entries import Entries
from .installed import compare
from .journal_file import JournalFile
from .node_import import ImportEditError
from .operator_folder import OperatorFolder
from .owned_place import of_root
from .pending_operation import read as read_operation
from .unit_files import Unit
from .unit_needs import Needs, findings, foreign_drop_in, met_with, obstacles, process_findings
from .vocabulary import DROPPED, MODES

Run = Callable[[Sequence[str]], str]

RUNTIME_PROBE = (
    "import json,platform,sys;"
    "print(json.dumps({'python':'%d.%d'%sys.version_info[:2],'libc':' '.join(platform.libc_ver()),"
    "'machine':platform.machine()}))"
)

GUARD_UNIT = "coinjecture-restart.service"


@dataclass(frozen=True)
class NodePaths:
    """Where things lie on a node; see docs/reference/node-files.md."""

    unit: str
    src: str
    entries: tuple[str, ...]
    python: str
    socket: str
    mode_file: str
    current: str
    drop_in: str
    settings: str
    releases: str
    operator_dir: str
    user: str

    @property
    def operator(self) -> OperatorFolder:
        """What root writes; before, it lay beside the mode file."""
        return OperatorFolder(Path(self.operator_dir), Path(self.mode_file).parent)

    @property
    def roots(self) -> list[Path]:
        """Where root keeps things or makes folders: nobody else decides what a name there means."""
        above = (self.current, self.drop_in, self.settings, str(Path(self.mode_file).parent), self.socket_dir)
        return [Path(self.releases), Path(self.operator_dir), *(Path(name).parent for name in above)]

    @property
    def socket_dir(self) -> str:
        """The folder of the control socket."""
        return str(Path(self.socket).parent)

    @property
    def needs(self) -> Needs:
        """What the wrapper needs of the unit."""
        return Needs(
            unit=self.unit,
            user=self.user,
            python=self.python,
            src=self.src,
            entry=self.entries[0] if self.entries else "",
            current=self.current,
            releases=self.releases,
            settings=self.settings,
            state_dir=str(Path(self.mode_file).parent),
            runtime_dir=self.socket_dir,
            drop_in=self.drop_in,
        )

    @property
    def trees(self) -> list[Path]:
        """What the migration drops into the source folder."""
        return [Path(self.src) / name for name in DROPPED]

    @property
    def all_of_it(self) -> list[Path]:
        """Every path that is there because of the migration."""
        own = [self.drop_in, self.settings, self.current, self.releases, self.operator_dir]
        return [*self.trees, *map(Path, own), Path(self.mode_file).parent, Path(self.socket).parent]


def run_command(command: Sequence[str]) -> str:
    """Run a command and return its output.

    Raises:
        OSError: It cannot be started, fails, or takes longer than 30 s.
    """
    try:
        return str(as_user.output(command, 30))
    except as_user.NotDoneError as error:
        raise OSError(f"{command[0]}: {error}") from error


def read(
    paths: NodePaths,
    run: Run = run_command,
    copies: Mapping[str, journal.Known] | None = None,
    *,
    brief: bool = False,
) -> dict[str, Any]:
    """Read the whole state of this node; never raises for what is merely absent.

    Args:
        paths: Where things lie on this node.
        run: Runs a command and returns its output.
        copies: What the controller has copies of the node's journal of, by network.
        brief: Leave out what a way back does not need and takes time: the interpreter, the installed files.
    """
    told = unit_reader.properties(paths.unit, run)
    unit = unit_reader.read(told)
    service = read_service(told)
    node_py = read_entries(paths)
    status, status_error = read_status(paths.socket)
    mode_file, mode_file_error = read_mode_file(Path(paths.mode_file))
    if node_py["state"] != "wrapped":
        mode_file_error = ""  # nobody reads it
    stale = changed_since_start(paths, service)
    mode, why = settle_mode(service, node_py, status, status_error, mode_file, stale, paths.needs.entry)
    steps = JournalFile(paths.operator, copies or {})
    return {
        "now": time.time(),
        "mode": mode,
        "why": why,
        "service": service,
        "unit": read_unit(met_with(paths.needs, unit), unit, node_py),
        "runtime": None if brief else _runtime(paths, unit, run),
        "node_py": node_py,
        "release": read_release(Path(paths.current)),
        "installed": None if brief else read_installed(paths),
        "places": read_places(paths.roots),
        "status": status,
        "status_error": status_error,
        "mode_file": mode_file,
        "mode_file_error": mode_file_error,
        "next_mode": next_mode(node_py, mode_file, status),
        "network": read_network(steps),
        "journal": read_journal(steps),
        "pending_operation": read_operation(paths.operator),
        "restarting": read_restarting(run),
        "remains": read_remains(paths, node_py),
        "changed_since_start": stale,
        "machine": read_machine(paths.src),
    }


def read_remains(paths: NodePaths, node_py: Mapping[str, Any]) -> list[str]:
    """What is there because of the migration.

    Where nothing is but names that it drops into the source folder, those are files of the node's own: the
    migration's are never alone, since its folders go last.
    """
    found = [path for path in paths.all_of_it if path.exists() or path.is_symlink()]
    if node_py["state"] == "legacy" and set(found) <= set(paths.trees):
        return []
    return [str(path) for path in found]


def read_service(values: Mapping[str, str]) -> dict[str, Any]:
    """The unit as systemd sees it; ``started`` is in seconds since the epoch."""
    return {
        "found": values.get("LoadState") == "loaded",
        "active": values.get("ActiveState") == "active" and values.get("SubState") == "running",
        "state": f"{values.get('ActiveState', 'unknown')} ({values.get('SubState', 'unknown')})",
        "main_pid": int(values.get("MainPID") or 0),
        "restarts": int(values.get("NRestarts") or 0),
        "started": _timestamp(values.get("ExecMainStartTimestamp", "")),
        "user": values.get("User", ""),
    }


def read_unit(needs: Needs, unit: Unit, node_py: Mapping[str, Any]) -> dict[str, Any]:
    """What the unit does not give the wrapper although it is there, and what would defeat its drop-in.

    ``lacks`` and ``obstacles`` are lists of `unit_needs.Finding`; ``pythonpath`` is the assignment that the
    drop-in is to have.
    """
    engine = str(node_py["state"])
    return {
        "lacks": [*findings(needs, unit, engine), *process_findings(needs, unit, engine)],
        "obstacles": [*obstacles(needs, unit), *foreign_drop_in(needs, unit)],
        "pythonpath": needs.path_word,
    }


def read_installed(paths: NodePaths) -> dict[str, Any] | None:
    """Whether the release in force is, byte for byte, its wheel; None where there is none."""
    if (release := read_release(Path(paths.current))) is None:
        return None
    compared: dict[str, Any] = compare(Path(paths.releases) / release)
    return compared


def read_places(roots: Sequence[Path]) -> list[str]:
    """Which of root's places are not root's alone, and what to do there."""
    found = []
    for place in dict.fromkeys(roots):
        try:
            of_root(place)
        except OSError as error:
            found.append(str(error))
    return found


def next_mode(
    node_py: Mapping[str, Any], mode_file: Mapping[str, Any] | None, status: Mapping[str, Any] | None = None
) -> str | None:
    """The mode that the next start of the service would read; None where nobody can say.

    The wrapper knows it best, since it keeps the mode in two places.
    """
    if node_py["state"] == "wrapped":
        told = (status or {}).get("mode_file")
        start = told.get("next_start") if isinstance(told, Mapping) else None
        recorded = (start if isinstance(start, Mapping) else mode_file or {"mode": "legacy"}).get("mode")
        return recorded if isinstance(recorded, str) and recorded in MODES else None
    return {"legacy": "legacy", "rust": "final"}.get(str(node_py["state"]))


def read_restarting(run: Run) -> bool:
    """Whether a restart of the service is under way; it needs no controller and may outlive one."""
    state = run(["systemctl", "show", "--property=ActiveState", "--value", GUARD_UNIT]).strip()
    return state not in ("inactive", "failed")


def read_entries(paths: NodePaths) -> dict[str, Any]:
    """Which engine the entry files import, see `Entries.look`."""
    try:
        found: dict[str, Any] = Entries.of(paths.src, paths.entries).look()
    except ImportEditError as error:
        return {"state": None, "why": str(error), "sha256": None, "apart": ""}
    return found


def read_status(socket_path: str) -> tuple[dict[str, Any] | None, str]:
    """The wrapper's own answer, or None and why there is none."""
    try:
        return ControlClient(socket_path, timeout=10).status(), ""
    except ControlError as error:
        return None, str(error)


def read_mode_file(path: Path) -> tuple[dict[str, Any] | None, str]:
    """The mode file, None where it is missing or damaged, and what is wrong with it, if anything."""
    try:
        found: dict[str, Any] = read_object(path)
    except FileNotFoundError:
        return None, ""
    except (OSError, UnreadableError) as error:
        return None, str(error)
    if found.get("mode") not in MODES:
        return None, f"{path}: it names no mode"
    return found, ""


def read_journal(file: JournalFile) -> dict[str, Any]:
    """The step journal: its length and last record, the mode it says the node is in, and what is broken."""
    try:
        found = file.read()
    except OSError as error:
        found = {"records": [], "head": None, "broken": f"it cannot be read: {error.strerror}"}
    records = found["records"]
    return {
        "records": len(records),
        "last": records[-1] if records else None,
        "mode": journal.recorded_mode(records),
        "completed": journal.completed(records),
        "begun": journal.unfinished(records),
        "kept_evidence": journal.kept_evidence(records),
        "restarts": journal.restarts(records),
        "broken": found["broken"],
    }


def read_network(file: JournalFile) -> str:
    """The identity of the network, empty before the first record; a damaged one breaks the journal."""
    try:
        return str(file.network())
    except (OSError, UnreadableError):
        return ""


def read_replay(path: Path) -> Any:
    """The result of a replay here, None where there is none; a damaged one is the gate's to refuse."""
    try:
        return read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, UnreadableError) as error:
        return str(error)


def read_runtime(python: str, user: str, run: Run) -> dict[str, str]:
    """Python minor and C library of the node's interpreter, asked as the node's user; both decide bits."""
    try:
        said = run(as_user.command(user, [python, "-I", "-c", RUNTIME_PROBE]))
        found = parse_json(said, python)
    except (OSError, UnreadableError) as error:
        return {"python": "", "libc": "", "machine": "", "error": str(error)}
    return {key: str(found.get(key, "")) for key in ("python", "libc", "machine")}


def _runtime(paths: NodePaths, unit: Unit, run: Run) -> dict[str, Any]:
    """The interpreter, and what the unit tells it."""
    return {**read_runtime(paths.python, paths.user, run), "switches": interpreter.switches(unit)}


def read_release(current: Path) -> str | None:
    """The wheel's hash: the name of the folder that ``current`` points to."""
    try:
        return current.readlink().name
    except OSError:
        return None


def read_machine(path: str) -> dict[str, int]:
    """Free disk and available memory, in bytes."""
    memory = 0
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            memory = int(line.split()[1]) * 1024
    existing = Path(path)
    while not existing.exists():
        existing = existing.parent
    return {"disk_free": shutil.disk_usage(existing).free, "memory_available": memory}


def changed_since_start(paths: NodePaths, service: Mapping[str, Any]) -> list[str]:
    """Files of the migration that are newer than the running process: it has not read them.

    This is what makes an interrupted run go on: a file changed just before the
    interruption is still newer than the process when the play runs again.
    """
    if not service["active"] or service["started"] is None:
        return []
    watched = [*map(Path, (*paths.entries, paths.drop_in, paths.settings, paths.current))]
    for tree in paths.trees:
        watched += [tree, *sorted(tree.rglob("*.py"))] if tree.is_dir() else [tree]
    if (release := read_release(Path(paths.current))) is not None:
        folder = Path(paths.releases) / release
        watched += [folder, *sorted(folder.rglob("*"))]
    return [str(path) for path in watched if _changed_at(path) > service["started"]]


def settle_mode(
    service: Mapping[str, Any],
    node_py: Mapping[str, Any],
    status: Mapping[str, Any] | None,
    status_error: str,
    mode_file: Mapping[str, Any] | None,
    stale: Sequence[str],
    entry: str,
) -> tuple[str | None, str]:
    """The mode in force and where it was read, or None and why nobody can say; ``entry`` is what runs."""
    if status is not None:
        return str(status["mode"]), "said by the wrapper"
    if not service["found"]:
        return None, "the unit is not there"
    if node_py["state"] is None:
        return None, str(node_py["why"])
    if not service["active"]:
        return None, f"the unit is {service['state']}; see its journal"
    unread, name = entry in stale, PurePosixPath(entry).name
    if node_py["state"] == "rust":
        if unread:
            return (
                None,
                f"{name} imports the Rust engine itself, which its process has not read; {status_error}",
            )
        return "final", f"{name} imports the Rust engine itself: the migration is complete"
    if node_py["state"] == "legacy" or unread:
        return "legacy", "the running process knows no wrapper"
    recorded = f", its mode file says {mode_file.get('mode')}" if mode_file else ""
    return None, f"{name} has the wrapper, but {status_error}{recorded}"


def _changed_at(path: Path) -> float:
    """When a file or link last changed, in seconds since the epoch; 0 where it is absent."""
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return 0.0


def _timestamp(text: str) -> float | None:
    """Systemd's ``Mon 2024-01-01 10:00:00.123456 UTC`` in seconds since the epoch."""
    try:
        return datetime.strptime(text.replace("UTC", "+0000"), "%a %Y-%m-%d %H:%M:%S.%f %z").timestamp()
    except ValueError:
        return None
