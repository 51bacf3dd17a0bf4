"""Every message that a command can end with, as the sources have it, with ``…`` in the place of a value.

These are: what a play fails with, what a program raises or hands to Ansible as a failure or prints to
standard error, every sentence of the modules that compose refusals for others, and what `scripts/setup`
refuses with. A text of fewer than three words is a part of a message and no message.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.docs.tasks import _Loader
from tests.docs.test_advice_table import texts

ROOT = Path(__file__).resolve().parents[2]
PLAYS = ("playbooks/*.yml", "playbooks/tasks/*.yml", "roles/*/tasks/*.yml")
PROGRAMS = (
    *("plugins/**/*.py", "roles/restart/files/**/*.py", "report/*.py", "fuzz/__main__.py"),
    *("testnet/lab/*.py", "testnet/machine/*.py", "testnet/image/*.py", "testnet/rehearsal/*.py"),
    *("wrapper/**/*.py", "python/src/coinjecture/replay/*.py"),
)
PLUGINS = "plugins/plugin_utils"
COMPOSED = frozenset(
    {
        *(
            f"{PLUGINS}/planning/{name}.py"
            for name in ("steps", "pause", "troubles", "rollback", "repair", "upgrade")
        ),
        *(f"{PLUGINS}/runs/{name}.py" for name in ("operators", "reached", "supported")),
        *(f"{PLUGINS}/gate/{name}.py" for name in ("__init__", "health", "soak", "latency", "performance")),
        f"{PLUGINS}/gate/replay.py",
        f"{PLUGINS}/messages/extra_variables.py",
        f"{PLUGINS}/discovery/choices.py",
        "plugins/callback/run_check.py",
        *(f"plugins/action/{name}.py" for name in ("clock_skew", "consensus_control", "step_journal")),
        *(f"plugins/module_utils/{name}.py" for name in ("chain_api", "engine_imports", "node_import")),
        *(f"roles/restart/files/seamless_restart/{name}.py" for name in ("compatibility", "guard")),
    }
)
"""Modules whose sentences are given back, and end a run elsewhere."""

FAILS = {
    "ansible.builtin.fail": "msg",
    "ansible.builtin.assert": "fail_msg",
    "ansible.builtin.wait_for": "msg",
    "coinjecture.migration.stopped": "msg",
}
WITH_A_CODE = ("ModeChangeError", "ControlError")
"""Errors of a code, a message and what comes next."""

OF_THE_WRAPPER = (*WITH_A_CODE, "StartError", "SettingsError")
"""What of the wrapper reaches a person: what else it raises, it judges, counts and writes to its log."""


def found(fewest: int = 3) -> dict[str, set[str]]:
    """Every message of at least so many words, with the files that say it."""
    messages: dict[str, set[str]] = {}
    for file, message in said():
        if sum(bool(re.search("[A-Za-z]{2}", word)) for word in message.split()) >= fewest:
            messages.setdefault(message, set()).add(file)
    return messages


@cache
def said() -> tuple[tuple[str, str], ...]:
    """Every text that may be a message, with its file."""
    return (*of_plays(), *of_programs(), *of_scripts())


def of_plays() -> Iterator[tuple[str, str]]:
    """What the tasks of plays and roles fail with."""
    for path in (path for pattern in PLAYS for path in ROOT.glob(pattern) if not path.is_symlink()):
        for task in _tasks(yaml.load(path.read_text(), _Loader)):
            for module in FAILS.keys() & task.keys():
                text = str(task[module].get(FAILS[module], ""))
                yield _named(path), plain(re.sub(r"\{\{.*?\}\}", "…", text, flags=re.DOTALL))


def of_programs() -> Iterator[tuple[str, str]]:
    """What programs raise, fail with or print to standard error, and the sentences of `COMPOSED`."""
    for path in (path for pattern in PROGRAMS for path in ROOT.glob(pattern)):
        file, tree = _named(path), _Sentences().visit(ast.parse(path.read_text()))
        for end in [tree] if file in COMPOSED else _ends(tree, file.startswith("wrapper/")):
            yield from ((file, plain(text)) for text in texts(end))


def of_scripts() -> Iterator[tuple[str, str]]:
    """What the scripts of `make` refuse with."""
    for path in (
        path for path in ROOT.glob("scripts/*") if path.read_text().startswith("#!/usr/bin/env bash")
    ):
        for text in re.findall(r'(?:refuse "([^"]+)"|echo "([^"]+)" >&2; exit)', path.read_text()):
            yield _named(path), plain(re.sub(r"\$\w+|\$[*@]|\$\{[^}]+\}", "…", "".join(text)))


def codes_of_the_wrapper() -> set[str]:
    """Every code with which the wrapper, or whoever asks it, refuses a change of mode."""
    found = set()
    for path in (*ROOT.glob("wrapper/**/*.py"), ROOT / "plugins/modules/consensus_control.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in WITH_A_CODE:
                found |= {str(node.args[0].value)} if isinstance(node.args[0], ast.Constant) else set()
    return found


def plain(text: str) -> str:
    """A message on one line, as a cell of a table has it."""
    return re.sub(r"…(?:\s*…)+", "…", " ".join(text.replace("`", "").split())).strip()


def _ends(tree: ast.AST, wrapper: bool) -> Iterator[ast.expr]:
    """The arguments of each error that is raised, each ``msg`` of a failure, what goes to standard error."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            if not wrapper or _name(node.exc.func) in OF_THE_WRAPPER:
                yield from node.exc.args[: 2 if _name(node.exc.func) in WITH_A_CODE else None]
        elif isinstance(node, ast.Call) and not wrapper:
            if _name(node.func) == "fail_json":
                yield from (word.value for word in node.keywords if word.arg == "msg")
            elif _name(node.func) == "error" or any(word.arg == "file" for word in node.keywords):
                yield from node.args


class _Sentences(ast.NodeTransformer):
    """Takes out what stands there for readers: strings alone in a line, a plugin's documentation."""

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        return ast.Pass() if isinstance(node.value, ast.Constant) else node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        return ast.Pass() if _name(node.targets[0]) == "DOCUMENTATION" else node


def _tasks(content: Any) -> Iterator[dict[str, Any]]:
    """Every task of a file, those of its blocks too."""
    for item in content or []:
        yield item
        for key in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from _tasks(item.get(key))


def _name(node: ast.expr) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))
