"""One function makes every record of the step journal from what a play knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import (
    FIELDS,
    append,
    verify_chain,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.entries import (
    PARTS,
    entry,
    if_broken,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.rollback import (
    plan as plan_rollback,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.steps import gate_record
from report.schemas import validator
from tests.plugins.test_steps import a_node
from tests.report.test_what_a_gate_proved import a_passed_step

ROOT = Path(__file__).resolve().parents[2]
STATE = a_node("shadow") | {"release": "a" * 64, "node_py": {"state": "wrapped", "sha256": "b" * 64}}
IN_FORCE = {"release": "a" * 64, "node_py": "b" * 64}
OVERRIDE = {"who": "eve", "why": "rehearsed", "at": 1.0, "instead_of": "wait", "set_aside": []}
BACK = plan_rollback(STATE, "legacy")
MANIFEST = {"sha256": "c" * 64, "files": {"consensus.py": "d" * 64}}
OF: dict[str, dict[str, Any]] = {
    "override": a_passed_step() | {"gate_override": OVERRIDE},
    "step started": a_passed_step(),
    "step done": a_passed_step(),
    "rollback": BACK,
    "removed": BACK | {"how": "remove", "to": "removed"},
    "upgrade": {"mode": "shadow", "from": "e" * 64, "to": "f" * 64},
    "acknowledge started": {"acknowledged": [{"kind": "latch", "why": "divergence"}]},
    "acknowledged": {"acknowledged": [{"kind": "latch", "why": "divergence"}]},
    "paused": {},
    "pause lifted": {},
    "repaired": {"how": "mend", "why": "its drop-in is missing", "release": False, "drop_in": True},
    "complete started": {"evidence": None, "criteria": []},
    "complete": MANIFEST,
    "journal set aside": {"mode": "shadow", "sha256": "9" * 64, "kept": "/kept", "broken": "line 1"},
    "restart": {"how": "plain", "outcome": "restarted"},
    "lock broken": {"run": "123", "nodes": ["node1"]},
}


@pytest.mark.parametrize("what", sorted(PARTS))
def test_given_what_a_play_does_then_its_record_is_one_of_the_journal(what: str) -> None:
    made = entry(what, OF[what], STATE)
    assert set(made) <= set(FIELDS)
    (record,) = verify_chain(append("", made | {"at": 1.0, "who": "eve", "node": "node1"}))["records"]
    validator("journal").validate(record)


def test_given_the_role_then_it_records_what_the_function_knows_and_what_a_node_records_itself() -> None:
    specified = yaml.safe_load((ROOT / "roles/journal/meta/argument_specs.yml").read_text())
    choices = specified["argument_specs"]["main"]["options"]["journal_what"]["choices"]
    assert set(choices) == {*PARTS, "journal moved"}


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("step started", {"why": "phase 1", "phase": 1, "from": "legacy", "to": "shadow", "detail": {}}),
        ("override", {"why": "rehearsed", "detail": OVERRIDE, "hashes": IN_FORCE}),
        ("rollback", {"why": "rollback", "from": "shadow", "to": "legacy", "phase": None, "gate": None}),
        ("removed", {"why": "rollback", "from": "shadow", "to": "legacy"}),
        ("upgrade", {"to": "shadow", "hashes": {"release": "f" * 64, "release before": "e" * 64}}),
        ("repaired", {"why": "its drop-in is missing", "detail": {"release": False, "drop_in": True}}),
        ("complete started", {"why": "complete", "from": "shadow", "to": "final"}),
        ("complete", {"from": "final", "hashes": IN_FORCE | {"sealed": "c" * 64, "legacy": "d" * 64}}),
        ("journal set aside", {"from": None, "to": "shadow", "hashes": {"broken journal": "9" * 64}}),
        ("restart", {"from": None, "hashes": IN_FORCE, "detail": OF["restart"]}),
    ],
)  # fmt: skip
def test_given_no_reason_then_the_record_has_its_own(what: str, fields: dict[str, Any]) -> None:
    made = entry(what, OF[what], STATE)
    assert {name: made[name] for name in fields} == fields


def test_given_a_step_of_another_run_then_its_end_keeps_what_that_run_recorded() -> None:
    first = {"seq": 7, "who": "ada", "why": "her reason", "gate": {"outcome": "pass"}}
    state = STATE | {"journal": {"begun": {"step started": first}}}
    made = entry("step done", a_passed_step() | {"action": "finish"}, state, "another reason")
    assert (made["why"], made["gate"], made["detail"]) == (
        "her reason", {"outcome": "pass"}, {"begun": {"seq": 7, "who": "ada"}},
    )  # fmt: skip
    made = entry("step done", a_passed_step(), state)
    assert (made["gate"], made["detail"]) == (gate_record(a_passed_step()), {})


def test_given_a_reason_then_the_record_has_it_but_for_an_override_whose_reason_is_another() -> None:
    assert entry("rollback", BACK, STATE, " too slow ")["why"] == "too slow"
    assert entry("rollback", BACK, STATE, "  ")["why"] == "rollback"
    assert entry("override", OF["override"], STATE, "phase two")["why"] == "rehearsed"


def test_given_a_broken_journal_then_what_leads_back_is_not_held_up_and_a_step_is() -> None:
    assert {what for what in PARTS if if_broken(what) == "set_aside"} == {
        "rollback", "removed", "repaired", "restart", "lock broken",
    }  # fmt: skip


def test_given_a_node_of_which_nothing_is_known_then_its_record_has_no_hashes() -> None:
    assert entry("lock broken", OF["lock broken"])["hashes"] == {}
