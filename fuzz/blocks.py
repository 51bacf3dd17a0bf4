"""Valid blocks: what grows the tree, and what every change starts from."""

from __future__ import annotations

from random import Random
from typing import Any

from coinjecture.replay import values
from coinjecture.replay.node import Block, Known

TIERS = {
    "mobile": (8, 12),
    "desktop": (12, 16),
    "workstation": (16, 20),
    "server": (20, 24),
    "cluster": (24, 32),
}
TIER_NAMES = tuple(TIERS)

AS_MINED = 0.25
"""Share of the blocks that have all that the reference node's miner writes, as those of a network do."""
MINED_COMPLEXITY: Block = {
    "time_solve_O": None,
    "time_solve_Omega": "Omega(2^(n/2))",
    "time_solve_Theta": None,
    "time_verify_O": None,
    "time_verify_Omega": "Omega(n)",
    "time_verify_Theta": "Theta(n)",
    "space_solve_O": "O(n)",
    "space_solve_Omega": "Omega(n)",
    "space_solve_Theta": None,
    "space_verify_O": "O(n)",
    "space_verify_Omega": "Omega(n)",
    "space_verify_Theta": "Theta(n)",
    "problem_class": None,
    "problem_size": None,
    "solution_size": 6,
    "epsilon_approximation": None,
    "asymmetry_time": None,
    "asymmetry_space": None,
    "measured_solve_time": None,
    "measured_verify_time": None,
    "measured_solve_space": None,
    "measured_verify_space": None,
    "energy_metrics": None,
    "problem": None,
    "solution_quality": 1.0,
}
MINED_ENERGY: Block = {
    "verify_energy_joules": 1.8732450000000234e-06,
    "solve_power_watts": 100,
    "verify_power_watts": 1,
    "solve_time_seconds": 0.146285972,
    "verify_time_seconds": 1e-06,
    "cpu_utilization": 80.0,
    "memory_utilization": 50.0,
    "gpu_utilization": 0.0,
}


def child(rng: Random, parent: Known, *, plain: bool = False) -> Block:
    """Build a block on `parent` that no rule refuses, without its hash; a `plain` one has the common work."""
    tier = rng.choice(TIER_NAMES)
    problem, solution = (
        exotic_proof(rng, tier) if not plain and rng.random() < 0.15 else ordinary_proof(rng, tier)
    )
    complexity = ordinary_complexity() if plain or rng.random() < 0.5 else wide_complexity(rng)
    if rng.random() < AS_MINED:
        complexity = as_mined(complexity, problem)
    return {
        "index": next_height(rng, parent.height),
        "timestamp": later(rng, parent.timestamp),
        "previous_hash": parent.key,
        "transactions": [{"id": f"{rng.getrandbits(32):08x}"} for _ in range(rng.getrandbits(2))],
        "merkle_root": f"{rng.getrandbits(256):064x}",
        "problem": problem,
        "solution": solution,
        "complexity": complexity,
        "mining_capacity": tier,
        "cumulative_work_score": values.odd(rng) if rng.random() < 0.4 else rng.random() * 1e6,
        "offchain_cid": None,
        "proof_commitment": None,
    }


def next_height(rng: Random, height: Any) -> Any:
    """Height of a child; now and then as an equal value of another type."""
    try:
        following = height + 1
        if rng.random() > 0.05:
            return following
        return True if following == 1 else float(following)
    except (TypeError, OverflowError):
        return 1  # no number follows; the block is refused, as it should be


def later(rng: Random, timestamp: Any) -> Any:
    """A timestamp after the parent's, whatever its type, or one that no comparison refuses."""
    if isinstance(timestamp, str):
        return timestamp + "0"
    if isinstance(timestamp, list):
        return [*timestamp, 1]
    if rng.random() < 0.02:
        return rng.choice((values.NAN, values.INF, 2**53 + 1, 10**22, "now", [1]))
    if isinstance(timestamp, int | float) and abs(timestamp) < 1e300:
        return timestamp + rng.choice((1, 0.5, 1.0, rng.random() + 1e-3))
    return values.NAN


