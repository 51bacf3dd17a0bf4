"""Proof of useful work: the score of a solved problem, the problems themselves, and the miner.

The score decides which chain is best, so every expression below is evaluated in exactly the order the
network's rules give (`docs/consensus-rules.md` of the project, "Work score"). A rule that looks odd is still
a rule.
"""

import hashlib
import itertools
import json
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIER_SIZES: dict[Any, tuple[int, int]] = {
    "mobile": (8, 12),
    "desktop": (12, 16),
    "workstation": (16, 20),
    "server": (20, 24),
    "cluster": (24, 32),
}

HASHED_FIELDS = (
    "index",
    "timestamp",
    "previous_hash",
    "merkle_root",
    "problem",
    "solution",
    "mining_capacity",
    "cumulative_work_score",
)

SOLVER_CELLS = 4_000_000  # about 60 to 250 ms in the solver on a machine of 2023
SOLVE_POWER_W = 100
VERIFY_POWER_W = 1
VERIFY_REPEATS = 200

CLASS_WEIGHTS: dict[Any, int] = {
    "P": 1,
    "NP": 10,
    "NP-Complete": 100,
    "NP-Hard": 100,
    "PSPACE": 500,
    "EXPTIME": 1000,
}


def operations(asymptotic: str, n: Any) -> Any:
    """Evaluate an asymptotic string such as ``O(n log n)`` at problem size ``n``.

    Returns a number of operations (int, float or, for a negative base under a fractional power, complex).

    Raises:
        ValueError: The string is none of the known forms. Other exceptions are those of the arithmetic.
    """
    form = asymptotic.replace("O(", "").replace("Omega(", "").replace("Theta(", "").replace(")", "").strip()
    if form == "1":
        return 1
    if form == "log n":
        return math.log2(n) if n > 1 else 0
    if form == "n log n":
        return n * math.log2(n) if n > 1 else 0
    if form == "n":
        return n
    if form == "n^2":
        return n**2
    if form == "n^3":
        return n**3
    if form == "2^n":
        return 2**n
    if form == "n!":
        return math.factorial(n)
    if form == "n^n":
        return n**n
    base, exponent = form.split("^")
    return (n if base == "n" else float(base)) ** (n if exponent == "n" else float(exponent))


def energy_efficiency(complexity: Mapping[str, Any]) -> float:
    """Factor 0.1 to 2.0 for the energy spent per operation, 1.0 where it cannot be told."""
    joules = complexity["energy_metrics"]["solve_energy_joules"]
    if joules > 0 and complexity["measured_solve_time"] > 0:
        try:
            ops = operations(complexity["time_solve_O"], complexity["problem_size"])
            if ops > 0 and joules / ops > 0:
                return float(min(2.0, max(0.1, 1e-9 / (joules / ops))))
        except ValueError:
            pass  # an unknown form has no operation count: the factor stays neutral
    return 1.0


def asymmetry_bonus(complexity: Mapping[str, Any]) -> float:
    """Logarithmic bonus for being harder to solve than to verify.

    Raises:
        ValueError, ZeroDivisionError: There is no bonus for these forms or values.
    """
    solve = operations(complexity["time_solve_O"], complexity["problem_size"])
    # The quotient counts for nothing; whether it can be computed decides whether there is a bonus.
    _ = solve / max(1e-9, operations(complexity["time_verify_O"], complexity["problem_size"]))
    return (
        math.log(max(1, complexity["asymmetry_time"])) + math.log(max(1, complexity["asymmetry_space"])) * 0.5
    )


def calculate_work_score(complexity: Mapping[str, Any]) -> float:
    """Score a block's measured complexity; may be NaN, infinite, zero or negative.

    Times are seconds, space is bytes, energy is joules, all as the miner reports them.

    Raises:
        Exception: Whatever the arithmetic raises; the engine calls such a block malformed.
    """
    time_ratio = complexity["measured_solve_time"] / max(1e-9, complexity["measured_verify_time"])
    space_ratio = complexity["measured_solve_space"] / max(1, complexity["measured_verify_space"])
    size = max(1, complexity["problem_size"])
    epsilon = complexity["epsilon_approximation"]
    quality = 1.0 if epsilon is None else 1.0 / (1.0 + max(0.0, epsilon))
    weight = CLASS_WEIGHTS.get(complexity["problem_class"], 1)
    efficiency = energy_efficiency(complexity)
    score: float = time_ratio * math.sqrt(space_ratio) * weight * size * quality * efficiency
    try:
        score += asymmetry_bonus(complexity)
    except (ValueError, ZeroDivisionError):
        pass  # the score stands without the bonus, to the bit: adding 0.0 would turn -0.0 into 0.0
    return score


