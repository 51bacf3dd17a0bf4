"""A criterion of the gate is a variable of its role, and the judge that asks for it: nothing lists them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import criteria
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.criteria import DEFAULTS, stated
from tests.gate.asked import CRITERIA

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more variable in roles/gate/defaults/main.yml."""
    monkeypatch.setattr(criteria, "DEFAULTS", DEFAULTS | {"max_invented": 5})


@pytest.mark.usefixtures("invented")
def test_given_a_new_criterion_then_the_judge_has_it_by_its_name_and_no_inventory_breaks() -> None:
    assert stated([], [])["max_invented"] == 5
    assert stated(["gate_min_calls", "gate_max_invented"], [1, 7])["max_invented"] == 7
    assert criteria.Criteria.parse(CRITERIA | {"max_invented": 7}).max_invented == 7.0
    with pytest.raises(ValueError, match="max_invented is"):
        criteria.Criteria.parse(CRITERIA)


def test_given_a_criterion_that_is_none_then_it_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="nothing knows gate_min_cals"):
        stated(["gate_min_cals"], [1])
    with pytest.raises(AttributeError, match="there is no criterion min_cals"):
        assert criteria.Criteria.parse(CRITERIA).min_cals


@pytest.mark.parametrize("name", ["max_evidence_age_seconds", "max_replay_age_seconds"])
def test_given_a_criterion_of_the_gate_alone_then_role_and_judge_are_all_that_names_it(name: str) -> None:
    """With its test that makes four files; the README of the role and the page of all variables are made."""
    made = (":!roles/*/README.md", ":!docs/reference/variables.md")
    places = ("plugins", "roles", "playbooks", "docs", *made)
    found = subprocess.run(
        ["git", "grep", "-lE", rf"\b(gate_)?{name}\b", "--", *places],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert len(found) == 3
    assert {path for path in found if path.startswith("roles/")} == {
        "roles/gate/defaults/main.yml",
        "roles/gate/meta/argument_specs.yml",
    }
