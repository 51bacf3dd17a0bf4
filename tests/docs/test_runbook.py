"""The runbook: every command is one that exists, is well formed, and is run by the walk on the droplets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .runbook import RUNBOOK, commands

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}


def test_every_command_is_in_a_block_that_the_walk_runs() -> None:
    """No command hides in another kind of block: the page has console blocks only."""
    text = RUNBOOK.read_text()
    assert set(re.findall(r"^```(\w*)$", text, re.MULTILINE)) == {"console", ""}
    assert len(commands()) == len(re.findall(r"^\$ ", text, re.MULTILINE)) > 20


def test_every_command_says_what_it_is_expected_to_print() -> None:
    assert [command.typed for command in commands() if not command.prints] == []


@pytest.mark.parametrize("phase", ["preflight", "phase1", "phase2", "phase3", "complete", "rollback"])
def test_every_part_of_the_checklist_has_its_command(phase: str) -> None:
    assert phase in {command.playbook for command in commands()}


@pytest.mark.parametrize("typed", sorted({command.typed for command in commands()}))
def test_every_command_is_well_formed(typed: str) -> None:
    command = next(command for command in commands() if command.typed == typed)
    assert typed.startswith(f"ansible-playbook playbooks/{command.playbook}.yml")
    assert command.playbook in PLAYBOOKS
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    checked = subprocess.run(
        [program, "--syntax-check", f"playbooks/{command.playbook}.yml", *command.arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("section", ["Before", "Phase 1", "Phase 2", "Phase 3", "After"])
def test_every_phase_has_duration_risk_and_abort_criteria(section: str) -> None:
    part = RUNBOOK.read_text().split(f"\n## {section}")[1].split("\n## ")[0]
    for row in ("duration", "risk", "stop if"):
        assert re.search(rf"^\| {row} \| \S", part, re.MULTILINE), f"{section} lacks {row}"
