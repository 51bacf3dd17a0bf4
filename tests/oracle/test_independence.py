"""The oracle stands alone: it may not borrow a rule, a class or a number from what it is compared with."""

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

NODE = Path(__file__).parents[2] / "testnet" / "node" / "src"
FOREIGN = ("coinjecture", "consensus_surface", "consensus_wrapper", "coinjecture_migration")


NAMED_BY_THE_CONFIGURATION = {"node.py": ["importlib.import_module(name)"]}
"""Calls that import what `mining.solver` of the node's configuration names; by default it names nothing."""


def imported_names(source: str, allowed: Sequence[str] = ()) -> set[str]:
    """Every module that a source imports, by whatever statement."""
    names: set[str] = set()
    for part in ast.walk(ast.parse(source)):
        if isinstance(part, ast.Import):
            names |= {alias.name for alias in part.names}
        elif isinstance(part, ast.ImportFrom):
            names.add("." * part.level + (part.module or ""))
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name | ast.Attribute):
            called = part.func.id if isinstance(part.func, ast.Name) else part.func.attr
            if ast.unparse(part) in allowed:
                continue
            assert called not in ("__import__", "import_module"), "imports are written as import statements"
    return names


def foreign(names: set[str]) -> set[str]:
    return {name for name in names if name.lstrip(".").split(".")[0] in FOREIGN}


@pytest.mark.parametrize("path", sorted(NODE.glob("*.py")), ids=lambda path: path.name)
def test_no_file_of_the_node_names_the_other_engine_or_the_migration(path: Path) -> None:
    allowed = NAMED_BY_THE_CONFIGURATION.get(path.name, [])
    assert not foreign(imported_names(path.read_text(encoding="utf-8"), allowed))


def test_the_check_finds_an_import_of_the_other_engine() -> None:
    assert foreign(imported_names("def f():\n    from coinjecture._core import Engine")) == {
        "coinjecture._core"
    }


def test_the_oracle_imports_the_standard_library_and_its_own_proof_of_work_only() -> None:
    own = {".pow", "pow"}
    for name in ("consensus.py", "pow.py"):
        imports = imported_names((NODE / name).read_text(encoding="utf-8"))
        assert imports - own <= set(sys.stdlib_module_names) | {"collections.abc"}


def test_loading_the_oracle_loads_nothing_of_the_other_engine() -> None:
    script = "import json, sys, consensus; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=NODE, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(answer.stdout))
    assert {"consensus", "pow"} <= loaded
    assert not foreign(loaded)
