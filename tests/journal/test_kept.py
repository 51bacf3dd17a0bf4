"""What the controller keeps of a network is read for that network alone, and never overwritten by another."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import append, known_by
from ansible_collections.coinjecture.migration.plugins.module_utils.journal_file import (
    JournalBrokenError,
    JournalFile,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import (
    NETWORK,
    OperatorFolder,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs import kept
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.operators import journal_report
from report.migration import main as make_page

FIRST, SECOND = "0123456789abcdef", "fedcba9876543210"
ENTRY = {"at": 1.7e9, "who": "ann@laptop", "why": "phase 1", "what": "step done", "node": "node1", "phase": 1,
         "from": "legacy", "to": "shadow"}  # fmt: skip


class Controller:
    """One clone; ``write`` does what the action plugin does with the journal of a node."""

    def __init__(self, build: Path) -> None:
        self.base = build / "networks" / "203.0.113.11-22"

    def write(self, node: OperatorFolder, why: str, network: str = "") -> str:
        """Append a record to the journal of node1; returns the identity that the node has then."""
        journal = JournalFile(node, self.copies())
        journal.append(ENTRY | {"why": why}, network)
        if journal.network():
            kept.adopt(self.base, journal.network(), "node1", journal.text())
        copy = kept.copy_of(self.base, journal.network(), "node1")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(journal.text())
        return str(journal.network())

    def copies(self) -> dict[str, Any]:
        return dict(kept.copies(self.base, "node1"))

    def broken(self, node: OperatorFolder) -> str | None:
        """What is wrong with the journal of node1, compared with the copies."""
        found: str | None = JournalFile(node, self.copies()).read()["broken"]
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Controller:
    return Controller(tmp_path / "build")


def droplet(folder: Path, *, wrapped: bool = False) -> OperatorFolder:
    """A node; one with the wrapper has a folder of the node's user too."""
    folder.mkdir()
    if wrapped:
        (folder / "state").mkdir()
    return OperatorFolder(folder / "operator", folder / "state")


def test_given_two_networks_one_after_the_other_at_one_address_then_neither_reads_the_others(
    desk: Controller, tmp_path: Path
) -> None:
    first, second = droplet(tmp_path / "first"), droplet(tmp_path / "second")
    (desk.base / "steps").mkdir(parents=True)
    (desk.base / "steps/1-node1.json").write_text("decided before there was an identity")
    assert desk.write(first, "the first", FIRST) == FIRST
    assert not desk.base.exists(), "what was kept before the first record became the network's own"
    assert (kept.folder(desk.base, FIRST) / "steps/1-node1.json").exists()
    before = {path: path.read_bytes() for path in desk.base.parent.rglob("*.json*")}

    assert desk.broken(second) is None, "an untouched node owes nothing to the copy of another network"
    assert kept.strangers(desk.base, "") == [str(kept.folder(desk.base, FIRST))]
    assert desk.write(second, "the second", SECOND) == SECOND
    assert desk.broken(second) is None and desk.broken(first) is None
    assert {path: path.read_bytes() for path in before} == before
    assert set(kept.folders(desk.base)) == {FIRST, SECOND}
    assert kept.strangers(desk.base, SECOND) == []
    assert not list(kept.folder(desk.base, SECOND).glob("steps/*"))


def test_given_an_identity_then_it_stays_whatever_a_later_record_offers(
    desk: Controller, tmp_path: Path
) -> None:
    node = droplet(tmp_path / "node")
    assert [desk.write(node, "x", offered) for offered in (FIRST, SECOND, "")] == [FIRST] * 3
    assert (node.path / NETWORK).stat().st_mode & 0o777 == 0o644


def test_given_a_node_of_the_old_layout_then_its_copy_counts_and_it_gets_an_identity(
    desk: Controller, tmp_path: Path
) -> None:
    node = droplet(tmp_path / "node", wrapped=True)
    assert desk.write(node, "before there were identities") == ""
    assert desk.write(node, "with one", FIRST) == FIRST
    assert set(desk.copies()) == {FIRST} and desk.copies()[FIRST]["seq"] == 2


