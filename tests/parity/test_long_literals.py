"""A literal as long as a block, with an exponent to match, is the same number to both engines."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from coinjecture import _core
from coinjecture import consensus as rust
from coinjecture.replay import values

from fuzz.blocks import as_mined
from testnet.node.src import consensus as legacy
from testnet.node.src import pow
from tests.oracle.support import bits, sealed

from .support import GENESIS, Oracle, RecordingStorage, Rust, config

GENESIS_BLOCK: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])

SPACE = {"measured_solve_space": 1024}
"""Without it the work of any time is nothing."""

LITERALS = {
    "nothing is left": f"1{'0' * 65_536}e-655360",
    "one is left": f"1{'0' * 65_536}e-65536",
    "a little is left": f"25{'0' * 100_000}e-100003",
    "all the block": f"1{'0' * 1_000_000}e-1000000",
    "behind the point": f"0.{'0' * 65_536}1e65537",
    "far behind the point": f"0.{'0' * 70_000}1e700000",
    "many digits": f"0.{'7' * 70_000}e00000",
    "an exponent of seven digits": "5e-9999999",
    "an exponent of many digits": f"1{'0' * 66_000}e-{'9' * 25}",
    "an exponent after zeros": f"3e-{'0' * 70_000}2",
}


def json_number(literal: str) -> str:
    """A block whose measured time, which decides its work, is that literal."""
    block = sealed(GENESIS_BLOCK, work=SPACE | {"measured_solve_time": "@"})
    return json.dumps(block).replace('"@"', literal)


def mined_number(literal: str) -> str:
    """The same with every field that the reference node's miner writes, which has a reader of its own."""
    block = sealed(GENESIS_BLOCK, work=SPACE | {"measured_solve_time": "@"})
    block["complexity"] = as_mined(block["complexity"], block["problem"])
    return json.dumps(block).replace('"@"', literal)


def hashed_number(literal: str) -> str:
    """A block whose hash covers the literal."""
    block = sealed(GENESIS_BLOCK, cumulative_work_score=float(literal))
    return json.dumps(block | {"cumulative_work_score": "@"}).replace('"@"', literal)


def asymptotic(form: str) -> Callable[[str], str]:
    """Blocks with the literal in the string that says how much the energy is worth."""

    def made(literal: str) -> str:
        work = {"time_solve_O": form.replace("@", literal), "energy_metrics": {"solve_energy_joules": 1e-9}}
        return json.dumps(sealed(GENESIS_BLOCK, work=work))

    return made


WAYS = {
    "a number": json_number,
    "a number as mined": mined_number,
    "a hashed number": hashed_number,
    "a base": asymptotic("O(@^1)"),
    "a divisor": asymptotic("O(@^-1)"),
    "an exponent": asymptotic("O(n^@)"),
    "a signed base of underscores": asymptotic("O(+0_0@^1)"),
}


@pytest.mark.parametrize("literal", LITERALS.values(), ids=LITERALS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_given_a_long_literal_then_both_engines_say_the_same(way: Callable[[str], str], literal: str) -> None:
    # given a block that is inside the domain whatever its literal means
    text = way(literal)
    assert len(text) <= 2**20
    expected = Oracle("testnet").step(json.loads(text), 1.0, "full")
    # then each form in which an engine gets a block has the oracle's verdict, score, sum and tip
    for form in (text.encode(), text, json.loads(text)):
        assert Rust("testnet").step(form, 1.0, "full") == expected


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_given_stored_blocks_with_long_literals_when_a_node_starts_again_then_both_engines_have_the_same_tree(
    way: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    log = [(way(literal).encode(), 1.7e9 + at) for at, literal in enumerate(LITERALS.values())]
    trees = []
    for module in (legacy, rust):
        caplog.clear()
        engine = module.ConsensusEngine(config(), RecordingStorage(log), pow.ProblemRegistry())
        nodes = [(key, bits(node.cumulative_work)) for key, node in engine.block_tree.items()]
        left_out = [record.args for record in caplog.records]
        trees.append((nodes, bits(engine.best_tip.cumulative_work), left_out))
    assert trees[0] == trees[1]


def test_given_a_block_of_nothing_but_one_literal_then_it_is_judged_and_not_waited_for() -> None:
    # A reader whose time grew with the square of the digits would need minutes for these.
    nines = "9" * 520_000
    for literal in (f"1{'0' * 1_040_000}e-1040000", f"{nines}.{nines}", f"0.{'3' * 1_040_000}"):
        text = json_number(literal)
        expected = Oracle("testnet").step(json.loads(text), 1.0, "full")
        assert Rust("testnet").step(text, 1.0, "full") == expected


def test_given_random_long_literals_then_both_read_the_same() -> None:
    rng = Random(20261205)
    for _ in range(150):
        text = json_number(values.long_literal(rng))
        assert repr(_core.capture(text).work) == repr(_core.capture(json.loads(text)).work)