def calculate_block_hash(block: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the hashed fields as sorted JSON; transactions and complexity are not part of it.

    Raises:
        Exception: The mining capacity is no tier, a field is missing or cannot be written as JSON.
    """
    if block["mining_capacity"] not in TIER_SIZES:
        raise ValueError("mining_capacity is none of the five tiers")
    content = json.dumps({field: block[field] for field in HASHED_FIELDS}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def verify_subset_sum(problem: Any, solution: Any) -> bool:
    """Whether the solution's values are among the numbers, each once, and add up to the target.

    Raises:
        ValueError: The problem is of another type. Other exceptions are those of the expressions.
    """
    if not problem.get("type", "subset_sum") == "subset_sum":
        raise ValueError("problem type is not subset_sum")
    return (
        all(value in problem.get("numbers", []) for value in solution)
        and len(solution) == len(set(solution))
        and bool(sum(solution) == problem.get("target", 0))
    )


def calculate_commitment(params: bytes, miner_salt: bytes, previous_hash: str, solution: Any) -> str:
    """Hash (hex) that binds a miner to a solution before it is shown.

    It covers the problem's parameters, the miner's salt, a salt of the epoch (the parent, so that a
    commitment cannot be made in advance) and the solution's own hash.
    """
    epoch_salt = hashlib.sha256(f"epoch:{previous_hash}".encode()).digest()
    solution_hash = hashlib.sha256(json.dumps(solution).encode()).digest()
    return hashlib.sha256(params + miner_salt + epoch_salt + solution_hash).hexdigest()


def solve_subset_sum(numbers: list[int], target: int) -> tuple[list[int], int]:
    """Find values that add up to `target` by dynamic programming over the sums that can be reached.

    Returns the values and the bytes of the table. Takes time in proportion to `len(numbers) * target`.

    Raises:
        ValueError: No choice of the numbers adds up to the target.
    """
    # reached_by[s]: which number first reached the sum s. Going down keeps each number from being used twice.
    reached_by = [-1] * (target + 1)
    reached_by[0] = 0
    for position, number in enumerate(numbers):
        for total in range(target, number - 1, -1):
            if reached_by[total] < 0 <= reached_by[total - number]:
                reached_by[total] = position
        if reached_by[target] >= 0:
            break
    else:
        raise ValueError(f"no subset of the {len(numbers)} numbers adds up to {target}")
    chosen, rest = [], target
    while rest:
        chosen.append(numbers[reached_by[rest]])
        rest -= chosen[-1]
    return chosen, sys.getsizeof(reached_by)


class ProblemRegistry:
    """Makes, solves, checks and encodes problems; subset sum is the only type.

    `solver` is any module with `solve_subset_sum` and `verify_subset_sum` like those above, which are used
    without it. Rules are always judged by those above.
    """

    def __init__(self, solver: Any = None) -> None:
        self._solve = solve_subset_sum if solver is None else solver.solve_subset_sum
        self._verify = verify_subset_sum if solver is None else solver.verify_subset_sum

    def generate(self, seed: str, tier: str) -> dict[str, Any]:
        """Make the problem that a seed and a tier stand for; anyone can make it again.

        Raises:
            ValueError: The tier is unknown.
        """
        if tier not in TIER_SIZES:
            raise ValueError(f"tier {tier!r} is unknown, use one of {', '.join(TIER_SIZES)}")
        stream = (
            int.from_bytes(hashlib.sha256(f"{seed}:{draw}".encode()).digest()) for draw in itertools.count()
        )
        low, high = TIER_SIZES[tier]
        size = low + next(stream) % (high - low + 1)
        # The solver fills about size * size / 2 * mean cells: this mean makes every size cost the same.
        mean = 2 * SOLVER_CELLS // size**2
        numbers: list[int] = []
        while len(numbers) < size:
            number = mean // 2 + next(stream) % mean
            if number not in numbers:  # a value may be chosen once, so each is there once
                numbers.append(number)
        ranked = sorted(numbers, key=lambda number: hashlib.sha256(f"{seed}:{number}".encode()).digest())
        return {
            "numbers": numbers,
            "target": sum(ranked[: size // 2]),
            "size": size,
            "type": "subset_sum",
        }

    def solve(self, problem: Mapping[str, Any]) -> tuple[list[int], int]:
        """Solve a problem: the chosen values, and the bytes it took."""
        solved: tuple[list[int], int] = self._solve(problem["numbers"], problem["target"])
        return solved

    def verify(self, problem: Mapping[str, Any], solution: Any) -> bool:
        """Whether the solution solves the problem (rule 8)."""
        return bool(self._verify(problem, solution))

    def encode_params(self, problem: Mapping[str, Any]) -> bytes:
        """Canonical bytes of a problem, as a commitment covers them."""
        return json.dumps(problem, sort_keys=True).encode()


def merkle_root(transactions: list[Any]) -> str:
    """Root (hex) of the SHA-256 tree over transactions as sorted JSON; an odd level repeats its last one."""
    level = [hashlib.sha256(json.dumps(tx, sort_keys=True).encode()).digest() for tx in transactions]
    level = level or [hashlib.sha256().digest()]
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.sha256(left + right).digest() for left, right in pairs]
    return level[0].hex()


def measured_complexity(
    problem: dict[str, Any], solution: list[int], solve_s: float, verify_s: float, solve_bytes: int
) -> dict[str, Any]:
    """Describe what solving and verifying took (seconds, bytes), in the complete form of the genesis."""
    size = problem["size"]
    return {
        "time_solve_O": "O(2^n)",
        "time_solve_Omega": "Omega(2^(n/2))",
        "time_solve_Theta": None,
        "time_verify_O": "O(n)",
        "time_verify_Omega": "Omega(n)",
        "time_verify_Theta": "Theta(n)",
        "space_solve_O": "O(n * target)",
        "space_solve_Omega": "Omega(n)",
        "space_solve_Theta": None,
        "space_verify_O": "O(n)",
        "space_verify_Omega": "Omega(n)",
        "space_verify_Theta": "Theta(n)",
        "problem_class": "NP-Complete",
        "problem_size": size,
        "solution_size": len(solution),
        "epsilon_approximation": None,
        "asymmetry_time": 2.0**size / size,
        "asymmetry_space": size * problem["target"] / len(solution),
        "measured_solve_time": solve_s,
        "measured_verify_time": verify_s,
        "measured_solve_space": solve_bytes,
        "measured_verify_space": sys.getsizeof(solution),
        "energy_metrics": {
            "solve_energy_joules": SOLVE_POWER_W * solve_s,
            "verify_energy_joules": VERIFY_POWER_W * verify_s,
            "solve_power_watts": SOLVE_POWER_W,
            "verify_power_watts": VERIFY_POWER_W,
            "solve_time_seconds": solve_s,
            "verify_time_seconds": verify_s,
            "cpu_utilization": 80.0,
            "memory_utilization": 50.0,
            "gpu_utilization": 0.0,
        },
        "problem": problem,
        "solution_quality": 1.0,
    }


@dataclass(frozen=True)
class Template:
    """What a miner builds on: the tip as it was when solving began, and the transactions to carry."""

    parent_hash: Any
    height: int
    parent_timestamp: float
    parent_work: float
    transactions: list[Any]


class Miner:
    """Solves one problem per template and makes a sealed block of it.

    `name` keeps the problems of two miners on one parent apart. Times are those of the thread, not of the
    wall: a miner that has to wait for the processor has not worked more.
    """

    def __init__(self, registry: ProblemRegistry, name: str, tier: str) -> None:
        self._registry = registry
        self._name = name
        self._tier = tier

    def mine(self, template: Template) -> dict[str, Any]:
        """Solve a problem for the template. Returns the sealed block."""
        nonce = time.time_ns()
        problem = self._registry.generate(f"{template.parent_hash}:{self._name}:{nonce}", self._tier)
        started = time.thread_time()
        solution, solve_bytes = self._registry.solve(problem)
        solve_s = time.thread_time() - started
        complexity = measured_complexity(
            problem, solution, solve_s, self._verify_time(problem, solution), solve_bytes
        )
        salt = f"{self._name}:{nonce}".encode()
        params = self._registry.encode_params(problem)
        block = {
            "index": template.height,
            # Clocks differ: a block still has to come after its parent.
            "timestamp": max(time.time(), template.parent_timestamp + 0.001),
            "previous_hash": template.parent_hash,
            "transactions": template.transactions,
            "merkle_root": merkle_root(template.transactions),
            "problem": problem,
            "solution": solution,
            "complexity": complexity,
            "mining_capacity": self._tier,
            "cumulative_work_score": template.parent_work + calculate_work_score(complexity),
            "offchain_cid": None,
            "proof_commitment": calculate_commitment(params, salt, template.parent_hash, solution),
        }
        return block | {"block_hash": calculate_block_hash(block)}

    def _verify_time(self, problem: dict[str, Any], solution: list[int]) -> float:
        """Seconds one verification takes, as a mean over enough of them for the clock to tell."""
        started = time.thread_time()
        for _ in range(VERIFY_REPEATS):
            self._registry.verify(problem, solution)
        return (time.thread_time() - started) / VERIFY_REPEATS
