"""Everything that a person is told to type is in docs/reference/advice.md, with a test that does it.

What is told is found in the sources: calls of `typed_run.command`, extra variables after ``-e``, choices of
the restart, commands for root on a node.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.test_gate_table import functions

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/reference/advice.md").read_text()
ROWS = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| .+ \| ((?:`test_\w+`(?:, )?)+) \|$", TABLE, re.M)
PROGRAMS = ("plugins/**/*.py", "roles/*/files/**/*.py", "wrapper/**/*.py")
PLAYS = ("playbooks/**/*.yml", "roles/*/tasks/*.yml")
TYPED = re.compile(
    r"-e '?\{?\"?[\w…]+|restart_\w+(?:=\w+| above)|systemctl [a-z]+-?[a-z]+(?![\w-])"
    r"|type -\w\b|write-mode-file [a-z]+|remove the file|acknowledge (?:it|with ack)"
)
IN_A_PLAY = re.compile(r"'(\w+)' \| coinjecture\.migration\.typed_command\(([^)]*)\)")
OF_ANY_VALUE = {
    "plugins/callback/run_check.py",
    "plugins/plugin_utils/messages/extra_variables.py",
    "plugins/plugin_utils/messages/typed_run.py",
}
"""Files that tell how a value is written, whatever it is."""


def texts(tree: ast.Module) -> Iterator[str]:
    """Every text of a program but its docstrings, a composed one with its values left out."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            said |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def commands(tree: ast.Module) -> Iterator[str]:
    """Every command of a playbook that a program names, with its extra variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "command":
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant):
                yield " ".join([f"{name.value}.yml", *(f"{word.arg}=" for word in node.keywords)])
            elif isinstance(name, ast.JoinedStr):
                yield f"{next(texts(ast.Module([ast.Expr(name)], []))).replace('…', '*')}.yml"


def told() -> set[tuple[str, str]]:
    """Every advice in the sources, by its file."""
    found: set[tuple[str, str]] = set()
    for path in (path for pattern in PROGRAMS for path in ROOT.glob(pattern)):
        tree = ast.parse(path.read_text())
        advice = {*commands(tree), *(match[0] for text in texts(tree) for match in TYPED.finditer(text))}
        found |= {(str(path.relative_to(ROOT)), one) for one in advice}
    for path in (path for pattern in PLAYS for path in ROOT.glob(pattern) if not path.is_symlink()):
        lines = [line.partition("#")[0] for line in path.read_text().splitlines()]
        for line in lines:
            asked = [
                " ".join([f"{name}.yml", *(f"{word}=" for word in re.findall(r"(\w+)=", more))])
                for name, more in IN_A_PLAY.findall(line)
            ]
            asked += [match[0] for match in TYPED.finditer(line)]
            found |= {(str(path.relative_to(ROOT)), one) for one in asked}
    return {(path, one) for path, one in found if path not in OF_ANY_VALUE}


def test_given_the_sources_then_every_advice_is_in_the_table_and_nothing_else_is() -> None:
    found, listed = told(), {(path, advice) for path, advice, _ in ROWS}
    assert len(found) > 40
    assert found - listed == set(), "an advice without a test that follows it"
    assert listed - found == set(), "nobody says this any more"


def test_given_the_table_then_every_test_that_follows_an_advice_exists() -> None:
    named = {name for *_, tests in ROWS for name in re.findall(r"test_\w+", tests)}
    assert len(named) > 25
    assert named - functions() == set()
