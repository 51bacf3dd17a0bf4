"""Every refusal of docs/reference/refusals.md has its test, and docs/gate.md tells the same ones."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/reference/refusals.md").read_text()
TOLD = (ROOT / "docs/gate.md").read_text()


def functions() -> set[str]:
    """The names of all test functions."""
    found: set[str] = set()
    for path in (*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "molecule").rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        found |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return found


def codes_of_the_gate() -> set[str]:
    """The codes that the gate can give, read from its calls of `fail` and `wait`."""
    found: set[str] = set()
    for path in (ROOT / "plugins/plugin_utils/gate").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_finding = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_finding and node.func.attr in ("fail", "wait") and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def test_given_the_table_of_refusals_then_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(test_given_\w+)`", TABLE))
    assert len(named) > 25
    assert named - functions() == set()


def test_given_a_code_of_the_gate_then_it_is_in_the_table_with_its_outcome() -> None:
    codes = codes_of_the_gate() | {"divergence", "rust_error", "legacy_error"}
    listed = {
        code for row in re.findall(r"^\| (`[^|]+) \| (?:wait|fail) ", TABLE, re.M) for code in row.split("`")
    }
    assert {"criteria", "slow"} <= codes
    assert codes - listed == set()


def test_given_the_operators_page_then_it_tells_the_same_refusals_without_the_tests() -> None:
    said = subprocess.run(
        [sys.executable, "scripts/gate-tables", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout
    assert "test_given" not in TOLD
