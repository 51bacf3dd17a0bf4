"""What the tests of this folder share: a desk to type at, a run that holds the lock, what the nodes keep."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from testnet.lab.plan import NODES, ROOT
from testnet.rehearsal.droplet import Remote
from tests.resume.support import CALENDAR, Operator

NODE1, NODE2 = (Remote(droplet) for droplet in NODES)
HOLD = Path(__file__).parent / "on_the_droplets/hold.yml"
LOCK = "/run/coinjecture-migration-lock/lock.json"
JOURNAL = "/var/lib/coinjecture-operator/journal.jsonl"
SRC = "/opt/coinjecture/src"


def desk(folder: Path) -> Operator:
    """An operator at a desk with the inventory of the whole local network."""
    content = yaml.safe_load((ROOT / "inventory/local/hosts.yml").read_text())
    content["all"]["vars"]["lab_state"] = str(ROOT / "build/testnet")
    content["all"]["children"]["nodes"]["vars"] = CALENDAR
    (folder / "hosts.yml").write_text(yaml.safe_dump(content))
    return Operator(folder)


def text(node: Remote, path: str) -> str:
    """A file of a node; empty where it is not there."""
    return node.ssh("sh", "-c", shlex.quote(f"cat {path} 2>/dev/null || true")).decode()


def lock(node: Remote = NODE1) -> dict[str, Any] | None:
    """The lock of a node."""
    found = text(node, LOCK)
    return json.loads(found) if found else None


def records(node: Remote = NODE1) -> list[dict[str, Any]]:
    """The step journal of a node."""
    return [json.loads(line) for line in text(node, JOURNAL).splitlines()]


def shell(node: Remote, script: str) -> str:
    """Run a shell's script as root on a node."""
    return node.ssh("sh", "-c", shlex.quote(script)).decode()


@contextmanager
def at_work(operator: Operator) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another run, which holds the lock of both nodes; the file lets it go on."""
    go = operator.folder / f"go-{time.monotonic_ns()}"
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", str(operator.folder / "hosts.yml"), str(HOLD), "-e", f"hold_until={go}"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 60
        while not (lock(NODE1) and lock(NODE2)):
            assert time.monotonic() < deadline and process.poll() is None, "the lock was not taken"
            time.sleep(0.5)
        yield process, go
    finally:
        process.kill()
        process.wait()
