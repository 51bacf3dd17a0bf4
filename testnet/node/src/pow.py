"""Proof of useful work: the score of a solved problem.

The score decides which chain is best, so every expression below is evaluated in exactly the order the
network's rules give (`docs/consensus-rules.md` of the project, "Work score"). A rule that looks odd is still
a rule.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

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


class ProblemRegistry:
    """What the engine asks about problems."""

    def encode_params(self, problem: Mapping[str, Any]) -> bytes:
        """Canonical bytes of a problem, as a commitment covers them."""
        return json.dumps(problem, sort_keys=True).encode()

    def verify(self, problem: Mapping[str, Any], solution: Any) -> bool:
        """Whether the solution solves the problem (rule 8)."""
        return verify_subset_sum(problem, solution)
