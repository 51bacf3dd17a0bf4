"""Blocks as this node has them: dataclass objects, read by attribute, and a JSON that loses some of them."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class MiningCapacity(Enum):
    """The tiers of hardware."""

    MOBILE = "mobile"
    DESKTOP = "desktop"
    WORKSTATION = "workstation"
    SERVER = "server"
    CLUSTER = "cluster"


@dataclass
class EnergyMetrics:
    """What solving and verifying took, in joules, watts and seconds."""

    solve_energy_joules: float
    verify_energy_joules: float = 0.0
    solve_power_watts: float = 0.0
    verify_power_watts: float = 0.0


@dataclass
class Complexity:
    """What the miner measured: seconds, bytes and joules, with the asymptotic forms of its algorithm."""

    time_solve_O: str
    time_verify_O: str
    problem_class: str
    problem_size: int
    measured_solve_time: float
    measured_verify_time: float
    measured_solve_space: int
    measured_verify_space: int
    energy_metrics: EnergyMetrics
    asymmetry_time: float = 1.0
    asymmetry_space: float = 1.0
    epsilon_approximation: float | None = None
    solution_quality: float = 1.0


@dataclass
class Block:
    """A block. `mining_capacity` is the enum, and plain text where it came from a peer."""

    index: int
    timestamp: float
    previous_hash: str
    transactions: list[Any]
    merkle_root: str
    problem: dict[str, Any]
    solution: list[int]
    complexity: Complexity | None
    mining_capacity: MiningCapacity | str
    cumulative_work_score: float
    block_hash: str = ""
    offchain_cid: str | None = None
    proof_commitment: str | None = field(default=None)

    def calculate_hash(self) -> str:
        """Hash of the content; raises AttributeError where the capacity is text."""
        content = {
            "index": self.index,
            "timestamp": self.timestamp,
            "previous_hash": self.previous_hash,
            "merkle_root": self.merkle_root,
            "problem": self.problem,
            "solution": self.solution,
            "mining_capacity": self.mining_capacity.value,  # type: ignore[union-attr]
            "cumulative_work_score": self.cumulative_work_score,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """For the API. What was measured is not in it, so no block can be made of it again."""
        capacity = self.mining_capacity
        complexity = self.complexity
        return {
            "index": self.index,
            "timestamp": self.timestamp,
            "previous_hash": self.previous_hash,
            "transactions": self.transactions,
            "merkle_root": self.merkle_root,
            "problem": self.problem,
            "solution": self.solution,
            "complexity": {
                "time_solve_O": complexity.time_solve_O if complexity else None,
                "problem_class": complexity.problem_class if complexity else None,
                "problem_size": complexity.problem_size if complexity else None,
            },
            "mining_capacity": capacity.value if isinstance(capacity, MiningCapacity) else capacity,
            "cumulative_work_score": self.cumulative_work_score,
            "block_hash": self.block_hash,
            "offchain_cid": self.offchain_cid,
        }
