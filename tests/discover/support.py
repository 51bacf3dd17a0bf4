"""A host that is told by files: a service manager that answers from a table, and processes in a folder."""

from __future__ import annotations

import getpass
import json
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ansible_collections.coinjecture.migration.plugins.module_utils import discovery, looked_service
from ansible_collections.coinjecture.migration.plugins.module_utils.kernel_sockets import Listener
from ansible_collections.coinjecture.migration.plugins.plugin_utils.discovery.defaults import Defaults, stated
from ansible_collections.coinjecture.migration.plugins.plugin_utils.discovery.offered import offered
from ansible_collections.coinjecture.migration.plugins.plugin_utils.discovery.outcome import Chosen, Outcome
from ansible_collections.coinjecture.migration.plugins.plugin_utils.discovery.settings import outcome

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns("__pycache__")


class Host:
    """A host in a folder.

    Attributes:
        root: Its folder; ``root / "proc"`` has its processes.
        units: Properties of every unit.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.units = root, dict[str, dict[str, str]]()
        self.processes = root / "proc"
        self.processes.mkdir()
        self.sockets: dict[int, list[Listener]] = {}
        self._pid = 100

    def unit(
        self, name: str, *argv: str, working: str | Path = "", listens: Sequence[int] = (), **more: str
    ) -> int:
        """A unit that runs; returns the number of its process."""
        self._pid += 1
        group = f"/system.slice/{name}"
        self.units[name] = {
            "Id": name, "LoadState": "loaded", "ActiveState": "active", "SubState": "running",
            "MainPID": str(self._pid), "User": getpass.getuser(), "ControlGroup": group,
            "WorkingDirectory": str(working),
            "ExecStart": f"{{ path={argv[0]} ; argv[]={' '.join(argv)} ; ignore_errors=no ; pid=1 }}", **more,
        }  # fmt: skip
        place = self.processes / str(self._pid)
        (place / "fd").mkdir(parents=True)
        groups = self.root / f"cgroup{group}"
        groups.mkdir(parents=True)
        (groups / "cgroup.procs").write_text(f"{self._pid}\n")
        self.sockets[self._pid] = [Listener(f"127.0.0.1:{port}", port) for port in listens]
        (place / "cmdline").write_bytes(b"\0".join(one.encode() for one in argv) + b"\0")
        (place / "environ").write_bytes(b"HOME=/\0")
        if working:
            (place / "cwd").symlink_to(working)
        return self._pid

    def run(self, command: Sequence[str]) -> str:
        """What the service manager and the compiler say."""
        if "list-units" in command:
            return "".join(f"{name} loaded active running\n" for name in self.units)
        if "list-unit-files" in command:
            return "ssh@.service static\n"
        if "show" in command:
            asked = command[command.index("--") + 1 :]
            return "\n\n".join(
                "\n".join(f"{key}={value}" for key, value in self.units[name].items()) for name in asked
            )
        return "rustc 1.0"

    def found(self) -> dict[str, Any]:
        """What is found on it, as JSON carries it."""
        with patch.object(looked_service, "listeners_of", self._listeners):
            told = discovery.read([], self.run, self.processes, self.root / "cgroup")
        found: dict[str, Any] = json.loads(json.dumps(told))
        return found

    def _listeners(self, pids: Iterable[int]) -> list[Listener]:
        return [one for pid in pids for one in self.sockets[pid]]


def follows(found: Mapping[str, Any], **chosen: Any) -> Outcome:
    """What follows from it with the toolkit's defaults."""
    return outcome(found, Defaults(stated()), offered(), Chosen(**chosen))


def settings(told: Outcome) -> dict[str, Any]:
    """The settings that differ from the defaults."""
    return {one.name: one.value for one in told.settings}


def chain(path: Path, *statements: str) -> Path:
    """A database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


@contextmanager
def api(answers: Mapping[str, Any]) -> Iterator[int]:
    """An API that answers these paths; gives its port."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            found = answers.get(self.path)
            self.send_response(200 if found is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


REFERENCE = {
    "/health": {"status": "ok", "height": 7},
    "/v1/data/block/latest": {
        "height": 7,
        "hash": "a",
        "depth": 0,
        "received_at": 1.5,
        "block": {"timestamp": 1.0},
    },
    "/v1/data/block/7": {
        "height": 7,
        "hash": "a",
        "depth": 0,
        "received_at": 1.5,
        "block": {"timestamp": 1.0},
    },
    "/v1/peers": {"peer_id": "x", "peers": []},
}
_BLOCK = {
    "status": "success",
    "data": {"index": 7, "block_hash": "a", "timestamp": 1.0, "previous_hash": "b"},
}
DEPLOYED = {
    "/health": {"status": "healthy", "height": 7},
    "/v1/data/block/latest": _BLOCK,
    "/v1/data/block/7": _BLOCK,
    "/v1/network/peers": {"status": "success", "data": {"peers": ["http://b"], "count": 1}},
}
TABLES = (
    "CREATE TABLE headers (header_hash BLOB PRIMARY KEY, header_bytes BLOB, height INTEGER, timestamp REAL)",
    "CREATE TABLE blocks (block_hash BLOB PRIMARY KEY, block_bytes BLOB, header_hash BLOB)",
    "CREATE TABLE tips (tip BLOB PRIMARY KEY, work TEXT)",
)
PYTHON = sys.executable


def copied(source: str, target: Path) -> Path:
    """A folder of the tree at another place."""
    shutil.copytree(ROOT / source, target, ignore=LEFT_OUT, dirs_exist_ok=True)
    return target
