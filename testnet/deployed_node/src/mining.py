"""Mining: a subset-sum problem is solved and measured, and becomes a block on a parent."""

import hashlib
import json
import random
import time
from dataclasses import dataclass
from typing import Any

from blocks import Block, Complexity, EnergyMetrics, MiningCapacity
from work import calculate_work_score

SIZE = 15
"""Numbers in a problem; trying the subsets takes 10 to 60 ms."""
SOLVE_WATTS, VERIFY_WATTS = 100.0, 1.0
VERIFY_REPEATS = 200


@dataclass(frozen=True)
class Parent:
    """What a miner has to know of the block that it mines on."""

    index: int
    timestamp: float
    block_hash: str
    cumulative_work_score: float


class ProblemRegistry:
    """The problems, as far as the engine asks for them."""

    def encode_params(self, problem: dict[str, Any]) -> bytes:
        """The parameters of a problem as bytes."""
        return json.dumps(problem, sort_keys=True).encode()


def solve(numbers: list[int], target: int) -> list[int]:
    """A subset of the numbers with this sum; empty if there is none."""
    for mask in range(1, 1 << len(numbers)):
        subset = [number for place, number in enumerate(numbers) if mask >> place & 1]
        if sum(subset) == target:
            return subset
    return []


def mine(parent: Parent, draw: random.Random, size: int = SIZE) -> Block:
    """A valid block on a parent."""
    numbers = [draw.randrange(1, 10_000) for _ in range(size)]
    target = sum(draw.sample(numbers, size // 2))
    began = time.perf_counter()
    solution = solve(numbers, target)
    solving = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(VERIFY_REPEATS):
        assert sum(solution) == target
    verifying = (time.perf_counter() - began) / VERIFY_REPEATS
    energy = EnergyMetrics(solving * SOLVE_WATTS, verifying * VERIFY_WATTS, SOLVE_WATTS, VERIFY_WATTS)
    complexity = Complexity(
        "O(2^n)", "O(n)", "NP-Complete", size, solving, verifying, size * 64, size * 8, energy,
        asymmetry_time=solving / verifying, asymmetry_space=8.0,
    )  # fmt: skip
    block = Block(
        parent.index + 1, max(time.time(), parent.timestamp + 0.001), parent.block_hash, [],
        hashlib.sha256(b"[]").hexdigest(),
        {"type": "subset_sum", "numbers": numbers, "target": target, "size": size}, solution, complexity,
        MiningCapacity.DESKTOP, parent.cumulative_work_score + calculate_work_score(complexity),
    )  # fmt: skip
    block.block_hash = block.calculate_hash()
    return block
