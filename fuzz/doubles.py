"""Doubles through the Rust engine's text: `python -m fuzz.doubles --count 10000000 --seed 1`.

Writing is compared with what `json.dumps` of CPython writes, reading with what `json.loads` reads: the same
digits, the same 64 bits. The doubles are random ones and those that formatters get wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from coinjecture._core import canonical_json, capture
from coinjecture.replay import values

from fuzz.domain import MAX_BYTES
from fuzz.oracle import GENESIS, ROOT, modules
from fuzz.totals import distinct

BATCH = 4096
LONG_AT_ONCE = 16
LONG_ONE_IN = 5_000
"""One long literal for so many doubles: it takes as long to be read as thousands of them."""
SHOWN = 20
MANTISSA = (1 << 52) - 1
INFINITE = 0x7FF << 52


def of_bits(bits: list[int]) -> list[float]:
    """The doubles of so many patterns of 64 bits."""
    return array("d", struct.pack(f"={len(bits)}Q", *bits)).tolist()


def random_bits(rng: Random, count: int) -> list[float]:
    """Any pattern of bits: NaN and infinities among them."""
    return array("d", rng.randbytes(8 * count)).tolist()


def short_decimals(rng: Random, count: int) -> list[float]:
    """Decimals of few digits, as people and clocks write them."""
    return [
        rng.randrange(10 ** rng.randint(1, 17)) / 10.0 ** rng.randint(0, 22) * rng.choice((1, -1))
        for _ in range(count)
    ]


def beside_powers(rng: Random, count: int) -> list[float]:
    """Powers of two and of ten, and up to three doubles on either side: there the distances change."""
    found = []
    for _ in range(count):
        power = (
            math.ldexp(1.0, rng.randint(-1074, 1023))
            if rng.getrandbits(1)
            else float(f"1e{rng.randint(-323, 308)}")
        )
        (bits,) = struct.unpack("=Q", struct.pack("=d", power))
        found.append(min(max(bits + rng.randint(-3, 3), 0), INFINITE - 1))
    return of_bits(found)


def subnormal(rng: Random, count: int) -> list[float]:
    """Doubles below the smallest normal one."""
    return of_bits([rng.getrandbits(rng.randint(1, 52)) for _ in range(count)])


def near_integers(rng: Random, count: int) -> list[float]:
    """Whole numbers about 2**53, 10**15 to 10**17 and 2**63, where the layout or the distance changes."""
    bases = (2**53, 10**15, 10**16, 10**17, 2**63, 2**64, 10**22, 10**23)
    return [float(rng.choice(bases) + rng.randint(-(2**12), 2**12)) for _ in range(count)]


def ties(rng: Random, count: int) -> list[float]:
    """Few bits of mantissa: their decimals are short and end in a five, where digits are rounded to even."""
    found = []
    for _ in range(count):
        mantissa = rng.getrandbits(rng.randint(1, 12)) << 40
        found.append((rng.randint(1023 - 60, 1023 + 60) << 52) | (mantissa & MANTISSA))
    return of_bits(found)


KINDS: tuple[tuple[Callable[[Random, int], list[float]], int], ...] = (
    (random_bits, 7),
    (short_decimals, 2),
    (beside_powers, 1),
    (subnormal, 2),
    (near_integers, 1),
    (ties, 1),
)


def halfway(rng: Random, count: int) -> list[str]:
    """Literals on a point between two doubles, exact to the last digit, or one digit beside it."""
    found = []
    for _ in range(count):
        below = abs(random_bits(rng, 1)[0])
        if not 0.0 < below < 1e308:
            below = rng.random()
        above = math.nextafter(below, math.inf)
        # A double is a whole number over a power of two, so the middle is exact in integers.
        (p, q), (r, s) = below.as_integer_ratio(), above.as_integer_ratio()
        scale = max(q, s)
        found.append(_decimal(p * (scale // q) + r * (scale // s), 2 * scale, rng.randint(-1, 1)))
    return found


def _decimal(numerator: int, denominator: int, beside: int) -> str:
    """A fraction over a power of two as an exact decimal literal, or one unit beside its last digit."""
    places = denominator.bit_length() - 1
    return f"{numerator * 5**places * 10 + beside}e-{places + 1}"


def long(rng: Random, count: int) -> list[str]:
    """Literals of many digits with exponents to match; together they fit into a block."""
    found = [values.long_literal(rng) for _ in range(count)]
    while sum(map(len, found)) > MAX_BYTES // 2:
        found.pop()
    return found


def batches(seed: int, count: int) -> Iterator[tuple[str, list[float]]]:
    """So many doubles, kind by kind in turn, with the name of the kind."""
    rng = Random(f"doubles:{seed}")  # noqa: S311 - repeatable, not secret
    rounds = [make for make, weight in KINDS for _ in range(weight)]
    made = turn = 0
    while made < count:
        make = rounds[turn % len(rounds)]
        size = min(BATCH, count - made)
        yield make.__name__, make(rng, size)
        made += size
        turn += 1


def differing_text(doubles: list[float]) -> list[tuple[float, str, str]]:
    """Doubles that are written in another way than CPython writes them: the double, its text, ours."""
    expected = json.dumps(doubles)
    got = canonical_json(doubles).decode()
    if got == expected:
        return []
    pairs = zip(doubles, expected[1:-1].split(", "), got[1:-1].split(", "), strict=False)
    return [(double, text, ours) for double, text, ours in pairs if text != ours] or [(0.0, expected, got)]


def differing_value(literals: list[str]) -> list[tuple[str, str, str]]:
    """Literals that are read as another double than CPython reads: the literal, its text then, ours."""
    block = json.loads(GENESIS["testnet"]["block_json"])
    block["cumulative_work_score"] = "@"
    text = json.dumps(block).replace('"@"', f"[{', '.join(literals)}]")
    if _read_alike(text):
        return []
    alone = [(literal, json.dumps(block).replace('"@"', literal)) for literal in literals]
    return [(literal, literal, "another double") for literal, one in alone if not _read_alike(one)]


def differing_form(literals: list[str]) -> list[tuple[str, str, str]]:
    """Literals that an asymptotic string holds and that give another score than the Python engine's."""
    block = json.loads(GENESIS["testnet"]["block_json"])
    found = []
    for literal in literals:
        number = float(literal)
        # So much energy that its factor of the score is neither the least nor the most one.
        joules = min(max(number * 2e-9, 1e-300), 1e300)
        for form in (f"O({literal}^1)", f"O({literal}^-1)", f"O(n^{literal})"):
            block["complexity"] |= {"time_solve_O": form, "energy_metrics": {"solve_energy_joules": joules}}
            expected, got = _score(block["complexity"]), capture(json.dumps(block)).work
            if repr(got) != repr(expected):
                found.append((form, repr(expected), repr(got)))
    return found


