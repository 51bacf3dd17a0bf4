"""The words that wrapper, plugins and exporter share are stated once, in one file that all of them get."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils import vocabulary
from report.schemas import FOLDER, schema, vocabulary_schema

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "wrapper/coinjecture_migration/vocabulary.py"
LINK = ROOT / "plugins/module_utils/vocabulary.py"
ROOMS = (
    *("wrapper", "plugins", "report", "bench", "testnet/rehearsal"),
    *("roles/metrics/files", "roles/events/files", "roles/restart/files"),
)
"""The programs that can import it; the wheel and the local network hold together without the toolkit."""


def _stated() -> dict[str, Any]:
    return {name: value for name, value in vars(vocabulary).items() if name.isupper()}


def _is_restated(value: Any) -> str | None:
    """The name under which the vocabulary has a value that says as much as a list of words does."""
    if isinstance(value, str) and not value.startswith("/"):
        return None
    if isinstance(value, (tuple, list, set)) and set(map(str, value)) == set(vocabulary.ENGINES):
        return None  # two names beside each other are no list
    if isinstance(value, dict) and tuple(value) == vocabulary.MODES:
        return "MODES"
    same = tuple(value) if isinstance(value, (list, set)) else value
    return next(
        (name for name, stated in _stated().items() if type(stated) is type(same) and stated == same), None
    )


def _literals(path: Path) -> Iterator[tuple[int, Any]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Constant)):
            try:
                yield node.lineno, ast.literal_eval(node)
            except ValueError:
                continue


@pytest.mark.parametrize("name", ["vocabulary.py", "control_client.py"])
def test_the_plugins_have_the_file_itself(name: str) -> None:
    link = LINK.with_name(name)
    assert link.is_symlink() and link.resolve() == HOME.with_name(name)


def test_no_program_states_a_word_of_it_again() -> None:
    again = [
        f"{path.relative_to(ROOT)}:{line} restates {name}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.resolve() != HOME
        for line, value in _literals(path)
        if (name := _is_restated(value))
    ]
    assert again == []


def test_no_test_lists_modes_or_outcomes_again() -> None:
    """One that means every mode takes them from where they are stated, so that a new one is tested, too."""
    lists = (vocabulary.MODES, vocabulary.OUTCOMES, vocabulary.FAULTS)
    again = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ("tests", "molecule")
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, value in _literals(path)
        if isinstance(value, tuple | list) and tuple(value) in lists
    ]
    assert again == []


@pytest.mark.parametrize(
    "role", sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
)
def test_a_role_that_takes_a_mode_takes_every_mode(role: str) -> None:
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"]
    for spec in specs.values():
        for name, option in (spec.get("options") or {}).items():
            if set(option.get("choices") or []) & {"shadow", "final"}:
                assert tuple(option["choices"]) == vocabulary.MODES, f"{role}: {name}"


def test_the_schema_of_the_vocabulary_is_what_it_states() -> None:
    told = "run python -m report.schemas and commit what it printed as docs/schemas/vocabulary.schema.json"
    assert schema("vocabulary") == vocabulary_schema(), told


def test_no_other_schema_states_a_word_of_it_again() -> None:
    """They refer to the schema of the vocabulary; that of the settings is printed, too."""

    def restated(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            words = set(map(str, value.get("enum") or value.get("properties") or ()))
            if "shadow" in words or words >= set(vocabulary.OUTCOMES):
                yield sorted(words)
            if set(vocabulary.ENGINES) == set(value.get("enum") or ()) - {None}:
                yield sorted(words)
            for inner in value.values():
                yield from restated(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from restated(inner)

    again = [
        (path.name, words)
        for path in sorted(FOLDER.glob("*.schema.json"))
        if path.name not in {"vocabulary.schema.json", "settings.schema.json"}
        for words in restated(json.loads(path.read_text()))
    ]
    assert again == []


def test_the_paths_are_those_of_the_inventory() -> None:
    given = yaml.safe_load((ROOT / "playbooks/group_vars/all/node.yml").read_text())
    assert given["migration_state_dir"] == vocabulary.STATE_DIR
    assert given["migration_socket"] == vocabulary.CONTROL_SOCKET
    assert given["migration_settings_file"] == vocabulary.SETTINGS_FILE
