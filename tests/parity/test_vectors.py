"""Given a scenario of the live engine, when the Rust engine judges it, every recorded outcome is the same."""

import json
import sys
from typing import Any

import pytest
from coinjecture import _core

from .support import GENESIS, bits, scenarios

# These two depend on how floats are summed; the engine is told which Python's way holds.
PYTHON_MINOR = 11


def steps_of(scenario: dict[str, Any], as_object: bool) -> list[tuple[Any, dict[str, Any]]]:
    read = json.loads if as_object else str.encode
    return [(read(step["block_json"]), step) for step in scenario["steps"]]


def notation(value: Any) -> Any:
    plain = type(value) is int and abs(value) < 2**53
    return value if plain or value is None else json.dumps(value)


def stored(engine: _core.Engine, judgement: _core.Judgement) -> dict[str, Any]:
    node = engine.get(judgement.block_hash) if judgement.inserts else None
    return {
        "height": notation(node.height) if node else None,
        "cumulative_bits": bits(node.cumulative) if node else None,
    }


@pytest.mark.parametrize("as_object", [False, True], ids=["bytes", "objects"])
@pytest.mark.parametrize("profile", ["header", "full"])
def test_every_scenario_gives_the_recorded_outcome(profile: str, as_object: bool) -> None:
    for scenario in scenarios(profile):
        genesis = GENESIS[scenario["genesis"]]
        engine = _core.Engine(genesis["block_json"], genesis["received_at"], python_minor=PYTHON_MINOR)
        for number, (block, step) in enumerate(steps_of(scenario, as_object)):
            captured = _core.capture(block)
            assert captured.out_of_domain is None
            judgement = engine.judge(captured, step["received_at"], profile)
            engine.apply(judgement)
            tip = engine.tip()
            got = {
                "verdict": "accept" if judgement.accepted else "reject",
                "reason": judgement.reason,
                "computed_hash": judgement.computed_hash,
                "work_bits": None if judgement.work is None else bits(judgement.work),
                "tip_hash_json": json.dumps(tip.block_hash),
                "tip_cumulative_bits": bits(tip.cumulative),
            } | stored(engine, judgement)
            expect = {key: step["expect"][key] for key in got}
            assert got == expect, f"{scenario['name']} step {number}: {step['note']}"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the running Python's own sum is the default")
def test_the_running_python_is_the_default_for_sums() -> None:
    scenario = next(s for s in scenarios("full") if s["name"] == "one_change-007")
    verdicts = []
    for options in ({}, {"python_minor": 12}):
        engine = _core.Engine(GENESIS[scenario["genesis"]]["block_json"], 0.0, **options)
        for block, step in steps_of(scenario, as_object=False):
            judgement = engine.judge(_core.capture(block), step["received_at"], "full")
            engine.apply(judgement)
            verdicts.append(judgement.accepted)
    half = len(verdicts) // 2
    assert verdicts[:half] != verdicts[half:]
