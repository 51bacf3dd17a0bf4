"""Reading a unit on the node: what the service manager says, the files that say so, and the running process.

Changes nothing. What is read stays on the node but for findings: environments hold secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .bounded_reader import UnreadableError, read_bytes
from .unit_files import Unit, environment_file_names, paths, show, split, variables

Run = Callable[[Sequence[str]], str]

PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "ExecMainStartTimestamp"),
    *("NeedDaemonReload", "FragmentPath", "DropInPaths", "User", "DynamicUser", "RootDirectory", "RootImage"),
    *("WorkingDirectory", "Environment", "EnvironmentFiles", "UnsetEnvironment", "ExecStart"),
    *("StateDirectory", "StateDirectoryMode", "RuntimeDirectory", "RuntimeDirectoryMode"),
    *("RestrictAddressFamilies", "SystemCallFilter", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths"),
    *("ExecPaths", "NoExecPaths", "BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem"),
    *("ProtectSystem", "ProtectHome"),
)
"""What the service manager is asked for; a property that it does not know is not in its answer."""


def properties(unit: str, run: Run) -> dict[str, str]:
    """What the service manager says of a unit.

    Raises:
        OSError: It cannot be asked.
    """
    command = ["systemctl", "show", unit, "--timestamp=us+utc"]
    found: dict[str, str] = show(run([*command, *(f"--property={name}" for name in PROPERTIES)]))
    return found


def read(known: Mapping[str, str], process: Path = Path("/proc")) -> Unit:
    """The unit with its files and its process.

    Args:
        known: What `properties` gave.
        process: The file system of the processes.
    """
    running = process / known.get("MainPID", "0")
    environment = _entries(running / "environ")
    return Unit(
        properties=known,
        files={path: _text(path) for path in paths(known)},
        environment_files={path: _variables(path) for path in environment_file_names(known)},
        process=None if environment is None else variables(environment),
        command=tuple(_entries(running / "cmdline") or ()),
    )


def _text(path: str) -> str:
    """A file of the unit, or one that it names; one that is gone meanwhile, or no file, assigns nothing."""
    try:
        content: bytes = read_bytes(Path(path).resolve())
    except (OSError, RuntimeError, UnreadableError):
        return ""
    return content.decode("utf-8", errors="replace")


def _variables(path: str) -> dict[str, str]:
    """The variables in an environment file; a word that is none is no error there either."""
    lines = [line for line in _text(path).splitlines() if not line.lstrip().startswith(("#", ";"))]
    found: dict[str, str] = variables([word for line in lines for word in split(line)])
    return found


def _entries(path: Path) -> list[str] | None:
    """What the kernel keeps of a process, ended by zero bytes; None where no such process runs."""
    try:
        return path.read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return None
