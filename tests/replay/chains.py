"""Databases of nodes, as the reference node's own storage writes them."""

import json
from pathlib import Path
from typing import Any

from testnet.node.src.storage import Storage
from tests.oracle.support import GENESIS, sealed

from .support import GENESIS_BLOCK

Rows = list[tuple[dict[str, Any], float]]
HEAVY = {"measured_solve_space": 4, "measured_solve_time": 50.0}
PAYLOAD = {"measured_solve_space": 1024, "measured_verify_space": 256, "problem_class": "NP-Complete"}


def grown(length: int) -> Rows:
    """A log with a chain, forks every seventh block, a block sent again, a reorg and a second root."""
    rows: Rows = []
    parent, received_at = GENESIS_BLOCK, 1.7e9
    for height in range(1, length + 1):
        block = sealed(parent, tag=height, work=PAYLOAD)
        rows.append((block, received_at + height))
        if height % 7 == 0:
            rows.append((sealed(parent, tag=10_000 + height, work=PAYLOAD), received_at + height))
        if height % 11 == 0:
            rows.append(
                (block | {"complexity": sealed(parent, work=HEAVY)["complexity"]}, received_at + height + 0.5)
            )
        if height % 13 == 0:
            block = sealed(parent, tag=20_000 + height, work=HEAVY)
            rows.append((block, received_at + height + 0.6))
        parent = block
    rows.append((sealed(GENESIS_BLOCK, index=0, previous_hash="33" * 32, work=PAYLOAD), received_at))
    return rows


def database(folder: Path, rows: Rows) -> Path:
    """A node's database with these blocks."""
    storage = Storage(folder / "chain.db")
    for block, received_at in rows:
        storage.append_block(json.dumps(block).encode(), received_at)
    storage.close()
    return folder / "chain.db"


def network(folder: Path) -> Path:
    """A genesis file of the vectors' network."""
    known = GENESIS["testnet"]
    content = {
        "network_id": known["network_id"],
        "timestamp": json.loads(known["timestamp_json"]),
        "seed": known["seed"],
        "block": GENESIS_BLOCK,
    }
    path = folder / "genesis.json"
    path.write_text(json.dumps(content), encoding="ascii")
    return path
