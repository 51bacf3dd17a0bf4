"""What a rehearsal knows of each kind of node is what its inventory says, and its database is understood."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
import yaml

from testnet.lab.plan import ROOT
from testnet.rehearsal.chain import DatabaseError
from testnet.rehearsal.deployed_chain import moves, read_story
from testnet.rehearsal.kinds import KINDS, REFERENCE_KIND
from testnet.rehearsal.material import block_production
from testnet.rehearsal.operator import Operator


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_laid_out_as_its_inventory_says(name: str) -> None:
    kind = KINDS[name]
    layout = yaml.safe_load((ROOT / f"inventory/examples/{name}/group_vars/nodes/node.yml").read_text())

    def stated(variable: str) -> str:
        value = str(layout[variable])
        while found := re.search(r"{{ (\w+) }}", value):
            value = value.replace(found[0], str(layout[found[1]]))
        return value

    assert stated("coinjecture_python") == kind.python
    assert stated("coinjecture_src") == kind.source
    assert stated("coinjecture_database") == kind.database
    assert stated("coinjecture_unit") == kind.variant.unit


def test_the_miner_is_switched_off_and_nothing_else(tmp_path: Path) -> None:
    for name, config in (
        ("reference", {"mining": {"enabled": True, "tier": "desktop"}, "port": 1}),
        ("deployed-b", {"mining": True, "port": 1}),
    ):
        path = tmp_path / name
        path.write_text(json.dumps(config))
        script = KINDS[name].stop_mining.replace(KINDS[name].config, str(path))
        exec(script, {})
        off = {"enabled": False, "tier": "desktop"} if name == "reference" else False
        assert json.loads(path.read_text()) == {"mining": off, "port": 1}


def test_an_inventory_is_named_where_it_is_not_that_of_the_configuration(tmp_path: Path) -> None:
    assert Operator(tmp_path).command("status") == ["ansible-playbook", "playbooks/status.yml"]
    typed = Operator(tmp_path, "inventory/examples/deployed-a").command("phase1", "-l", "node1")
    assert " ".join(typed) == (
        "ansible-playbook -i inventory/examples/deployed-a playbooks/phase1.yml -l node1"
    )


SOURCE = (ROOT / "testnet/deployed_node/src/storage.py").read_text()
TABLES = SOURCE.split('TABLES = """')[1].split('"""')[0]

PARENTS = {"b1": "a", "c2": "b1", "d": "c2"}


def test_given_insertions_then_the_moves_of_the_tip_are_counted() -> None:
    """a, then b and b1 on it; c on b; c2 on b1, heavier; d on c2."""
    inserted = [(0, 1, "a"), (1, 5, "b"), (1, 4, "b1"), (2, 9, "c"), (2, 12, "c2"), (3, 20, "d")]
    assert moves(inserted, PARENTS) == [1]
    assert moves([*inserted[:4], (3, 20, "d")], PARENTS) == [1]  # its parent was never a tip
    assert moves([(0, 1, "a"), (1, 5, "b1"), (2, 9, "c2"), (0, 1, "a"), (1, 5, "b1")], PARENTS) == []


def test_given_a_database_then_stored_blocks_chain_and_moments_are_read(tmp_path: Path) -> None:
    path = tmp_path / "blockchain.db"
    with sqlite3.connect(path) as database:
        database.executescript(TABLES)
        for height, (block_hash, parent) in enumerate([("a", "0"), ("b", "a"), ("c", "b")]):
            content = json.dumps({"previous_hash": parent}).encode()
            row = (block_hash.encode(), content, height, 0.0)
            database.execute("INSERT INTO headers VALUES (?, ?, ?, ?)", row)
        for height, work, raw in [(0, 1, b"a"), (1, 3, b"x"), (1, 4, b"b"), (2, 9, b"c")]:
            database.execute("INSERT INTO work_index VALUES (?, ?, ?)", (height, work, raw))
            database.execute("INSERT INTO tips VALUES (?, ?, ?)", (raw, work, 1000.0 + height))
    story = read_story(path)
    assert story.best == {0: "a", 1: "b", 2: "c"}
    assert story.stored == {"a", "b", "c", "x"}
    assert (story.height, story.reorgs, story.transactions) == (2, [1], {})
    assert block_production(path, KINDS["deployed-a"].receipts, 1000.0, 1004.0)["counts"] == [4]
    with pytest.raises(DatabaseError):
        KINDS["deployed-b"].read_story(ROOT / "README.md")
    assert REFERENCE_KIND.receipts != KINDS["deployed-b"].receipts
