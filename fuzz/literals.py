"""Long number literals as CPython reads them, as a table for the Rust crate's own tests.

`python -m fuzz.literals` prints the table that stands in `rust/consensus/tests/literals.tsv`: on each line a
literal, in pieces of which `0*65536` means so many of that digit, and the bits in hex of the double that
`float` makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from coinjecture.replay.outcome import bits

FAR = (5, 330, 65_219, 65_220, 65_535, 65_536, 65_537, 99_999, 100_000, 999_999, 1_000_000)
"""Numbers of zeros, on either side of those at which a counter of five or six digits ends."""
BESIDE = (-340, -324, -323, -1, 0, 1, 308, 309)
EXPONENTS = (
    *(65_535, 65_536, 99_999, 100_000, 655_360, 1_048_576, 9_999_999, 2**28 - 1, 2**28),
    *(2**31 - 1, 2**31, 2**32, 10**9, 11 * 10**8, 2**63 - 1, 2**63, 2**64, 10**24, 10**25 - 1),
)
DIGITS = ("1", "5", "17976931348623157", "17976931348623159", "9007199254740993")


def pieces() -> Iterator[tuple[str, ...]]:
    """Every literal of the table, in pieces."""
    for zeros, beside in product(FAR, BESIDE):
        yield ("1", f"0*{zeros}", f"e{beside - zeros}")
        yield ("0.", f"0*{zeros}", "1", f"e{beside + zeros + 1}")
    for zeros, digits in product((65_536, 1_000_000), DIGITS):
        yield (digits, f"0*{zeros}", f"e-{zeros * 10}")
        yield (digits, f"0*{zeros}", ".", "0*300", "1", f"e-{zeros}")
        yield ("0.", f"0*{zeros}", digits, f"e{zeros * 10}")
        yield (digits, "9*70000", f"e-{70_000 + len(digits)}")
    for exponent, sign, digits in product(EXPONENTS, ("", "+", "-"), ("0", "1", "4.5")):
        yield (digits, f"e{sign}{exponent}")
    for zeros, small in product((30, 70_000), ("0", "5", "308", "309")):
        yield ("1", "e", f"0*{zeros}", small)
        yield ("1", "e-", f"0*{zeros}", small)


def literal(parts: tuple[str, ...]) -> str:
    """A literal out of its pieces."""
    split = (part.partition("*") for part in parts)
    return "".join(digit * int(count) if times else digit for digit, times, count in split)


def lines() -> Iterator[str]:
    """The table, line by line."""
    for parts in pieces():
        yield f"{' '.join(parts)}\t{bits(float(literal(parts)))}"


if __name__ == "__main__":
    print("\n".join(lines()))
