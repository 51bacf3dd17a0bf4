"""What the tests of this folder share: one node to migrate, plays that are killed, snapshots, wheels."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import (
    recorded_mode,
    unfinished,
    verify_chain,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.criteria import DEFAULTS
from testnet.lab.nodes import NodeSilentError, ask
from testnet.lab.plan import NODES, ROOT, USERS
from testnet.machine.docker import require_docker
from testnet.rehearsal.droplet import Remote, UnreadableError
from testnet.rehearsal.rehearse import LEDGER_COMMAND
from tests.plugins.wheels import write_wheel

NODE = Remote(NODES[0])
UNTOUCHED = Remote(NODES[1])
LOAD = Remote(USERS)
SRC = "/opt/coinjecture/src"
STATE = "/var/lib/coinjecture-migration"
OPERATOR = "/var/lib/coinjecture-operator"
CONTROL = f"/opt/coinjecture/venv/bin/python -B {SRC}/coinjecture_migration/ctl.py"
OPERATOR_DIR = "/var/lib/coinjecture-operator"
KILLED = -9

CALENDAR = yaml.safe_load((ROOT / "inventory/local/group_vars/nodes/calendar.yml").read_text())
NO_SOAK: dict[str, Any] = {
    "phases": [
        {"phase": number, "mode": mode, "soak_between_nodes": 0, "soak_after": 0}
        for number, mode in ((1, "shadow"), (2, "rust"), (3, "final"))
    ],
    **{f"gate_{name}": 0 for name in DEFAULTS if name.startswith("min_")},
    # No pairs are never a pass; these limits ask for what one run of the self-check brings.
    **{"gate_min_latency_pairs": 1, "gate_confidence": 0.5},
    "health_advance": 0,
}
"""A calendar without soaks, and no block waited for: these tests are about something else."""


@dataclass(frozen=True)
class Run:
    """One run of a playbook, to its end or to where it was killed."""

    status: int
    said: str
    before: str | None

    @property
    def killed(self) -> bool:
        """Whether it was ended by SIGKILL."""
        return self.status == KILLED


@dataclass(frozen=True)
class Operator:
    """Types playbooks against an inventory with one node; the other one is a peer like any other."""

    folder: Path

    def play(
        self, playbook: str, *arguments: str, kill_before: int | str | None = None, **values: Any
    ) -> Run:
        """Run a playbook; with ``kill_before`` the controller dies before the task of that number or name."""
        name = self.folder / "killed-before"
        name.unlink(missing_ok=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        if kill_before is not None:
            environment |= {
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "kill_before",
                "KILL_BEFORE": str(kill_before),
                "KILL_BEFORE_NAME": str(name),
            }
        extra = NO_SOAK | {"migration_build": str(self.folder / "build"), **values}
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            str(self.folder / "hosts.yml"),
        ]
        done = subprocess.run(
            [*command, f"playbooks/{playbook}.yml", "-e", json.dumps(extra), *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        said = " ".join((done.stdout + done.stderr).split())
        return Run(done.returncode, said, name.read_text() if name.exists() else None)

    def types(self, line: str) -> Run:
        """Give a shell a line as it was printed."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        return Run(done.returncode, " ".join((done.stdout + done.stderr).split()), None)


WORD = r"""(?:[^\s'"\\]|'[^']*'|"[^"]*")+"""


def named(said: str, playbook: str) -> str:
    """The command of a playbook that an output names, as it stands there."""
    command = rf"ansible-playbook(?: -i {WORD})? playbooks/{playbook}\.yml(?: -[le] {WORD})*"
    found = {match.rstrip(";.,") for match in re.findall(command, said)}
    assert len(found) == 1, f"{playbook}: {found}: {said[-3000:]}"
    return found.pop()


def inventory(folder: Path, *, alone: bool = True) -> Operator:
    """An inventory of the local network, with the first node alone in its group or with both."""
    content = yaml.safe_load((ROOT / "inventory/local/hosts.yml").read_text())
    content["all"]["vars"]["lab_state"] = str(ROOT / "build/testnet")
    if alone:
        del content["all"]["children"]["nodes"]["hosts"]["node2"]
    content["all"]["children"]["nodes"]["vars"] = CALENDAR
    (folder / "hosts.yml").write_text(yaml.safe_dump(content))
    return Operator(folder)


