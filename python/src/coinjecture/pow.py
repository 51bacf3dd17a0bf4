"""Solving and verifying subset sums in Rust: the same functions as the reference node's ``pow``.

The solver gives the reference solver's choice, not only a valid one. A node names this module as
``mining.solver`` in its configuration to use it.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _core

__all__ = ["Solved", "solve_subset_sum", "verify_subset_sum"]

_LARGEST = 2**63 - 1
_BYTES_PER_CELL = struct.calcsize("P")


class Solved(NamedTuple):
    """A solved subset sum.

    Attributes:
        values: What adds up to the target.
        table_bytes: Bytes that the reference solver's table takes, which a miner reports as its space.
    """

    values: list[int]
    table_bytes: int


def solve_subset_sum(numbers: Sequence[int], target: int, budget: int | None = None) -> Solved:
    """Find values that add up to ``target``.

    Args:
        numbers: Whole numbers, none below 0.
        target: What to reach, not below 0.
        budget: Steps that may be taken: one for each sum up to the target, one for 64 sums of each number.

    Returns:
        The values, and the bytes that the reference solver's table takes, which a miner reports as its space.

    Raises:
        ValueError: No choice of the numbers adds up to the target.
        TypeError: The target or a number is no integer.
        IndexError: The target is negative, or a number that the search came to.
        MemoryError: The table does not fit into memory.
        BudgetExceededError: The budget is used up.
    """
    for value in (target, *numbers):
        if not isinstance(value, int):
            raise TypeError(f"{value!r} is no integer")
    if target < 0:
        raise IndexError("the target is negative")
    if target >= _LARGEST:
        raise MemoryError(f"the table of {target} sums does not fit into memory")
    # A number above the target is never chosen, so how far above does not matter; nor how far below 0.
    within = [min(max(int(number), -2), _LARGEST) for number in numbers]
    positions = _core.solve_subset_sum_py(within, int(target), budget)
    table_bytes = sys.getsizeof([]) + (target + 1) * _BYTES_PER_CELL
    return Solved([numbers[position] for position in positions], table_bytes)


def verify_subset_sum(problem: Any, solution: Any) -> bool:
    """Whether the solution's values are among the numbers, each once, and add up to the target (rule 8).

    Where the reference raises while it evaluates the rule, this raises an exception of the same class.

    Raises:
        BudgetExceededError: The work budget is used up, which no block of the domain comes near.
        Exception: What the reference raises; ValueError also for a value that JSON does not have.
    """
    return _core.check_subset_sum_py(problem, solution)
