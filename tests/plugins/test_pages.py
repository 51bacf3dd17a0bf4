"""Every module has a page that is whole: options, an example that keeps to them, and what it returns."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.entries import ENGINE_FILES

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.coinjecture.migration.plugins"
MODULES = sorted(ROOT.glob("plugins/modules/*.py"))
RESULTS_OF_ITS_OWN = {"description", "type", "returned"}
every_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)


def page(module: Path) -> dict[str, Any]:
    """The three parts of a module's page."""
    found = {}
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            (name,) = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if name in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
                found[name] = yaml.safe_load(node.value.value)
    documented = found["DOCUMENTATION"]
    for name in documented.get("extends_documentation_fragment", []):
        shared = import_module(f"{COLLECTION}.doc_fragments.{name.rpartition('.')[2]}").ModuleDocFragment
        documented["options"] |= yaml.safe_load(shared.DOCUMENTATION)["options"]
    return found


@every_module
def test_given_a_module_then_its_example_is_a_task_with_options_that_it_has(module: Path) -> None:
    whole = page(module)
    options = whole["DOCUMENTATION"].get("options") or {}
    assert whole["DOCUMENTATION"]["description"], "without one, ansible-doc shows nothing"
    assert whole["EXAMPLES"], "an example is what people copy"
    for task in whole["EXAMPLES"]:
        given = task[f"coinjecture.migration.{module.stem}"] or {}
        assert set(given) <= set(options)
        assert {name for name, option in options.items() if option.get("required")} <= set(given)
        assert task["name"][0].isupper()
        for name, value in given.items():
            assert value in options[name].get("choices", [value])


def test_given_modules_with_shared_options_then_page_and_check_have_the_same() -> None:
    shared = import_module(f"{COLLECTION}.doc_fragments.engine_files").ModuleDocFragment.DOCUMENTATION
    told = {
        name: {key: value for key, value in option.items() if key != "description"}
        for name, option in yaml.safe_load(shared)["options"].items()
    }
    assert told == ENGINE_FILES


@every_module
def test_given_a_module_then_it_says_what_it_returns(module: Path) -> None:
    returned = page(module)["RETURN"]
    assert returned
    text = "".join(
        path.read_text() for path in (module, ROOT / "plugins/action" / module.name) if path.exists()
    )
    for name, result in returned.items():
        assert set(result) >= RESULTS_OF_ITS_OWN, name
        assert result.get("elements") or result["type"] != "list", name
        assert name in text.partition("RETURN")[2] or "**" in text, f"nothing returns {name}"