def _score(complexity: dict[str, Any]) -> Any:
    """The Python engine's work score; None where it raises."""
    try:
        return modules().pow.calculate_work_score(complexity)
    except Exception:  # whatever it is, then there is none
        return None


def _read_alike(text: str) -> bool:
    """Whether a block's text has the hash of what CPython reads in it: the hash covers the numbers read."""
    return capture(text).computed_hash == capture(json.loads(text)).computed_hash


def run(seed: int, count: int, out: Callable[[str], None]) -> dict[str, Any]:
    """Compare; the content of `build/doubles.json`."""
    started, kinds, differences = time.monotonic(), Counter[str](), list[tuple[Any, str, str]]()
    bits = bytearray()
    for turn, (kind, doubles) in enumerate(batches(seed, count)):
        differences += differing_text(doubles)
        kinds[kind] += len(doubles)
        bits += array("d", doubles).tobytes()
        if turn % 256 == 0:
            out(f"{kinds.total():,} of {count:,} doubles, {len(differences)} differences")
    rng = Random(f"halfway:{seed}")  # noqa: S311 - repeatable, not secret
    literals = max(64, count // 500)
    for done in range(0, literals, 64):
        differences += differing_value(halfway(rng, min(64, literals - done)))
    rng = Random(f"long:{seed}")  # noqa: S311 - repeatable, not secret
    long_literals = 0
    while long_literals < max(16, count // LONG_ONE_IN):
        made = long(rng, LONG_AT_ONCE)
        differences += differing_value(made) + differing_form(made[:2])
        long_literals += len(made)
    return {
        "seed": seed,
        "count": kinds.total(),
        "distinct": distinct(array("Q", bytes(bits))),
        "kinds": dict(kinds),
        "halfway_literals": literals,
        "long_literals": long_literals,
        "differences": len(differences),
        "examples": [[repr(value), expected, got] for value, expected, got in differences[:SHOWN]],
        "seconds": round(time.monotonic() - started, 1),
    }


def main(given: list[str] | None = None) -> int:
    """Run; 0 if no difference was found, 1 if one was, 2 for an impossible argument."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.doubles", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000_000, help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "build/doubles.json", help="the summary")
    args = parser.parse_args(given)
    if args.count < 1:
        print("doubles: --count must be above 0", file=sys.stderr)
        return 2
    content = run(args.seed, args.count, lambda line: print(f"doubles: {line}", file=sys.stderr, flush=True))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
    for value, expected, got in content["examples"]:
        print(f"difference: {value}: CPython {expected}, Rust {got}")
    print(
        f"{content['count']:,} doubles with seed {args.seed}, {content['distinct']:,} of them distinct, and "
        f"{content['halfway_literals']:,} halfway and {content['long_literals']:,} long literals: "
        f"{content['differences']} differences "
        f"in {content['seconds']} s"
    )
    return 1 if content["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
