"""What the walk shares: plays as they are typed, faults that come into a node, what a test begins with."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES
from testnet.lab.nodes import NodeSilentError, ask, await_agreement
from testnet.lab.plan import NODES, ROOT
from testnet.machine.docker import require_docker
from testnet.rehearsal import audit
from testnet.rehearsal.droplet import Remote, UnreadableError
from testnet.rehearsal.rehearse import read_stories
from testnet.rehearsal.sentinel import Sentinel

HERE = Path(__file__).resolve().parent
NODE1, NODE2 = (Remote(droplet) for droplet in NODES)
UNIT = "coinjecture-node.service"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/90-fault.conf"
STATE = "/var/lib/coinjecture-migration"
KILL_THE_RUN = "kill -KILL $PPID"
LIMIT = 60.0
"""Seconds for whatever a test waits for."""

NO_SOAK: dict[str, Any] = {
    "phases": [
        {"phase": number, "mode": mode, "soak_between_nodes": 0, "soak_after": 0}
        for number, mode in enumerate(MODES[1:], start=1)
    ]
}
"""A calendar in which the second node's step follows the first one's in the same run."""


@dataclass(frozen=True)
class Run:
    """One run of a playbook: its exit status and its output in one line."""

    status: int
    said: str


def play(playbook: str, *arguments: str, before: str = "", run: str = "", **values: Any) -> Run:
    """Type a playbook; before its first task of that name, ``run`` is done on this machine."""
    environment = dict(os.environ)
    if before:
        environment |= {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "before_task",
            "BEFORE_TASK": before,
            "BEFORE_TASK_RUN": run,
        }
    typed = [str(Path(sys.executable).with_name("ansible-playbook")), f"playbooks/{playbook}.yml", *arguments]
    files = ("vars/wheel.yml", "vars/walk.yml")
    extra = [word for name in files for word in ("-e", f"@{HERE / name}")] + ["-e", json.dumps(values)]
    began = time.monotonic()
    done = subprocess.run(
        [*typed, *extra], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    said = " ".join((done.stdout + done.stderr).split())
    print(f"$ {playbook} {' '.join(arguments)}: {done.returncode} after {time.monotonic() - began:.0f} s")
    print(said[-3000:])
    return Run(done.returncode, said)


# What a test begins with


def given(node1: str, node2: str) -> None:
    """Both nodes sound, nothing latched, each in its mode and at the beginning of a soak there."""
    for node, mode in ((NODE1, node1), (NODE2, node2)):
        if not is_wrapped(node):
            if mode == "legacy":
                continue
            bring_the_wrapper(node)
        if "present" in shell(node, f"test ! -e {DROP_IN} || echo present"):
            mend(node)
        control(node, "ack", "--why", "the walk goes on")
        for target in ("legacy", mode):
            control(node, "set-mode", target, "--why", "the walk goes on")
    await_agreement()


def bring_the_wrapper(node: Remote) -> None:
    """The first step of a node, where none of the tests before has taken it."""
    done = play("phase1", "-l", node.name, wait=True, wait_timeout=120)
    assert done.status == 0


def is_wrapped(node: Remote) -> bool:
    """Whether the wrapper runs on the node."""
    try:
        node.status()
    except UnreadableError:
        return False
    return True


# Faults


def break_engine(node: Remote, fault: str) -> None:
    """Start the node with an engine that breaks like this on every block that comes from now on."""
    start_with(node, f"COINJECTURE_FAULT={fault} COINJECTURE_FAULT_LIVE=1")


def start_with(node: Remote, environment: str) -> None:
    """Start the node again with something in its environment."""
    shell(node, f"mkdir -p {Path(DROP_IN).parent}")
    node.ssh("tee", DROP_IN, stdin=f"[Service]\nEnvironment={environment}\n".encode())
    restart(node)


def mend(node: Remote) -> None:
    """Start the node again as it was."""
    shell(node, f"rm -f {DROP_IN}")
    restart(node)


def restart(node: Remote) -> None:
    """Start the node again, with whatever its unit says now."""
    shell(node, f"systemctl daemon-reload && systemctl restart {UNIT}")
    until(lambda: is_wrapped(node) and serves(node))


def reboot(node: Remote) -> None:
    """Let a droplet go down and come up again, and its node with it."""
    docker = require_docker()
    docker("kill", "--signal", "SIGRTMIN+3", node.droplet.container)
    docker("wait", node.droplet.container)
    docker("start", node.droplet.container)
    until(lambda: is_wrapped(node) and serves(node))


SHIFTED_CLOCK = """
import pathlib, time
_shift, _time = pathlib.Path(__file__).with_name("shift"), time.time
time.time = lambda: _time() + float(_shift.read_text())
"""
CLOCK = "/usr/local/lib/coinjecture-walk"


def give_a_clock_that_can_be_set(node: Remote) -> None:
    """Start the node so that its wall clock follows `set_clock`; its steady clock stays as it is."""
    shell(node, f"mkdir -p {CLOCK}")
    set_clock(node, 0)
    node.ssh("tee", f"{CLOCK}/sitecustomize.py", stdin=SHIFTED_CLOCK.encode())
    start_with(node, f"PYTHONPATH={CLOCK}:/opt/coinjecture/current")


def set_clock(node: Remote, shift: float) -> None:
    """Let the wall clock that the node's process sees jump to so many seconds ahead."""
    shell(node, f"echo {shift} >{CLOCK}/shift.new && mv {CLOCK}/shift.new {CLOCK}/shift")


