"""Odd values and odd number literals: what the rules say something about and ordinary traffic never shows."""

from __future__ import annotations

import math
import struct
from copy import deepcopy
from decimal import Decimal, localcontext
from random import Random
from typing import Any

NAN = float("nan")
INF = float("inf")
LARGEST = 10**4300 - 1
"""An integer of more digits is neither written nor read."""

NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 0.0, -0.0, 1.0, -1.0, 0.1, 0.5, True, False, NAN, INF, -INF),
    *(2**53, 2**53 + 1, float(2**53), 2**63 - 1, 2**63, -(2**63), 2**64, 10**16, 10**22, 10**23),
    *(10**308, 10**309, -(10**309), 10**400, 10**4299, -(10**4300 - 1)),
    *(1e16, 1e15 + 0.3, 9999999999999998.0, 1e-4, 1e-5, 9.999e-5, 2.0**-25, 1e22, 1e23, 5e-324, 1e308),
    *(2.2250738585072014e-308, 1.7976931348623157e308, 1e-9, 4096, -4096, 4096.0, 0.30000000000000004),
)
EDGES: tuple[Any, ...] = (NAN, NAN, INF, -INF, -0.0, 0, -1, 1, 1e-9, 5e-324, True, None)
"""Numbers at which comparisons and `max` turn over."""
STRINGS = (
    *("", "a", "n", "0" * 64, "f" * 64, "1", "NaN", "null", "subset_sum", "mobile", "cluster", "P", "O(n)"),
    *("\ud800", "\udc00\ud800", "\ud83d\ude00", "\U0001f600" * 64, "\x00", "\x7f", "\x1f\n\t\r\b\f", '"\\/'),
    *("\u00e9", "e\u0301", "\u2028", "\uffff", "\ufeff", "\u0130", "a" * 300),
)
CONTAINERS: tuple[Any, ...] = (
    [],
    {},
    [[]],
    [{}],
    {"": None},
    [None] * 64,
    [1, True],
    [NAN],
    {"a": NAN},
    [1, 2],
)
FALSY: tuple[Any, ...] = (None, False, 0, 0.0, -0.0, "", [], {})
FORMS = (
    *("O(1)", "O(log n)", "O(n log n)", "O(n)", "O(n^2)", "O(n^3)", "O(2^n)", "O(n!)", "O(n^n)"),
    *(
        "1",
        "n",
        "2^n",
        "n^2",
        "Theta(n^2)",
        "Omega(2^(n/2))",
        "Omega(n)",
        "O(n * target)",
        "",
        "O()",
        "O(O(n))",
    ),
    *("n^0.5", "2^0.5", "-1^n", "-2^0.5", "0^-1", "0^n", "inf^n", "nan^n", "n^nan", "n^inf", "-inf^n"),
    *(
        "1_0^n",
        "n^1_0",
        "1__0^n",
        "_1^n",
        "1_^n",
        " 2 ^n",
        "n^ 2 ",
        "n ^2",
        " n",
        "\u3000n\u2003",
        "\x1fn\x1c",
    ),
    *("\u0663^n", "n^\u0661\u0662", "\u200bn", "\x85n", "1e308^n", "1e400^n", "n^1e2", ".5^n", "5.^n", ".^n"),
    *("+2^n", "n^+2", "n^-1", "0x10^n", "infinity^n", "iNf^n", "-nan^n", "n^2^3", "n^", "^n", "^", "2.0^n"),
    *(
        "log n)",
        "O(n log  n)",
        "N",
        "n!O(",
        "n!)",
        "O(n\ud800)",
        "2\x00^n",
        "1e-400^n",
        "n^0",
        "1^n",
        "1.5^n",
    ),
)
CLASSES = ("P", "NP", "NP-Complete", "NP-Hard", "PSPACE", "EXPTIME")


def random_double(rng: Random) -> float:
    """Any double: every exponent is as likely as another."""
    return float(struct.unpack(">d", rng.getrandbits(64).to_bytes(8))[0])


def number(rng: Random) -> Any:
    """A number: a notable one, an integer of any length, a double of any size, or a short decimal."""
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return rng.getrandbits(rng.choice((4, 16, 53, 54, 64, 70, 128, 1100))) * rng.choice((1, -1))
    if kind == 2:
        return random_double(rng)
    if kind == 3:
        return rng.randrange(10 ** rng.randint(1, 17)) / 10 ** rng.randint(0, 22)
    return math.ldexp(1.0, rng.randint(-1074, 1023))


def text(rng: Random) -> str:
    """A string: a notable one, or a few characters from all over Unicode, lone surrogates among them."""
    if rng.random() < 0.6:
        return rng.choice(STRINGS)
    limits = (0x20, 0x80, 0x800, 0x3000, 0xE000, 0x10FFFF)
    return "".join(chr(rng.randrange(rng.choice(limits))) for _ in range(rng.randrange(1, 12)))