def mode() -> str:
    """The mode of the node; ``none`` where no wrapper answers."""
    try:
        return str(NODE.status()["mode"])
    except UnreadableError:
        return "none"


def journal() -> list[dict[str, Any]]:
    """The records of the node's step journal, which is whole."""
    found = verify_chain(NODE.ssh("cat", f"{OPERATOR_DIR}/journal.jsonl").decode())
    assert found["broken"] is None
    return found["records"]


def left_open(operator: Operator, phase: int, mode_now: str) -> list[str]:
    """What an interrupted run has left that no rerun has finished: journal, lock, gate, alert, kept step.

    Args:
        operator: Who asks.
        phase: The phase whose step brought the node to its mode.
        mode_now: The mode that the node is to be in.
    """
    wrong = []
    records = journal()
    if unfinished(records):
        wrong.append(f"the journal has no end of {list(unfinished(records))}")
    if (mode(), recorded_mode(records)) != (mode_now, mode_now):  # what ModeDiffersFromJournal compares
        wrong.append(f"the node is in {mode()}, and its journal says {recorded_mode(records)}")
    if records[-1]["what"] == "step done" and not all(records[-1]["hashes"].values()):
        wrong.append(f"the last record lacks hashes: {records[-1]['hashes']}")
    if NODE.ssh("sh", "-c", "'ls /run/coinjecture-migration-lock 2>/dev/null || true'").strip():
        wrong.append("the node is locked")
    said = operator.play("gate").said
    if "to be finished" in said or "interrupted" in said or "playbooks/journal.yml" in said:
        wrong.append(f"the gate says {said}")
    kept = json.loads(next((operator.folder / "build").rglob(f"{phase}-node1.json")).read_text())
    if records[-1]["what"] == "step done" and kept["finished"] is None:
        wrong.append("the controller keeps the step as one that is not finished")
    return wrong


def set_mode(target: str) -> None:
    """Change the mode by the node's own command, without any playbook."""
    NODE.ssh("sh", "-c", f"'{CONTROL} set-mode {target} --why test'")


def open_operation() -> dict[str, Any] | None:
    """What is open on the node."""
    text = NODE.ssh("sh", "-c", f"'cat {OPERATOR}/operation.json 2>/dev/null || true'")
    return dict(json.loads(text)) if text.strip() else None


def shell(script: str) -> str:
    """What a script of the shell says as root on the node."""
    return NODE.ssh("sh", "-c", shlex.quote(script)).decode()


def to_old_layout(operation: Mapping[str, Any] | None = None) -> str:
    """Lay what root writes where it lay before root had a folder, in that of the node's user; the journal."""
    shell(f"cd {OPERATOR} && cp -a backups journal.jsonl journal.jsonl.head {STATE} && rm -r {OPERATOR}")
    if operation is not None:
        shell(f"printf %s {shlex.quote(json.dumps(operation))} > {STATE}/operation.json")
    return shell(f"cat {STATE}/journal.jsonl")


def serves() -> bool:
    """Whether the node answers its users now."""
    try:
        return bool(ask(NODES[0], "/health")["status"] == "ok")
    except NodeSilentError:
        return False


@contextmanager
def frozen(node: Remote) -> Iterator[None]:
    """A droplet that answers nothing for as long as this lasts."""
    docker = require_docker()
    docker("pause", node.droplet.container)
    try:
        yield
    finally:
        docker("unpause", node.droplet.container)


def reboot(node: Remote) -> None:
    """Let a droplet go down and come up again, and its node with it."""
    docker = require_docker()
    docker("kill", "--signal", "SIGRTMIN+3", node.droplet.container)
    docker("wait", node.droplet.container)
    docker("start", node.droplet.container)
    deadline = time.monotonic() + 60
    while not serves():
        assert time.monotonic() < deadline, "the node does not come up again"
        time.sleep(0.2)


