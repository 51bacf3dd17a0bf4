"""The constants of a network, as far as an engine needs them to begin: its genesis."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coinjecture.replay.errors import BadInputError


@dataclass(frozen=True)
class Network:
    """A network's name, the time (seconds) and the seed of its genesis, and the genesis block itself."""

    network_id: str
    timestamp: float
    seed: str
    genesis: dict[str, Any]


def read_network(path: Path) -> Network:
    """Read a node's configuration (``node.json``) or the genesis file that it names.

    Raises:
        BadInputError: There is no such file, or it is neither.
    """
    content = _object(path)
    if "genesis" in content:
        named = content["genesis"]
        content = named if isinstance(named, dict) else _object(path.parent / str(named))
    try:
        return Network(
            network_id=str(content["network_id"]),
            timestamp=float(content["timestamp"]),
            seed=str(content["seed"]),
            genesis=dict(content["block"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(
            f"{path}: neither a node.json nor a genesis file ({error!r}); name one with --network"
        ) from error


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{path}: cannot be read ({error}); name the network's node.json or genesis file with --network"
        ) from error
    if not isinstance(content, dict):
        raise BadInputError(
            f"{path}: no JSON object; name the network's node.json or genesis file with --network"
        )
    return content


def stand_in() -> Network:
    """A network of no name, for a tree whose nodes are put in one by one: the genesis is none of them."""
    name, seed, timestamp = "capture", "capture", 0.0
    complexity = {
        "time_solve_O": "O(n)",
        "time_verify_O": "O(n)",
        "problem_class": "P",
        "problem_size": 1,
        "epsilon_approximation": None,
        "asymmetry_time": 1,
        "asymmetry_space": 1,
        "measured_solve_time": 5e-324,  # the least work there is: any other tip beats it
        "measured_verify_time": 1,
        "measured_solve_space": 1,
        "measured_verify_space": 1,
        "energy_metrics": {"solve_energy_joules": 0},
    }
    genesis: dict[str, Any] = {
        "index": 0,
        "timestamp": timestamp,
        "previous_hash": None,
        "transactions": [],
        "merkle_root": "",
        "problem": {},
        "solution": [],
        "complexity": complexity,
        "mining_capacity": "mobile",
        "cumulative_work_score": 0,
        "block_hash": hashlib.sha256(f"{name}_{timestamp}_{seed}_SM".encode()).hexdigest(),
    }
    return Network(name, timestamp, seed, genesis)