# Looking


def shell(node: Remote, script: str) -> str:
    """Run a shell's script as root on a node."""
    return node.ssh("sh", "-c", shlex.quote(script)).decode()


def control(node: Remote, *arguments: str) -> None:
    """Speak to the wrapper with the node's own command."""
    node.ssh(*node.kind.control, *map(shlex.quote, arguments))


def serves(node: Remote) -> bool:
    """Whether the node answers its users now."""
    try:
        return bool(ask(node.droplet, "/health")["status"] == "ok")
    except NodeSilentError:
        return False


def tip(node: Remote) -> int:
    """Height of the node's tip."""
    return int(ask(node.droplet, "/health")["height"])


def alerts(node: Remote, since: float) -> str:
    """What the wrapper has told the system log since then."""
    return shell(node, f"journalctl --identifier=coinjecture-migration --output=cat --since=@{since:.0f}")


def touched(node: Remote) -> str:
    """All that a step leaves on a node; the same twice means that nobody has touched it."""
    return shell(
        node,
        f"cat {STATE}/mode.json /var/lib/coinjecture-operator/journal.jsonl 2>/dev/null;"
        f" systemctl show -P MainPID {UNIT};"
        " ls -l /opt/coinjecture; find /opt/coinjecture/src /etc/coinjecture-migration /etc/systemd/system"
        " -type f -not -path '*/__pycache__/*' 2>/dev/null | sort | xargs sha256sum",
    )


def until(condition: Callable[[], Any], limit: float = LIMIT) -> None:
    """Wait for something that has to become so."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"it did not come about in {limit:.0f} s"
        time.sleep(0.3)


class Watch:
    """Both nodes' chains over the whole walk."""

    def __init__(self) -> None:
        self.sentinel = Sentinel(NODES)

    def account(self, folder: Path) -> None:
        """Both nodes agree and go on, never parted deep down, and every block that was shown is stored."""
        await_agreement()
        heights = [tip(node) for node in (NODE1, NODE2)]
        until(lambda: all(tip(n) > h for n, h in zip((NODE1, NODE2), heights, strict=True)))
        assert self.sentinel.deep_disagreements == set()
        reported = set(self.sentinel.reported)
        assert audit.lost_blocks(reported, read_stories((NODE1, NODE2), folder, "after")) == set()
