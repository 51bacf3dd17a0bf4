"""A node's database tells its story: the best chain, and how often and how deep it was reorganised."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from testnet.rehearsal.chain import DatabaseError, read_story

VECTORS = Path(__file__).parents[1] / "vectors"
GENESIS = json.loads((VECTORS / "genesis.json").read_text())


def scenario(prefix: str) -> dict[str, Any]:
    scenarios = map(json.loads, (VECTORS / "full.jsonl").read_text().splitlines())
    found: dict[str, Any] = next(entry for entry in scenarios if entry["name"].startswith(prefix))
    return found


def write_database(path: Path, steps: list[dict[str, Any]]) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE blocks (seq INTEGER PRIMARY KEY, hash TEXT, raw BLOB, received_at REAL)"
        )
        for step in steps:
            connection.execute(
                "INSERT INTO blocks (hash, raw, received_at) VALUES ('', ?, ?)",
                (step["block_json"].encode(), step["received_at"]),
            )
    return path


def network_of(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    entry = GENESIS[name]
    network = {
        "network_id": entry["network_id"],
        "genesis_timestamp": json.loads(entry["timestamp_json"]),
        "genesis_seed": entry["seed"],
    }
    return json.loads(entry["block_json"]), network


def test_a_heavy_block_that_leaves_a_hundred_and_one_behind_is_one_deep_reorg(tmp_path: Path) -> None:
    deep = scenario("deep_reorg")
    story = read_story(write_database(tmp_path / "chain.db", deep["steps"]), *network_of(deep["genesis"]))
    assert story.reorgs == [101]
    assert len(story.stored) == len({json.loads(step["block_json"])["block_hash"] for step in deep["steps"]})


def test_a_plain_chain_has_no_reorg(tmp_path: Path) -> None:
    plain = scenario("chain")
    accepted = [step for step in plain["steps"] if step["expect"]["verdict"] == "accept"]
    story = read_story(write_database(tmp_path / "chain.db", accepted), *network_of(plain["genesis"]))
    assert story.reorgs == []
    assert story.height == len(accepted)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "chain.db"
    damaged.write_bytes(b"not a database at all")
    with pytest.raises(DatabaseError, match=r"chain\.db"):
        read_story(damaged, *network_of("testnet"))