@pytest.mark.parametrize("gone", [(NETWORK,), (NETWORK, "journal.jsonl", "journal.jsonl.head")])
def test_given_a_wrapped_node_whose_identity_vanished_then_its_journal_still_has_to_go_on_from_the_copy(
    desk: Controller, tmp_path: Path, gone: tuple[str, ...]
) -> None:
    node = droplet(tmp_path / "node", wrapped=True)
    for why in ("one", "two"):
        desk.write(node, why, FIRST)
    for name in gone:
        (node.path / name).unlink()
    if len(gone) == 1:
        assert desk.broken(node) is None
        assert desk.write(node, "three", SECOND) == FIRST, "the copy tells which network it is"
        return
    assert "record 2, which the controller has a copy of, is missing" in str(desk.broken(node))
    with pytest.raises(JournalBrokenError):
        desk.write(node, "three", SECOND)


def test_given_the_same_network_then_a_forged_journal_is_still_found(
    desk: Controller, tmp_path: Path
) -> None:
    node = droplet(tmp_path / "node", wrapped=True)
    desk.write(node, "true", FIRST)
    (node.path / "journal.jsonl").write_text(append("", ENTRY | {"why": "forged"}))
    (node.path / "journal.jsonl.head").unlink()
    assert "record 1 is another one than the controller has a copy of" in str(desk.broken(node))


@pytest.mark.parametrize("content", ["", "[]", '{"id": 1}', '{"id": "../../etc"}', '{"id": "NEW"}'])
def test_given_a_damaged_identity_then_the_journal_is_broken_until_both_are_set_aside(
    desk: Controller, tmp_path: Path, content: str
) -> None:
    node = droplet(tmp_path / "node", wrapped=True)
    desk.write(node, "true", FIRST)
    (node.path / NETWORK).write_text(content)
    assert NETWORK in str(desk.broken(node))
    JournalFile(node, desk.copies()).set_aside()
    assert {path.suffix for path in node.path.glob("journal.broken-*")} == {".jsonl", ".head", ".network"}
    assert JournalFile(node).read()["broken"] is None


def state(network: str) -> dict[str, Any]:
    return {"network": network}


def test_an_identity_is_given_only_where_no_silent_node_may_have_one() -> None:
    both = ["node1", "node2"]
    assert kept.to_give({"node1": state(""), "node2": state("")}, both) == kept.FRESH
    assert kept.to_give({"node1": state(""), "node2": state(FIRST)}, both) == FIRST
    assert kept.to_give({"node1": state(""), "node2": None}, both) == ""
    assert kept.to_give({"node1": state("")}, both) == "", "the other one was not asked"
    assert kept.to_give({}, both) == ""


def test_a_fresh_identity_is_one_for_all_nodes_of_a_run_and_another_for_another_network(
    tmp_path: Path,
) -> None:
    here, there = tmp_path / "203.0.113.11-22", tmp_path / "203.0.113.12-22"
    assert kept.fresh(os.getpid(), here) == kept.fresh(os.getpid(), here)
    assert kept.fresh(os.getpid(), here) != kept.fresh(os.getpid(), there)
    assert kept.fresh(os.getpid(), here) != kept.fresh(os.getppid(), here)
    assert kept.IDENTITY.fullmatch(kept.fresh(os.getpid(), here))


def test_folders_of_other_addresses_and_copies_that_were_set_aside_are_no_networks_of_this_one(
    desk: Controller,
) -> None:
    for name in (
        "203.0.113.11-22",
        f"203.0.113.11-22-{FIRST}",
        f"203.0.113.11-222-{FIRST}",
        "203.0.113.11-22-old",
    ):
        (desk.base.parent / name / "journal").mkdir(parents=True)
    (desk.base / "journal/node1.until-20260101T000000Z.jsonl").write_text(append("", ENTRY))
    assert set(kept.folders(desk.base)) == {"", FIRST}
    assert desk.copies() == {}


