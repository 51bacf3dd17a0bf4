"""What the oracle's tests share: the vectors, an engine on a recording storage, exact notation of results."""

import json
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testnet.node.src import consensus, pow

VECTORS = Path(__file__).parents[1] / "vectors"
GENESIS: dict[str, dict[str, Any]] = json.loads((VECTORS / "genesis.json").read_text(encoding="ascii"))


def scenarios(profile: str) -> list[dict[str, Any]]:
    """Read every scenario of a profile."""
    lines = (VECTORS / f"{profile}.jsonl").read_text(encoding="ascii").splitlines()
    return [json.loads(line) for line in lines]


class RecordingStorage:
    """Storage that keeps the list of what the engine wrote, and may hold a log to rebuild from."""

    def __init__(self, log: Iterable[tuple[bytes, float]] = ()) -> None:
        self.log = list(log)
        self.writes: list[tuple[Any, ...]] = []

    def iter_blocks(self) -> Iterator[tuple[bytes, float]]:
        return iter(self.log)

    def store_work_index(self, height: Any, cumulative: int, block_hash: Any) -> None:
        self.writes.append(("work_index", height, cumulative, block_hash))

    def store_tip(self, block_hash: Any, cumulative: int) -> None:
        self.writes.append(("tip", block_hash, cumulative))


def configured(genesis: str = "testnet", **changes: Any) -> dict[str, Any]:
    """What a configuration has for a genesis of genesis.json, rate limit off unless asked for."""
    known = GENESIS[genesis]
    return {
        "network_id": known["network_id"],
        "max_headers_per_second": 0,
        "genesis_timestamp": json.loads(known["timestamp_json"]),
        "genesis_seed": known["seed"],
        "genesis_block": json.loads(known["block_json"]),
    } | changes


def config(genesis: str = "testnet", **changes: Any) -> consensus.ConsensusConfig:
    """The oracle's configuration for such a network."""
    return consensus.ConsensusConfig(**configured(genesis, **changes))


def engine(genesis: str = "testnet", storage: Any = None, **changes: Any) -> consensus.ConsensusEngine:
    """Build an engine that knows the genesis and what its storage holds."""
    storage = RecordingStorage() if storage is None else storage
    return consensus.ConsensusEngine(config(genesis, **changes), storage, pow.ProblemRegistry())


class Clock:
    """The engine's clock, set by a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: float = 1700000000.0) -> None:
        self.now = now
        monkeypatch.setattr("testnet.node.src.consensus.time.time", lambda: self.now)


def bits(value: float) -> str:
    """Write the 64 bits of a float as the vectors do; every NaN is the same."""
    return "nan" if value != value else struct.pack(">d", value).hex()


def number_notation(value: Any) -> Any:
    """Write a height as the vectors do: small integers as they are, everything else as JSON text."""
    plain = type(value) is int and abs(value) < 2**53
    return value if plain else json.dumps(value)


def complexity(**changes: Any) -> dict[str, Any]:
    """Complexity of work score about 0.69 unless changed."""
    return {
        "time_solve_O": "O(2^n)",
        "time_verify_O": "O(n)",
        "problem_class": "NP-Complete",
        "problem_size": 12,
        "epsilon_approximation": None,
        "asymmetry_time": 2.0,
        "asymmetry_space": 1.0,
        "measured_solve_time": 0.001,
        "measured_verify_time": 0.001,
        "measured_solve_space": 0,
        "measured_verify_space": 0,
        "energy_metrics": {"solve_energy_joules": 0.1},
    } | changes


def sealed(
    parent: dict[str, Any], *, tag: int = 0, work: dict[str, Any] | None = None, **changes: Any
) -> Any:
    """Build a valid child of `parent`; `tag` tells siblings apart, `work` changes the complexity."""
    block: dict[str, Any] = {
        "index": parent["index"] + 1,
        "timestamp": parent["timestamp"] + 1.0,
        "previous_hash": parent["block_hash"],
        "transactions": [],
        "merkle_root": f"{tag:064x}",
        "problem": {"numbers": [1, 2, 3, 4, 5, 6, 7, 8], "target": 5, "size": 8, "type": "subset_sum"},
        "solution": [2, 3],
        "complexity": complexity(**(work or {})),
        "mining_capacity": "mobile",
        "cumulative_work_score": 0.0,
        "offchain_cid": None,
        "proof_commitment": None,
    } | changes
    block.setdefault("block_hash", consensus.calculate_block_hash(block))
    return block


COMPENSATED_SUMS = sys.version_info >= (3, 12)
