"""A pause holds every step of the network with a reason, until somebody lifts it; the ways back go on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal_file import JournalFile
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.pause import held
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.rollback import (
    plan as plan_rollback,
)
from tests.journal.test_compared_in_plays import LEGACY, SYSTEMCTL
from tests.plugins.test_steps import a_node, begun, step
from tests.usage.support import Typed, inventory, play

PAUSED = {"what": "paused", "who": "eve@desk", "at": 1.7e9, "why": "the exchange counts its coins"}
HELD = {"broken": None, "begun": {"paused": PAUSED}}


def test_given_a_pause_on_any_node_then_no_step_starts_and_it_says_who_why_and_how_it_goes_on() -> None:
    for phase, node in ((1, "node1"), (2, "node1"), (2, "node2")):
        mode = "legacy" if phase == 1 else "shadow"
        refused = step(phase, node, a_node(mode), a_node(mode, name="node2", journal=HELD))
        assert refused["action"] == "fail", "also where the gate would pass"
        assert refused["reasons"] == [
            "promotions are paused by eve@desk since 2023-11-14 22:13 UTC (the exchange counts its coins), "
            "as node2 tells; to let them go on: ansible-playbook playbooks/pause.yml -e lift=true "
            "-e 'why=\"the reason\"'"
        ]


def test_given_a_pause_then_what_is_done_stays_done_and_an_interrupted_step_is_finished() -> None:
    assert step(1, "node1", a_node("shadow", journal=HELD), a_node("legacy"))["action"] == "nothing"
    journal = begun("shadow", "rust", 2)
    both = journal | {"begun": journal["begun"] | HELD["begun"]}
    assert step(2, "node1", a_node("rust", journal=both), a_node("shadow"))["action"] == "finish"


def test_given_a_pause_then_the_way_back_is_the_same() -> None:
    node: dict[str, Any] = a_node("rust")
    held_ = plan_rollback(node | {"journal": HELD}, "legacy")
    assert held_ == plan_rollback(node | {"journal": {"broken": None, "begun": {}}}, "legacy")


def test_given_pauses_of_two_people_then_each_is_said_once_with_its_nodes() -> None:
    other = {"broken": None, "begun": {"paused": PAUSED | {"who": "bob@desk"}}}
    states = {name: {"journal": found} for name, found in zip("abc", (HELD, other, HELD), strict=True)}
    assert ["a, c tells" in held(states)[0], "by bob@desk" in held(states)[1]] == [True, True]
    assert len(held(states | {"d": None})) == 2
    assert held({"a": None, "b": {"journal": None}}) == []


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """Two nodes that are this machine, before the migration."""
    program = tmp_path / "programs/systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    (tmp_path / "src").mkdir()
    (tmp_path / "src/node.py").write_text(LEGACY)
    folder = str(tmp_path / "operator-{{ inventory_hostname }}")
    return inventory(tmp_path, migration_operator_dir=folder, network_is_test=True)


def typed(hosts: Path, playbook: str, *arguments: str) -> Typed:
    path = f"{hosts.parent}/programs:{os.environ['PATH']}"
    return play(f"playbooks/{playbook}.yml", "-i", str(hosts), *arguments, PATH=path)


def whats(hosts: Path, node: str) -> list[str]:
    text = JournalFile(OperatorFolder(hosts.parent / f"operator-{node}")).text()
    return [json.loads(line)["what"] for line in text.splitlines()]


def test_given_a_pause_that_is_typed_then_journal_gate_and_status_tell_it_until_it_is_lifted(
    hosts: Path,
) -> None:
    refused = typed(hosts, "pause")
    assert refused.status == 2
    assert "whoever finds the pause wants to know why: ansible-playbook -i" in refused.said
    done = typed(hosts, "pause", "-e", "why='the exchange counts'")
    assert done.status == 0, done.said
    assert "node2: no step starts any more, on any node" in done.said
    again = typed(hosts, "pause", "-e", "why=again", "-l", "node1")
    assert "node1: is paused already" in again.said
    asked = typed(hosts, "gate")
    assert asked.status == 2
    assert "promotions are paused by" in asked.said and "(the exchange counts)" in asked.said
    lifted = typed(hosts, "pause", "-e", "lift=true", "-e", "why=counted")
    assert lifted.status == 0 and "node1: the pause is lifted" in lifted.said, lifted.said
    assert whats(hosts, "node1") == whats(hosts, "node2") == ["paused", "pause lifted"]
    assert "promotions are paused" not in typed(hosts, "gate").said