def page(desk: Controller, identity: str, read_at: float) -> str:
    """The page of a network, from what is kept of it and a journal that its nodes told."""
    home = kept.folder(desk.base, identity)
    (home / "report").mkdir(parents=True, exist_ok=True)
    journal = kept.read(kept.copy_of(desk.base, identity, "node1"))
    material = {
        "evidence": None,
        "journal": journal,
        "captures": [],
        "captures_total": 0,
        "legacy_present": True,
    }
    nodes = {"node1": {"state": None, "material": material}, "node2": {"state": None, "material": None}}
    content = {"schema": 1, "read_at": read_at, "network": f"network {identity or 'new'}", "nodes": nodes}
    (home / "report/nodes.json").write_text(json.dumps(content))
    assert make_page([str(home / "report"), str(home / "steps")]) == 0
    return (home / "report/report.html").read_text()


def decided(phase: int, reason: str) -> str:
    """A decision that was taken, as the role gate keeps it."""
    return json.dumps({
        "phase": phase, "node": "node1", "mode": "legacy", "target": "shadow", "action": "start",
        "reasons": [reason],
        "decided": 100.0, "finished": 110.0, "gate": None, "criteria": {}, "evidence": {},
    })  # fmt: skip


def test_given_two_networks_in_one_clone_then_each_page_shows_its_own_steps_alone(
    desk: Controller, tmp_path: Path
) -> None:
    for name, identity in (("first", FIRST), ("second", SECOND)):
        node = droplet(tmp_path / name)
        (desk.base / "steps").mkdir(parents=True)
        (desk.base / "steps/1-node1.json").write_text(decided(1, f"the gate of the {name}"))
        desk.write(node, f"a step of the {name}", identity)
    for name, other, identity in (("first", "second", FIRST), ("second", "first", SECOND)):
        shown = page(desk, identity, 2e9)
        assert f"the gate of the {name}" in shown and f"a step of the {name}" in shown
        assert f"the gate of the {other}" not in shown and f"a step of the {other}" not in shown
    untouched = page(desk, "", 2e9)
    assert "the gate of the" not in untouched and "a step of the" not in untouched


def test_the_copy_of_a_journal_that_went_with_the_wrapper_is_no_copy_of_the_next_one(
    desk: Controller, tmp_path: Path
) -> None:
    """One node of two was as before the migration, and comes into the network that the other tells."""
    node = droplet(tmp_path / "node")
    desk.write(node, "once", FIRST)
    gone = append(kept.copy_of(desk.base, FIRST, "node1").read_text(), ENTRY | {"what": "removed"})
    kept.copy_of(desk.base, FIRST, "node1").write_text(gone)
    assert known_by(gone) is not None
    again = droplet(tmp_path / "again")
    assert desk.broken(again) is None
    assert desk.write(again, "twice", FIRST) == FIRST


def test_given_a_journal_that_went_with_the_wrapper_then_it_is_shown_as_removed_and_not_as_empty(
    desk: Controller, tmp_path: Path
) -> None:
    desk.write(droplet(tmp_path / "node"), "once", FIRST)
    copy = kept.copy_of(desk.base, FIRST, "node1")
    copy.write_text(append(copy.read_text(), ENTRY | {"what": "removed", "why": "back to before"}))
    assert kept.copy_shown(desk.base, "", "node1") == copy
    result = {"item": "node1", "digests": [], "broken": None, "last": None}
    found = journal_report([result], {"node1": kept.read(kept.copy_shown(desk.base, "", "node1"))})
    assert found["lines"][0].startswith(
        "journal of node1: taken away with the wrapper; the controller's copy: 2"
    )
    assert "back to before" in found["lines"][0]


def test_given_a_journal_of_another_network_then_it_is_not_told_of_an_untouched_node(
    desk: Controller, tmp_path: Path
) -> None:
    desk.write(droplet(tmp_path / "node"), "once", FIRST)
    assert not kept.copy_shown(desk.base, "", "node1").exists()
    assert kept.copy_shown(desk.base, SECOND, "node1") == kept.copy_of(desk.base, SECOND, "node1")