def ordinary_proof(rng: Random, tier: str) -> tuple[Block, Any]:
    """A subset sum problem of the tier and its solution."""
    low, high = TIERS[tier]
    size = rng.randint(low, high)
    # Ten bits a number out of one draw; a number that is there twice may be chosen once.
    bits = rng.getrandbits(10 * size)
    numbers = [(bits >> shift & 1023) + 1 for shift in range(0, 10 * size, 10)]
    solution = list(dict.fromkeys(numbers))[rng.getrandbits(1) : 2 + rng.getrandbits(3)]
    return {"numbers": numbers, "target": sum(solution), "size": size, "type": "subset_sum"}, solution


def exotic_proof(rng: Random, tier: str) -> tuple[Block, Any]:
    """A problem of numbers of every sort, whose target is what Python makes of their sum."""
    numbers = alike(rng) if rng.random() < 0.3 else [values.number(rng) for _ in range(rng.randint(2, 8))]
    solution = rng.sample(numbers, rng.randint(1, len(numbers)))
    if rng.random() < 0.3:
        solution = [float(x) if type(x) is int and abs(x) < 2**1000 else x for x in solution]
    try:
        target = sum(solution)
        if abs(target) >= 10**4300:
            target = 0
    except (OverflowError, ValueError):
        target = 0
    size = rng.randint(*TIERS[tier])
    problem: Block = {"numbers": numbers, "target": target, "size": size, "type": "subset_sum"}
    if rng.random() < 0.2:
        del problem["type"]
    if rng.random() < 0.2:
        problem[values.text(rng)] = values.odd(rng)  # hashed, and of no other meaning
    return problem, solution


def alike(rng: Random) -> list[Any]:
    """Decimals of one magnitude: each addition rounds, so it shows in which way they are summed."""
    return [rng.randrange(1, 10**6) / 1000 for _ in range(rng.randint(4, 10))]


def ordinary_complexity() -> Block:
    """The complexity of most blocks: equal work, so that sums tie."""
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
        "measured_solve_space": 1024,
        "measured_verify_space": 256,
        "energy_metrics": {"solve_energy_joules": 0.1},
    }


def as_mined(complexity: Block, problem: Block) -> Block:
    """A complexity with all that the reference node's miner writes into it, in the same order."""
    energy = {"energy_metrics": complexity["energy_metrics"] | MINED_ENERGY}
    return MINED_COMPLEXITY | complexity | energy | {"problem": problem}


def wide_complexity(rng: Random) -> Block:
    """A complexity of positive work over many magnitudes."""
    return {
        "time_solve_O": rng.choice(values.FORMS[:9]),
        "time_verify_O": rng.choice(values.FORMS[:9]),
        "problem_class": rng.choice((*values.CLASSES, "BQP")),
        "problem_size": rng.choice(
            (rng.randint(1, 40), rng.randint(1, 40), rng.random() * 40 + 0.5, 171, True)
        ),
        "epsilon_approximation": rng.choice((None, 0, 0.5, rng.random(), values.NAN)),
        "asymmetry_time": rng.choice((1, 2.0**32, 2**70, rng.random() * 1e9)),
        "asymmetry_space": rng.choice((1.0, 1744, rng.random() * 1e5)),
        "measured_solve_time": rng.choice((0.25, 1, rng.random() * 10.0 ** rng.randint(-7, 1) + 1e-9)),
        "measured_verify_time": rng.choice((0, 1e-9, 1.5e-6, rng.random() * 1e-3)),
        "measured_solve_space": rng.randrange(1, 10 ** rng.randint(1, 9)),
        "measured_verify_space": rng.choice((0, 1, rng.randrange(1000))),
        "energy_metrics": {"solve_energy_joules": rng.choice((0, 25, 1e-12, rng.random() * 100))},
    }


def heavy_complexity() -> Block:
    """A complexity that outweighs hundreds of ordinary blocks."""
    return ordinary_complexity() | {"measured_solve_time": 1.0, "measured_verify_time": 1e-6}
