"""The commands of the runbook, each with what it is expected to print and how it ends."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

RUNBOOK = Path(__file__).resolve().parents[2] / "docs/runbook.md"


@dataclass
class Command:
    """One command of the page."""

    typed: str
    prints: list[str] = field(default_factory=list)
    status: int = 0

    @property
    def playbook(self) -> str:
        """The name of the playbook."""
        return Path(shlex.split(self.typed)[1]).stem

    @property
    def arguments(self) -> list[str]:
        """What follows the playbook."""
        return shlex.split(self.typed)[2:]


def commands() -> list[Command]:
    """Every command of the page, in its order."""
    found: list[Command] = []
    for block in re.findall(r"```console\n(.*?)```", RUNBOOK.read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif line.startswith("exit status "):
                found[-1].status = int(line.split()[-1])
            elif line.strip():
                found[-1].prints.append(line.strip())
    return found
