"""The work score of a block, evaluated in the order that the network's rules give."""

import math
from collections.abc import Callable
from typing import Any

from blocks import Complexity

WEIGHTS = {"P": 1, "NP": 10, "NP-Complete": 100, "NP-Hard": 100, "PSPACE": 500, "EXPTIME": 1000}


def steps(form: Any, n: Any) -> Any:
    """Operations that a form such as `O(n^2)` stands for at size n; ValueError for an unknown one."""
    for word in ("O(", "Omega(", "Theta(", ")"):
        form = form.replace(word, "")
    form = form.strip()
    plain: dict[str, Callable[[], Any]] = {
        "1": lambda: 1,
        "log n": lambda: math.log2(n) if n > 1 else 0,
        "n log n": lambda: n * math.log2(n) if n > 1 else 0,
        "n": lambda: n,
        "n^2": lambda: n**2,
        "n^3": lambda: n**3,
        "2^n": lambda: 2**n,
        "n!": lambda: math.factorial(n),
        "n^n": lambda: n**n,
    }
    if form in plain:
        return plain[form]()
    base, exponent = form.split("^")
    return (n if base == "n" else float(base)) ** (n if exponent == "n" else float(exponent))


def calculate_work_score(complexity: Complexity) -> float:
    """Score of what the miner measured, NaN and infinity included; raises what the arithmetic raises."""
    c = complexity
    time_part = c.measured_solve_time / max(1e-9, c.measured_verify_time)
    space_part = c.measured_solve_space / max(1, c.measured_verify_space)
    size = max(1, c.problem_size)
    quality = 1.0 if c.epsilon_approximation is None else 1.0 / (1.0 + max(0.0, c.epsilon_approximation))
    weight = WEIGHTS.get(c.problem_class, 1)
    score: float = time_part * math.sqrt(space_part) * weight * size * quality * _efficiency(c)
    try:
        solve = steps(c.time_solve_O, c.problem_size)
        _ = solve / max(1e-9, steps(c.time_verify_O, c.problem_size))  # only its exceptions count
        score += math.log(max(1, c.asymmetry_time)) + math.log(max(1, c.asymmetry_space)) * 0.5
    except (ValueError, ZeroDivisionError):
        pass
    return score


def _efficiency(c: Complexity) -> float:
    joules = c.energy_metrics.solve_energy_joules
    if joules > 0 and c.measured_solve_time > 0:
        try:
            count = steps(c.time_solve_O, c.problem_size)
            if count > 0 and joules / count > 0:
                return float(min(2.0, max(0.1, 1e-9 / (joules / count))))
        except ValueError:
            pass
    return 1.0
