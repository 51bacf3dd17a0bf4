"""`state_nodes`, the one input of plans, gate and screen: its form, and the one place where it is made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.filter.migration import states_of
from report.schemas import schema, validator
from tests.gate.healthy import a_view
from tests.plugins.test_schemas import ROOT, a_node

FORM = validator("nodes")
STATE: dict[str, Any] = schema("nodes")["$defs"]["state"]


def test_given_what_a_node_tells_then_it_has_the_form_and_nothing_that_is_not_in_it(tmp_path: Path) -> None:
    told = a_node(tmp_path) | {"replay": None, "chain": a_view(1.7e9, ("node1", "node2"))}
    results = [{"item": "node1", "state": told}, {"item": "node2", "unreachable": True, "msg": "silent"}]
    nodes = states_of(results, ["node1", "node2"])
    FORM.validate(nodes)
    assert nodes["node2"] is None
    assert set(told) == set(STATE["properties"]) == set(STATE["required"])
    for part in ("service", "unit", "node_py", "machine"):
        assert set(told[part]) == set(STATE["properties"][part]["properties"]), part


@pytest.mark.parametrize("part", sorted(STATE["required"]))
def test_given_a_part_that_is_missing_then_it_has_not_the_form(tmp_path: Path, part: str) -> None:
    told = a_node(tmp_path) | {"replay": None, "chain": None}
    FORM.validate({"node1": told})
    del told[part]
    assert not FORM.is_valid({"node1": told})


def test_given_the_plays_then_one_task_makes_it_and_the_way_back_which_reads_with_the_lock() -> None:
    files = [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    made = [path for path in files if re.search(r"^\s+state_nodes:", path.read_text(), re.M)]
    assert made == [ROOT / "roles/state/tasks/note.yml", ROOT / "playbooks/tasks/rollback_begin.yml"]
