"""The play on this machine, with a service manager that answers from a table."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.usage.support import Typed, play
from tests.usage.test_versions import PROGRAMS

from .support import REFERENCE, chain, copied

SYSTEMCTL = """#!{python}
import json, sys
units = json.load(open({table!r}))
words = [word for word in sys.argv[2:] if not word.startswith("-")]
if "--value" in sys.argv:
    print("inactive")
elif sys.argv[1] == "list-units":
    print("".join(f"{{name}} loaded active running\\n" for name in units))
elif sys.argv[1] == "show":
    show = (units.get(name, {{"Id": name, "LoadState": "not-found"}}) for name in words)
    print("\\n\\n".join("\\n".join(f"{{key}}={{value}}" for key, value in one.items()) for one in show))
"""
SERVES = """
import http.server, json, sys
answers = json.load(open(sys.argv[1]))
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in answers else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answers.get(self.path)).encode())
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answers)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Machine:
    """This machine, on which a reference node seems to run."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder, self.table = folder, folder / "units.json"
        program = folder / "bin/systemctl"
        program.parent.mkdir()
        program.write_text(SYSTEMCTL.format(python=sys.executable, table=str(self.table)))
        program.chmod(0o755)
        src = copied("testnet/node/src", folder / "opt/src")
        self.unit = {
            "Id": "coinjecture-node.service", "LoadState": "loaded", "ActiveState": "active",
            "SubState": "running",
            "MainPID": str(pid), "User": getpass.getuser(), "ControlGroup": "/none", "WorkingDirectory": "/",
            "ExecStart": f"{{ path={sys.executable} ; argv[]=python {src}/node.py ; pid=1 }}",
        }  # fmt: skip
        self.write({"coinjecture-node.service": self.unit})
        hosts = {"nodes": {"hosts": {"node1": self.connection(), "node2": self.connection()}}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))

    def write(self, units: dict[str, Any]) -> None:
        """Say what runs."""
        self.table.write_text(json.dumps(units))

    def connection(self) -> dict[str, Any]:
        """How a host of the inventory is reached."""
        return {
            "ansible_connection": "local", "ansible_host": "127.0.0.1", "ansible_become": False,
            "ansible_python_interpreter": sys.executable, "migration_build": str(self.folder / "build"),
        }  # fmt: skip

    def play(self, *arguments: str, program: Path | None = None) -> Typed:
        """Type the playbook."""
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        hosts = str(self.folder / "hosts.yml")
        return play("playbooks/discover.yml", "-i", hosts, *arguments, program=program, PATH=path)

    @property
    def kept(self) -> dict[str, bytes]:
        """All files of the node."""
        files = (path for path in (self.folder / "opt").rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    data = chain(tmp_path / "data/chain.db", "CREATE TABLE blocks (seq INTEGER PRIMARY KEY, raw BLOB)").parent
    (tmp_path / "answers.json").write_text(json.dumps(REFERENCE))
    command = [sys.executable, "-c", SERVES, str(tmp_path / "answers.json")]
    process = subprocess.Popen(command, cwd=data, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    yield Machine(tmp_path, process.pid)
    process.kill()
    process.wait()
    process.stdout.close()


def test_given_a_node_then_the_screen_and_an_inventory_follow_with_check_too_and_nothing_on_it_changes(
    machine: Machine,
) -> None:
    before = machine.kept
    done = machine.play("-l", "node1", "--check")
    assert done.status == 0, done.said
    assert "node1, as it runs now; nothing was run or changed there" in done.said
    assert "makes the engine" in done.said and "will be refused: " in done.said
    assert machine.kept == before
    folder = machine.folder / "build/discover/node1"
    assert sorted(path.name for path in folder.rglob("*.yml")) == ["hosts.yml", "node.yml"]
    stated = yaml.safe_load((folder / "group_vars/nodes/node.yml").read_text())
    assert stated["coinjecture_database"] == str(machine.folder / "data/chain.db")
    hosts = yaml.safe_load((folder / "hosts.yml").read_text())
    assert list(hosts["nodes"]["hosts"]) == ["node1"]
    assert "node2" in (folder / "hosts.yml").read_text(), "the one that was not asked is named"
    assert "preflight.yml" in done.said and "-l" not in done.said.rpartition("ansible-playbook")[2]


@pytest.mark.parametrize("version", PROGRAMS, ids=lambda version: ".".join(map(str, version)))
def test_given_what_preflight_would_refuse_then_it_is_said_in_the_same_words(
    machine: Machine, version: tuple[int, int]
) -> None:
    machine.write({"coinjecture-node.service": machine.unit | {"Environment": "PYTHONOPTIMIZE=1"}})
    done = machine.play("-l", "node1", program=PROGRAMS[version])
    assert done.status == 0, done.said
    assert "node1 starts its interpreter with PYTHONOPTIMIZE=1; that may change what it accepts" in done.said


def test_given_two_units_that_make_an_engine_then_both_are_named_nothing_is_written_and_the_status_says_so(
    machine: Machine,
) -> None:
    other = machine.unit | {"Id": "other.service", "MainPID": "0"}
    machine.write({"coinjecture-node.service": machine.unit, "other.service": other})
    done = machine.play("-l", "node1")
    assert done.status == 2
    assert "2 units make a consensus engine: coinjecture-node.service (" in done.said
    assert "-e discover_unit=coinjecture-node.service" in done.said
    assert not (machine.folder / "build").exists()
    assert machine.play("-l", "node1", "-e", "discover_unit=coinjecture-node.service").status == 0


def test_given_both_nodes_then_one_inventory_has_what_they_have_alike(machine: Machine) -> None:
    assert machine.play().status == 0
    folder = machine.folder / "build/discover/node1-node2"
    assert sorted(path.name for path in folder.rglob("*.yml")) == ["hosts.yml", "node.yml"]
    assert list(yaml.safe_load((folder / "hosts.yml").read_text())["nodes"]["hosts"]) == ["node1", "node2"]
