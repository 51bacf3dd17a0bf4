"""The table of extra variables, without Ansible; and who reads a boolean one in a play."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.extra_variables import (
    RefusedError,
    Variable,
    checked,
    coerced,
    like,
    table,
)

ROOT = Path(__file__).resolve().parents[2]
PLAYS = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml")])
CONDITIONS = ("when", "that", "failed_when", "changed_when", "until")


@pytest.mark.parametrize("word", ["false", "False", "no", "off", "0", 0, False])
def test_given_any_word_for_no_then_it_is_false(word: Any) -> None:
    assert coerced(word, Variable("bool")) is False


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bool", "maybe"), ("bool", ""), ("bool", None), ("bool", 2), ("bool", 0.0), ("bool", []),
        ("int", "1.5"), ("int", "x"), ("int", True), ("float", "nan"), ("float", "inf"), ("float", None),
        ("list", {}), ("list", "[1"), ("dict", "x"), ("dict", []), ("str", {"a": 1}), ("path", ["a"]),
    ],
)  # fmt: skip
def test_given_a_value_that_cannot_be_one_then_it_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(RefusedError):
        coerced(value, Variable(kind))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "40", 40), ("float", "1.5", 1.5), ("number", "900", 900), ("number", "0.5", 0.5),
        ("str", 5, "5"),
        ("list", "faults", ["faults"]), ("list", "a, b", ["a", "b"]), ("list", '["a"]', ["a"]),
        ("dict", '{"a": 1}', {"a": 1}), ("str", None, None), ("int", "{{ later }}", "{{ later }}"),
    ],
)  # fmt: skip
def test_given_a_text_then_it_becomes_the_value_it_stands_for(kind: str, text: Any, value: Any) -> None:
    assert coerced(text, Variable(kind)) == value


def test_given_what_an_inventory_sets_then_it_may_be_overridden_by_the_same_kind_alone() -> None:
    assert coerced("no", like(True)) is False
    assert coerced({"min_calls": "5"}, like({"min_calls": 10})) == {"min_calls": 5}
    with pytest.raises(RefusedError, match="it has no min_cals; did you mean min_calls"):
        coerced({"min_cals": "5"}, like({"min_calls": 10}))
    assert coerced("25%", like("{{ a template }}")) == "25%"


def test_given_a_secret_that_is_wrong_then_it_is_not_shown() -> None:
    _, wrong = checked({"key": {"a": "hidden"}}, {"key": Variable("str", secret=True)}, {}, ["status"])
    assert wrong == ["key cannot be what was typed: it is a text"]


def test_given_the_table_then_it_has_roles_and_playbooks_and_every_playbook_is_in_it() -> None:
    known = table()
    assert known["removal_packages"].kind == "bool"
    taking = ("ack", "complete", "phase", "pause", "repair", "rollback", "unlock", "upgrade")
    assert known["why"].playbooks == taking
    specified = yaml.safe_load((ROOT / "playbooks/meta/argument_specs.yml").read_text())["argument_specs"]
    assert {*specified, "phase1", "phase2", "phase3"} - {"all"} == {
        path.stem for path in ROOT.glob("playbooks/*.yml")
    }


def test_given_what_the_documents_type_with_e_then_the_table_knows_it() -> None:
    known = table()
    texts = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    typed = {name for path in texts for name in re.findall(r"-e '?([a-z_]+)=", path.read_text())}
    assert {"to", "wheel", "removal_packages"} <= typed <= set(known)


def _group_vars() -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path in (ROOT / "playbooks/group_vars/all").iterdir():
        merged |= yaml.safe_load(path.read_text())
    return merged


def _expressions(node: Any, key: str = "") -> Iterator[str]:
    """Everything that Ansible evaluates in a file of tasks."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from _expressions(inner, str(name))
    elif isinstance(node, list):
        for inner in node:
            yield from _expressions(inner, key)
    elif isinstance(node, str):
        yield from [node] if key in CONDITIONS else re.findall(r"{{.*?}}", node, re.DOTALL)


def test_given_a_boolean_then_whoever_reads_it_takes_the_text_false_for_false() -> None:
    """An inventory in INI form has texts alone."""
    booleans = {name for name, variable in table().items() if variable.kind == "bool"}
    booleans |= {name for name, value in _group_vars().items() if isinstance(value, bool)}
    read = re.compile(
        rf"(?<![\w.'])({'|'.join(sorted(booleans))})\b(?!['=])( \| default\(\w+\))?(?P<bool> \| bool\b)?"
    )
    found = [
        (path.relative_to(ROOT), match[0], match["bool"])
        for path in PLAYS
        for expression in _expressions(yaml.safe_load(path.read_text()))
        for match in read.finditer(expression)
    ]
    assert len(found) >= 12
    assert [(path, text) for path, text, as_bool in found if not as_bool] == []


@pytest.mark.parametrize("page", ["alerts", "restart", "rollback", "runbook", "gate"])
def test_given_a_page_then_every_variable_that_it_names_exists(page: str) -> None:
    text = (ROOT / f"docs/{page}.md").read_text()
    named = set(
        re.findall(r"`((?:events|grafana|health|metrics|monitoring|removal|restart|wheel)_[a-z_]+)", text)
    )
    assert named - set(table()) == set()


def test_given_another_confirmation_depth_then_the_fingerprints_of_the_metrics_follow_it() -> None:
    defaults = yaml.safe_load((ROOT / "roles/metrics/defaults/main.yml").read_text())
    assert defaults["metrics_fingerprint_lag"] == "{{ coinjecture_confirmation_depth }}"


def test_given_a_module_of_which_an_action_takes_options_then_its_page_has_them() -> None:
    for path in ROOT.glob("plugins/action/*.py"):
        taken = set(re.findall(r"""(?:arguments\.pop|args\.get|args)[(\[]"(\w+)\"""", path.read_text()))
        page = (ROOT / f"plugins/modules/{path.name}").read_text().partition("DOCUMENTATION")[2]
        options = yaml.safe_load(page.split('"""')[1]).get("options") or {}
        assert taken <= set(options), path.name
