"""The operator's hands: playbooks, as they would be typed, with their output condensed into a story."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnet.lab import caches

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "rehearsal" / "logs"

_HEADING = re.compile(r"^(PLAY|TASK|RUNNING HANDLER) \[(.*?)\]")
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
        log: The whole output.
        last_words: The end of the output, for a reason.
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
        print(f"\n$ {' '.join(typed)}", flush=True)
        started = time.time()
        program = Path(sys.executable).with_name("ansible-playbook")
        with log.open("w") as sink:
            process = subprocess.Popen(
                [str(program), *typed[1:]],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert process.stdout is not None
            tail = _tell(process.stdout, sink.write)
            status = process.wait()
        finished = time.time()
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


def _tell(lines: Iterable[str], keep: Any) -> str:
    """Write every line to the log, show what a person wants to follow, and return the last words."""
    interactive = sys.stdout.isatty()
    told: list[str] = []
    for line in lines:
        keep(line)
        heading = _HEADING.match(line)
        if heading and heading[1] == "PLAY":
            print(f"  {heading[2]}", flush=True)
        elif heading and interactive:
            print(f"\r\033[K    {heading[2][:90]}", end="", flush=True)
        elif TOLD.match(line):
            text = spoken(line)
            told.append(text)
            print(f"{chr(13) + chr(27) + '[K' if interactive else ''}    {text[:400]}", flush=True)
    if interactive:
        print("\r\033[K", end="", flush=True)
    return told[-1].removeprefix("fatal: ") if told else "no message"
