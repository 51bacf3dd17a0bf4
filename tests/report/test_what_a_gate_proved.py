"""What the gate proved goes the whole way: from its decision into the step journal and onto the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import append, verify_chain
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.steps import gate_record, plan
from report.schemas import validator
from report.sources import gate_from_journal
from tests.gate.test_refused_plays import here, play
from tests.plugins.test_steps import CRITERIA, NOW, PHASES, a_node

__all__ = ["here"]  # a fixture
ROOT = Path(__file__).resolve().parents[2]


def a_passed_step() -> Any:
    """The step of node2 after node1's soak, as the gate itself lets it start."""
    states = {"node1": a_node("shadow"), "node2": a_node("legacy")}
    step = plan(1, "node2", states, PHASES, CRITERIA, NOW)
    assert step["action"] == "start", step["reasons"]
    return step


def test_given_a_passed_gate_then_its_record_in_the_journal_holds_what_it_proved_and_the_page_shows_it() -> (
    None
):
    step = a_passed_step()
    assert step["gate"]["proven"], "a soak proves something"
    entry = {
        "at": NOW, "who": "ada@laptop", "why": "phase 1", "what": "step done", "node": "node2",
        "phase": 1, "from": "legacy", "to": "shadow", "gate": gate_record(step),
    }  # fmt: skip
    (record,) = verify_chain(append("", entry))["records"]
    validator("journal").validate(record)
    assert gate_from_journal("node2", record)["proven"] == step["gate"]["proven"]


def test_given_an_overridden_gate_then_the_page_names_who_did_it_from_the_journal_alone() -> None:
    override = {
        "who": "eve",
        "why": "rehearsed",
        "at": NOW,
        "instead_of": "wait",
        "set_aside": ["soaked 1 s"],
    }
    said = gate_record(a_passed_step() | {"gate_override": override})
    record = {"seq": 3, "gate": said, "phase": 1, "from": "legacy", "to": "shadow", "who": "eve", "at": NOW}
    assert (
        gate_from_journal("node2", record)["override"]
        == "overridden by eve: rehearsed (set aside: soaked 1 s)"
    )


def test_given_the_play_of_a_step_then_it_hands_the_journal_what_the_gate_proved(here: Path) -> None:
    tasks = yaml.safe_load((ROOT / "playbooks/tasks/step.yml").read_text())
    (given,) = (task["vars"] for task in tasks if task["name"].endswith("that the step begins"))
    made = yaml.safe_load((ROOT / "roles/journal/defaults/main.yml").read_text())["journal_entry"]
    expression = made.replace(" }}", ").gate }}").replace("{{ ", "{{ (")
    step = a_passed_step()
    content = {"content": "{{ said | to_json }}", "dest": str(here / "said.json"), "mode": "0644"}
    task = {"name": "Keep it", "ansible.builtin.copy": content, "vars": given | {"said": expression}}
    unknown = {"journal_state": {}, "journal_why": ""}
    written = [{"name": "A play", "hosts": "node1", "gather_facts": False, "tasks": [task]}]
    (here / "play.yml").write_text(yaml.safe_dump(written))
    status, said = play(here, str(here / "play.yml"), "-e", json.dumps({"gate_step": step} | unknown))
    assert status == 0, said
    assert json.loads((here / "said.json").read_text()) == gate_record(step)