def odd(rng: Random, depth: int = 0) -> Any:
    """Any JSON value, most of them odd."""
    kind = rng.random()
    if kind < 0.45:
        return number(rng)
    if kind < 0.65:
        return text(rng)
    if kind < 0.75:
        return rng.choice((None, True, False))
    if kind < 0.88 or depth > 3:
        return deepcopy(rng.choice(CONTAINERS))  # whoever gets it may change it
    if kind < 0.94:
        return [odd(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {text(rng): odd(rng, depth + 1) for _ in range(rng.randrange(5))}


def falsy(rng: Random) -> Any:
    """A value that Python takes for false."""
    return deepcopy(rng.choice(FALSY))


DEPTHS = (62, 63, 64, 65, 100, 510, 511, 512, 513, 600)


def nested_text(choice: int) -> str:
    """The text of a list about as deep as a block may be, or as deep as a text is read."""
    depth = DEPTHS[choice % len(DEPTHS)]
    return "[" * depth + "]" * depth


def nested(levels: int) -> Any:
    """A list in a list, that many levels deep."""
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


# Literals: number texts that json.dumps would not write.


def integer_literal(rng: Random, value: int) -> str:
    """Another way to write an integer, as the double of the same value."""
    return rng.choice((f"{value}.0", f"{value}e0", f"{value}E+00", f"{value}0e-1", f"{value}.000e-00"))


LONG_ONE_IN = 200
"""So rarely a decimal is a long one: it costs as much as hundreds of others."""
LENGTHS = (*(300, 770, 5_000, 65_219, 65_535, 65_536, 65_537, 66_000) * 4, 131_072, 500_000)
"""Digits of a long literal. Exponents of five digits and more count in full only beside so many."""


def long_literal(rng: Random) -> str:
    """A decimal of so many digits, or with an exponent of so many, that each is held against the other.

    The point stands behind, before or among the digits, and the exponent folds them in or does not.
    """
    kind, length = rng.randrange(7), rng.choice(LENGTHS) + rng.randint(-2, 2)
    digits, zeros = str(rng.choice((1, 5, rng.randrange(1, 10**17)))), "0" * length
    near = rng.choice((0, 0, rng.randint(-30, 30), -308, 308, -324, -340))
    if kind == 0:  # more than its zeros are taken away again
        return f"{digits}{zeros}e-{length * 10}"
    if kind == 1:
        return f"{digits}{zeros}e{near - length}"
    if kind == 2:
        return f"0.{zeros}{digits}E{near + length:+}"
    if kind == 3:
        return f"{digits}{zeros}.{zeros[: rng.choice((1, 400))]}{rng.choice(('', '1'))}e{near - length}"
    if kind == 4:
        many = "".join(rng.choices("0123456789", k=length))
        return f"{digits}{rng.choice(('', '.'))}{many}e{near - rng.choice((0, length))}"
    if kind == 5:
        exponent = rng.getrandbits(rng.randint(17, 90))
        return f"{rng.choice(('0', digits))}e{rng.choice(('', '+', '-'))}{exponent}"
    return f"{digits}e{rng.choice(('', '-'))}{zeros}{rng.randint(0, 330)}"


def long_form(rng: Random) -> str:
    """An asymptotic string with a long literal in it, as only `float(str)` reads some of them."""
    literal = long_literal(rng)
    spellings = (literal, f"+{literal}", f"000{literal}", f" {literal} ", literal.replace("00", "0_0", 1))
    spelt = rng.choice(spellings)
    return rng.choice((f"O({spelt}^-1)", f"O({spelt}^1)", f"O({spelt}^n)", f"O(n^{spelt})"))


def decimal_literal(rng: Random) -> str:
    """A decimal that is hard to round: many digits, a far exponent, or beside a point between doubles."""
    if rng.randrange(LONG_ONE_IN) == 0:
        return long_literal(rng)
    kind = rng.randrange(4)
    if kind == 0:
        digits = "".join(rng.choices("0123456789", k=rng.choice((3, 17, 18, 20, 40, 400))))
        return f"{rng.randrange(1, 10)}.{digits}e{rng.randint(-345, 310)}"
    if kind == 1:
        return rng.choice(
            ("1e400", "-1e400", "1e-400", "-0", "-0.0", "-0e5", "0E+9", "1E5", "1e+05", "2.50e-1")
        )
    if kind == 2:
        return f"{rng.randrange(10 ** rng.randint(1, 25))}.{rng.randrange(10 ** rng.randint(1, 25))}"
    below = abs(random_double(rng))
    if not below < 1e308:
        return "1.7976931348623158079e308"  # just below the point from which doubles are infinite
    with localcontext() as exact:
        exact.prec = 1100
        middle = (Decimal(below) + Decimal(math.nextafter(below, INF))) / 2
        return f"{rng.choice((middle, middle.next_plus(), middle.next_minus())):E}"
