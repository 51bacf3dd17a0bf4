"""The operator's hands: playbooks, typed as anybody would, with Ansible's log of each kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnet.lab import caches

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "rehearsal" / "logs"

_STAMP = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ p=\d+ u=\S+ n=ansible \w+\| ")
# Of a task's failure Ansible says twice what happened; the line that begins with "fatal" names the node.
# A message of several lines begins with a bracket alone, and the account at the end has what it lists.
TOLD = re.compile(
    r'^\s*"msg": (?!\[$)|'
    r"^(fatal|failed|ERROR|\[ERROR\](?!: Task failed))|^(ok|changed): \[[^]]*\] => (?![{(])"
)


@dataclass(frozen=True)
class PlaybookRun:
    """One run of a playbook.

    Attributes:
        command: What was typed.
        exit_status: 0 done or `wait`, 2 refused or failed, 4 unreachable.
        started: Seconds since the epoch.
        finished: Seconds since the epoch.
        log: Ansible's log of it: all tasks, with times, of which the screen shows a digest.
        last_words: The end of what was said, for a reason.
    """

    command: str
    exit_status: int
    started: float
    finished: float
    log: Path
    last_words: str


class Operator:
    """Types playbooks, one after the other, and numbers their logs; `runs` remembers them.

    Args:
        logs: Where the logs go.
        inventory: Which inventory is named; without one that of ansible.cfg.
    """

    def __init__(self, logs: Path = LOGS, inventory: str | None = None) -> None:
        self.runs: list[PlaybookRun] = []
        self._named = ["-i", inventory] if inventory else []
        self._logs = logs
        self._logs.mkdir(parents=True, exist_ok=True)
        for old in self._logs.glob("*.log"):
            old.unlink()
        self._count = 0

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """What is typed for a playbook."""
        return ["ansible-playbook", *self._named, f"playbooks/{playbook}.yml", *arguments]

    def play(self, playbook: str, *arguments: str) -> PlaybookRun:
        """Run a playbook from the root of the tree to its end; its exit status is the caller's to judge."""
        self._count += 1
        typed = self.command(playbook, *arguments)
        log = self._logs / f"{self._count:02}-{playbook}.log"
        log.touch()
        print(f"\n$ {' '.join(typed)}", flush=True)
        started = time.time()
        program = Path(sys.executable).with_name("ansible-playbook")
        status = subprocess.run(
            [str(program), *typed[1:]],
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_LOG_PATH": str(log)},
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
        finished = time.time()
        tail = last_words(log.read_text(errors="replace"))
        print(f"  exit status {status} after {finished - started:.0f} s", flush=True)
        self.runs.append(PlaybookRun(" ".join(typed), status, started, finished, log, tail))
        return self.runs[-1]


def step_decision(phase: int, node: str, since: float) -> dict[str, Any] | None:
    """What the phase play begun at `since` decided about a step, as it left it on the controller.

    None where the play decided nothing, because the step was done before; what an earlier play left there
    does not count.
    """
    paths = [folder / "steps" / f"{phase}-{node}.json" for folder in caches.folders(ROOT / "build")]
    found: list[dict[str, Any]] = [json.loads(path.read_text()) for path in paths if path.exists()]
    latest = max(found, key=lambda decision: float(decision["decided"]), default=None)
    return latest if latest and latest["decided"] >= since else None


def spoken(line: str) -> str:
    """What a line of Ansible's output says to a person: the message in it, or the line itself."""
    text = line.strip()
    head, _, told = text.partition(" => ")
    try:
        return f"{head.split(':')[0]}: {json.loads(told)['msg']}"
    except (ValueError, KeyError, TypeError):
        pass
    if head.endswith("FAILED!"):
        return f"{head.split(':')[0]}: {told}"
    return told if head.startswith(("ok: ", "changed: ")) else text.removeprefix('"msg": ').strip('",')


def last_words(log: str) -> str:
    """What was said last in Ansible's log of a run."""
    told = [text for line in log.splitlines() if TOLD.match(text := _STAMP.sub("", line))]
    return spoken(told[-1]).removeprefix("fatal: ") if told else "no message"
