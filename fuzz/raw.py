"""Raw bytes to both parsers: `python -m fuzz.raw --count 1000000 --seed 1`.

A block's bytes are damaged at any place; then either neither reads a block, or both read the same. What was
read is compared by the hash, the score and the claimed hash, and most of the damage is done where the hash
looks.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from coinjecture._core import capture
from coinjecture.replay import values
from coinjecture.replay.node import Known
from coinjecture.replay.writing import written

from fuzz.blocks import as_mined, child
from fuzz.domain import MAX_BYTES, out_of_domain

TOKENS = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud83d", b"\\udE00", b"\\u0000", b"\\/"),
    *(b"NaN", b"Infinity", b"-Infinity", b"true", b"null", b"-", b"-0", b"0", b".", b"e", b"E+", b"1e400"),
    *(
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf0\x9f\x98\x80",
        b"\xc3",
        b"\x80",
    ),
    *(
        b" ",
        b"\t",
        b"\r\n",
        b"\x00",
        b"\x0b",
        b"\x1f",
        b"\x7f",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"9" * 19,
        b"1" * 4301,
    ),
)
BLOCKS_KEPT = 64
LARGEST = MAX_BYTES - 2**15
"""Damage adds some bytes to a block: so far it stays inside the domain."""
LONG_ONE_IN = 20
"""So many of the blocks whose bytes matter hold numbers as long as other blocks are large."""
SHOWN = 20

Read = tuple[Any, ...] | None


def damaged(rng: Random, raw: bytes) -> bytes:
    """Change one to four places of a block's bytes."""
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.getrandbits(8)
        elif kind == 2:
            del data[at : at + rng.randint(1, 9)]
        elif kind == 3:
            piece = data[at : at + rng.randint(1, 40)]
            data[at:at] = piece * rng.randint(1, 3)
        elif kind == 4:
            data[at:at] = rng.randbytes(rng.randint(1, 4))
        else:
            data[at:at] = rng.choice(TOKENS)
    return bytes(data)


def dense(rng: Random) -> bytes:
    """A block whose hashed free field holds a little of everything, so that most bytes matter."""
    block = child(rng, Known("00" * 32, 0, 1.0), plain=True)
    block["cumulative_work_score"] = [values.odd(rng) for _ in range(rng.randint(1, 12))]
    literals = {}
    if rng.randrange(LONG_ONE_IN) == 0:
        literals = {"@number": values.long_literal(rng), "@measure": values.long_literal(rng)}
        block["cumulative_work_score"][0] = "@number"
        block["complexity"] |= {"measured_solve_time": "@measure", "time_solve_O": values.long_form(rng)}
    for field in ("transactions", "merkle_root"):
        block[field] = []
    block["block_hash"] = "ab" * 32
    text = written(block)
    for mark, literal in literals.items():
        text = text.replace(f'"{mark}"', literal)
    # A text beyond the domain is not read to its end, so what is wrong in it shows to one parser only.
    return text.encode() if len(text) <= LARGEST else dense(rng)


def usual(rng: Random) -> bytes:
    """A block with all that the reference node's miner writes, as those of a network are."""
    block = child(rng, Known("00" * 32, 0, 1.0), plain=True)
    block["complexity"] = as_mined(block["complexity"], block["problem"])
    block["cumulative_work_score"] = rng.random() * 10.0 ** rng.randint(0, 12)
    block["transactions"] = block["transactions"][:1]
    block["block_hash"] = "ab" * 32
    return written(block).encode()


def by_python(raw: bytes) -> Read:
    """What CPython reads in the bytes: None for no block, else what the rules make of it."""
    try:
        block = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(block, dict):
        return None
    if out_of_domain(raw.decode("utf-8"), block):
        return ("out_of_domain",)
    return _told(block)


def by_rust(raw: bytes) -> Read:
    """The same of the Rust engine's own parser."""
    try:
        captured = capture(raw)
    except ValueError:
        return None
    return ("out_of_domain",) if captured.out_of_domain is not None else _told(raw)


def _told(block: Any) -> Read:
    captured = capture(block)
    work = captured.work
    return (captured.computed_hash, None if work is None else repr(work), json.dumps(captured.block_hash))


def run(seed: int, count: int, out: Callable[[str], None]) -> tuple[Counter[str], list[bytes]]:
    """Compare so many damaged blocks. Returns how many were what, and those on which the parsers differ."""
    rng, counted, different = Random(f"raw:{seed}"), Counter[str](), list[bytes]()  # noqa: S311 - repeatable
    blocks = [(dense, usual)[number % 2](rng) for number in range(BLOCKS_KEPT)]
    for number in range(count):
        if number % 100 == 0:
            at = rng.randrange(BLOCKS_KEPT)
            blocks[at] = (dense, usual)[at % 2](rng)
        raw = damaged(rng, rng.choice(blocks))
        expected, got = by_python(raw), by_rust(raw)
        counted["no block" if expected is None else "out of domain" if len(expected) == 1 else "block"] += 1
        if got != expected:
            counted["differences"] += 1
            different.append(raw)
        if number % 100_000 == 99_999:
            out(f"{number + 1:,} of {count:,}, {counted['differences']} differences")
    return counted, different


def main(given: list[str] | None = None) -> int:
    """Run; 0 if no difference was found, 1 if one was, 2 for an impossible argument."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.raw", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default %(default)s)")
    args = parser.parse_args(given)
    if args.count < 1:
        print("raw: --count must be above 0", file=sys.stderr)
        return 2
    started = time.monotonic()
    counted, different = run(args.seed, args.count, lambda line: print(f"raw: {line}", file=sys.stderr))
    for raw in different[:SHOWN]:
        print(f"difference: {raw!r}")
    print(
        f"{args.count:,} damaged texts with seed {args.seed}: {counted['block']:,} are blocks still, "
        f"{counted['no block']:,} are none, {counted['out of domain']:,} are outside the domain; "
        f"{counted['differences']} differences in {time.monotonic() - started:.0f} s"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
