"""docs/reference/rights.md lists all that root does in a place of another user, and through what."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from . import tasks
from .tasks import ROOT, Task

PAGE = (ROOT / "docs/reference/rights.md").read_text()
UTILS, MODULES = ROOT / "plugins/module_utils", ROOT / "plugins/modules"
RUN_COMMANDS = {
    "as_user.py": "all that runs a command with rights given up",
    "captures.py": "called by replay_captures, which is the node's user",
}

ASKED_BY_ACTIONS = {"node_info", "operator_lock"}
"""Modules that get a node's places from plugins/plugin_utils/runs/questions.py and not from a task."""


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the page."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def found(names: frozenset[str]) -> list[Task]:
    """The tasks that become another user and name a place of a stranger."""
    return [task for task in tasks.tasks() if tasks.mentions(task.text, names)]


def is_ours(task: Task) -> bool:
    """Whether code of ours runs on the node; of some action plugins the module is but documentation."""
    module = MODULES / f"{task.module}.py"
    return module.exists() and "AnsibleModule" in module.read_text()


def test_given_a_task_of_ansibles_own_modules_then_the_page_says_why_no_stranger_leads_it() -> None:
    told = {(row[0].strip("`"), row[1]) for row in rows("Ansible's own modules")}
    assert {(task.file, task.name) for task in found(tasks.strangers()) if not is_ours(task)} == told


def test_given_a_task_that_is_said_to_be_done_as_another_user_then_it_is() -> None:
    told = {
        (row[0].strip("`"), row[1]) for row in rows("Ansible's own modules") if row[2].startswith("done as")
    }
    others = {(task.file, task.name) for task in tasks.tasks() if task.user != "root" and not is_ours(task)}
    assert others == told


def test_given_a_module_of_ours_then_the_page_says_through_what_it_works_there() -> None:
    told = {row[0].strip("`") for row in rows("Modules of ours")}
    as_root = {task.module for task in found(tasks.strangers()) if is_ours(task) and task.user == "root"}
    assert as_root | ASKED_BY_ACTIONS == told


def imported(path: Path) -> set[str]:
    """Every file of module_utils that a module imports, and what those import."""
    names, waiting = set[str](), [path]
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop().read_text())):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            last = (node.module or "").split(".")[-1]
            for name in [last, *(alias.name for alias in node.names)]:
                if (UTILS / f"{name}.py").exists() and name not in names:
                    names.add(name)
                    waiting.append(UTILS / f"{name}.py")
    return names


@pytest.mark.parametrize("row", rows("Modules of ours"), ids=lambda row: row[0])
def test_given_what_a_module_is_said_to_work_through_then_it_does(row: list[str]) -> None:
    through = set(re.findall(r"`([a-z_]+)`", row[2]))
    assert through, row
    assert through <= imported(MODULES / f"{row[0].strip('`')}.py")


def test_given_a_unit_of_another_user_then_what_it_prints_goes_where_only_root_writes() -> None:
    units = [task for task in tasks.tasks() if "systemd-run" in task.text and "--property=User=" in task.text]
    assert {task.file for task in units} == {"roles/replay/tasks/run.yml", "roles/wheel/tasks/compile.yml"}
    for task in units:
        written = re.findall(r"--property=ReadWritePaths=(.+?)'?$", task.text, re.M)
        printed = re.findall(r"--property=Standard(?:Output|Error)=truncate:(.+?)'?$", task.text, re.M)
        assert written and printed
        for path in printed:
            assert not any(path.startswith(f"{folder}/") for folder in written), path
            assert not tasks.mentions(path, tasks.strangers() - {"replay_folder"}), path


def test_given_a_command_then_nothing_else_on_a_node_runs_one() -> None:
    starts = re.compile(r"\bsubprocess\b|\bmodule\.run_command\(|\bos\.(system|exec|posix_spawn|popen)")
    paths = [*UTILS.rglob("*.py"), *MODULES.glob("*.py")]
    assert {path.name for path in paths if starts.search(path.read_text())} == set(RUN_COMMANDS)


def test_given_a_new_task_in_such_a_place_then_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("playbooks/group_vars/all", "roles/new/tasks", "roles/new/defaults"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "roles/new/defaults/main.yml").write_text('new_file: "{{ migration_state_dir }}/new"\n')
    (tmp_path / "roles/new/tasks/main.yml").write_text(
        "- name: In a block\n  become: true\n  block:\n    - name: Read it\n      ansible.builtin.slurp:\n"
        '        src: "{{ place }}"\n      vars: {place: "{{ new_file }}"}\n'
        "- name: Not as root\n  ansible.builtin.slurp: {src: '{{ new_file }}'}\n"
    )
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    monkeypatch.setattr(tasks, "PLAYS", tmp_path / "playbooks")
    monkeypatch.setattr(tasks, "ROLES", tmp_path / "roles")
    assert [task.name for task in found(tasks.strangers())] == ["Read it"]