@contextmanager
def cut_connections(every: float) -> Iterator[None]:
    """The operator's connections to the node end every so many seconds, from its side."""
    docker, over = require_docker(), threading.Event()

    def cut_on() -> None:
        while not over.wait(every):
            docker.execute(NODE.droplet.container, "sh", "-c", "pkill -KILL -u ops; true")

    cutter = threading.Thread(target=cut_on)
    cutter.start()
    try:
        yield
    finally:
        over.set()
        cutter.join()


def failures(since: float) -> list[Mapping[str, Any]]:
    """Requests of the network's users that were begun since then and have failed."""
    report = json.loads(LOAD.ssh(*LEDGER_COMMAND, "report"))
    assert report["requests"]["total"] > 0
    return [failure for failure in report["failures"] if failure["at"] >= since]


SNAPSHOT = """
import hashlib, json, os, stat, subprocess, sys
found = {}
def note(path):
    info = os.lstat(path)
    kind = oct(info.st_mode)
    content = ""
    if stat.S_ISLNK(info.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(info.st_mode):
        content = hashlib.sha256(open(path, "rb").read()).hexdigest()
    found[path] = [kind, info.st_uid, info.st_gid, content]
for root in ("/opt", "/etc", "/usr/local", "/var/lib", "/root", "/home", "/run/systemd/system"):
    for folder, folders, files in os.walk(root):
        if "__pycache__" in folder:
            continue
        for name in folders + files:
            if name != "__pycache__":
                note(os.path.join(folder, name))
def lines(*command):
    return sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
found["packages"] = lines("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n")
found["users"] = lines("getent", "passwd") + lines("getent", "group")
found["units"] = lines("systemctl", "list-unit-files", "--no-legend", "--plain")
found["unit"] = lines("systemctl", "cat", "coinjecture-node.service")
found["run"] = sorted(name for name in os.listdir("/run") if "coinjecture" in name)
json.dump(found, sys.stdout)
"""

MOVES_BY_ITSELF = (
    # The node's own data and what the distribution's tools rewrite with every package that comes or goes.
    "/var/lib/coinjecture/",
    "/var/lib/apt/",
    "/var/lib/dpkg/",
    "/var/lib/systemd/",
    "/var/lib/ucf",
    "/etc/ld.so.cache",
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/etc/subuid-",
    "/etc/subgid-",
    "/etc/.pwd.lock",
    "/home/ops/.ansible",
    "/root/.ansible",
)
OF_ONE_HOST = (
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/machine-id",
    "/etc/ssh/ssh_host_",
    "/etc/coinjecture/node.json",
    "/var/lib/dbus/machine-id",
    "/var/lib/coinjecture-lab-provisioned",
)


def snapshot(node: Remote) -> dict[str, Any]:
    """Every file below the folders that a migration could touch, packages, users, units."""
    found = json.loads(node.ssh("/usr/bin/python3", "-", stdin=SNAPSHOT.encode()))
    return {path: value for path, value in found.items() if not path.startswith(MOVES_BY_ITSELF)}


def differences(
    one: Mapping[str, Any], other: Mapping[str, Any], but: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What is not the same in two snapshots."""
    return {
        path: (one.get(path), other.get(path))
        for path in sorted({*one, *other})
        if one.get(path) != other.get(path) and not path.startswith(but or ("\\0",))
    }


def the_wheel() -> Path:
    """The wheel that `make setup` has built."""
    found = sorted((ROOT / "build/wheels/local").glob("*.whl"))
    assert len(found) == 1, "make setup builds one wheel"
    return found[0]


def repacked(folder: Path, change: Mapping[str, str]) -> Path:
    """Another wheel with the same engine and some of its Python files replaced: another release."""
    source = the_wheel()
    target = folder / source.name
    with zipfile.ZipFile(source) as old:
        files = {entry.filename: old.read(entry) for entry in old.infolist()}
    write_wheel(target, files | {name: text.encode() for name, text in change.items()})
    return target


def sha256(path: Path) -> str:
    """The hash that names a release."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def numbers(stride: int = 1) -> Iterator[int]:
    """1, 2, 3, or with greater strides, up to more tasks than any play has."""
    yield from range(1, 400, stride)
