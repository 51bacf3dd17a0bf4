"""Arithmetic of integers and doubles as CPython does it, as a table for the Rust crate's own tests.

`python -m fuzz.numbers` prints the table that stands in `rust/consensus/tests/numbers.tsv`: first the
values (`value`, index, text), then a line for each operation on each pair of them, by index, and what
came of it: the bits of a double in hex, an integer in decimal, `<`, `=`, `>` or `none` of a comparison,
or the name of what was raised.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from itertools import product

from coinjecture.replay.outcome import bits

Number = int | float

INTEGERS: tuple[int, ...] = (
    0, 1, -1, 3, -7, 1000, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**63,
    2**64 - 1, 2**64, 2**70 + 2**17, 2**70 + 2**17 + 1, 2**71 + 3 * 2**18, -(2**65) - 1, 10**22,
    2**1024 - 1, 2**1024 - 2**970, 2**1024, 2**1025 - 1, -(10**400), 10**400 + 1, 3 * 2**1200,
    32 * (2**63 + 2**10 + 1) + 1,
)  # fmt: skip
DOUBLES: tuple[float, ...] = (
    0.0, -0.0, 0.5, -0.5, 1.5, -3.0, 9007199254740992.0, 9223372036854775808.0, -9223372036854775808.0,
    1e22, 1.5e300, -1.5e300, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
    math.inf, -math.inf, math.nan,
)  # fmt: skip
VALUES: tuple[Number, ...] = INTEGERS + DOUBLES


def told(operation: Callable[..., Number], *operands: Number) -> str:
    """What came of an operation."""
    try:
        value = operation(*operands)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        return type(error).__name__
    return str(value) if isinstance(value, int) else bits(value)


def compared(a: Number, b: Number) -> str:
    """How two numbers lie to each other."""
    return "<" if a < b else ">" if a > b else "=" if a == b else "none"


def lines() -> Iterator[str]:
    """The table, line by line."""
    yield from (f"value\t{index}\t{value}" for index, value in enumerate(VALUES))
    for index, value in enumerate(VALUES):
        yield f"float\t{index}\t{index}\t{told(float, value)}"
        yield f"log\t{index}\t{index}\t{told(math.log, value)}"
    for (i, a), (j, b) in product(enumerate(VALUES), repeat=2):
        yield f"compare\t{i}\t{j}\t{compared(a, b)}"
        yield f"add\t{i}\t{j}\t{told(operator.add, a, b)}"
        yield f"subtract\t{i}\t{j}\t{told(operator.sub, a, b)}"
        yield f"divide\t{i}\t{j}\t{told(operator.truediv, a, b)}"


if __name__ == "__main__":
    print("\n".join(lines()))
