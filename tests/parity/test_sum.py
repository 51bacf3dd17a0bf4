"""`sum` as CPython 3.12 and 3.13 compute it: a plain transcription is the oracle of an engine told so.

The transcription itself is checked against a real interpreter of that kind, where one is installed.
"""

import itertools
import json
import math
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from coinjecture import _core

from testnet.node.src import consensus

from .support import GENESIS, NUMBERS, scenarios

SEED = 20231002
LISTS = 2_000
SCENARIO = scenarios("full")[0]
ACCEPTED: dict[str, Any] = json.loads(SCENARIO["steps"][0]["block_json"])


def fits(value: int) -> bool:
    """Whether an int fits the C `long` in which sums of small integers are kept."""
    return -(2**63) <= value < 2**63


def compensated_sum(items: list[Any]) -> Any:
    """`sum(items)` of CPython 3.12, from its three loops: small integers, doubles, anything."""
    rest = iter(items)
    total: Any = 0
    for item in rest:
        following = total + item
        small = isinstance(item, int) and fits(item) and fits(following)
        total = following
        if not small:
            break
    if type(total) is float:
        lost = 0.0
        for item in rest:
            if type(item) is float:
                following = total + item
                if abs(total) >= abs(item):
                    lost += (total - following) + item
                else:
                    lost += (item - following) + total
                total = following
            elif fits(item):
                total += float(item)
            else:
                total = (total + lost if lost and math.isfinite(lost) else total) + item
                break
        else:
            return total + lost if lost and math.isfinite(lost) else total
    for item in rest:
        total = total + item
    return total


def lists() -> list[list[Any]]:
    """Lists of numbers that differ, of all kinds, many of doubles of very different size."""
    rng = random.Random(SEED)

    def number(kinds: int) -> Any:
        kind = rng.randrange(kinds)
        if kind < 4:
            return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-10, 10)
        if kind == 4:
            return rng.randrange(-(10**6), 10**6)
        if kind == 5:
            return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 300)
        if kind == 6:
            return rng.choice(NUMBERS)
        return rng.choice((2**63 - 1, -(2**63), 2**63, 10**30, 10**400, 2**62))

    drawn = [[number(rng.choice((5, 8))) for _ in range(rng.randrange(1, 12))] for _ in range(LISTS)]
    known = [
        [0.1] * 10,
        [1e16, 1.0, 1.0, -1e16],
        [1e308, 1e308, -1e308],
        [2**63, 0.5, 1e16],
        [0.5, 2**63, 1e16, 1.0],
    ]
    return known + [list(dict.fromkeys(items)) for items in drawn]


def outcome(compute: Any, items: list[Any]) -> str:
    try:
        return repr(compute(items))
    except OverflowError:
        return "OverflowError"


def verdict(engine: _core.Engine, items: list[Any], target: Any) -> str | None:
    """The full rules' reason for a block whose solution is `items`."""
    problem = ACCEPTED["problem"] | {"numbers": items, "target": target}
    block = ACCEPTED | {"problem": problem, "solution": items}
    block["block_hash"] = consensus.calculate_block_hash(block)
    return engine.judge(_core.capture(json.dumps(block)), 1.0, "full").reason


def test_an_engine_told_of_3_12_sums_as_the_transcription_does() -> None:
    known = _core.capture(GENESIS[SCENARIO["genesis"]]["block_json"])
    engine, older = (_core.Engine(known, 1.0, python_minor=minor) for minor in (12, 11))
    told_apart = 0
    for items in lists():
        if len(set(items)) < len(items):
            continue  # a solution takes each value once
        try:
            total = compensated_sum(items)
        except OverflowError:
            assert verdict(engine, items, 0) == "malformed", items
            continue
        if isinstance(total, float) and math.isnan(total):
            assert verdict(engine, items, total) == "bad_proof", items
            continue
        assert verdict(engine, items, total) is None, items
        if isinstance(total, float) and math.isfinite(total):
            assert verdict(engine, items, math.nextafter(total, math.inf)) == "bad_proof", items
        told_apart += verdict(older, items, total) is not None
    assert told_apart > LISTS // 20, "the two ways of summing have to differ on these lists"


def interpreters(minor: int) -> list[str]:
    """Interpreters of Python 3.`minor` that start."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = [f"python3.{minor}", *map(str, versions.glob(f"3.{minor}.*/bin/python"))]
    found = []
    for name in named:
        try:
            told = subprocess.run(
                [name, "-c", "import sys; print(sys.version_info[1])"],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        if told.stdout.strip() == str(minor):
            found.append(name)
    return found


@pytest.mark.parametrize("minor", [12, 13])
def test_the_transcription_is_what_a_real_interpreter_computes(minor: int) -> None:
    found = interpreters(minor)
    if not found:
        pytest.skip(f"no Python 3.{minor} is installed here")
    program = (
        "import json, sys\n"
        "def outcome(items):\n"
        "    try: return repr(sum(items))\n"
        "    except OverflowError: return 'OverflowError'\n"
        "print(json.dumps([outcome(items) for items in json.load(sys.stdin)]))\n"
    )
    cases = lists()
    told = subprocess.run(
        [found[0], "-c", program], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    for items, expected in itertools.zip_longest(cases, json.loads(told.stdout)):
        assert outcome(compensated_sum, items) == expected, items
