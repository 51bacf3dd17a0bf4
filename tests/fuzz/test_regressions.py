"""Every difference that was ever found is judged again by both engines."""

import json
from pathlib import Path
from typing import Any

import pytest
from coinjecture.replay.outcome import Outcome

from fuzz.oracle import Oracle
from fuzz.rust import RustEngine

FOLDER = Path(__file__).parents[1] / "parity" / "regressions"


def scenarios() -> list[Any]:
    return [
        pytest.param(scenario, id=scenario["name"])
        for path in sorted(FOLDER.glob("*.jsonl"))
        for scenario in map(json.loads, path.read_text(encoding="ascii").splitlines())
    ]


@pytest.mark.parametrize("scenario", scenarios())
def test_the_oracle_says_what_the_regression_expects(scenario: dict[str, Any]) -> None:
    oracle = Oracle(scenario["genesis"], scenario["profile"])
    for step in scenario["steps"]:
        assert oracle.submit(step["block_json"], step["received_at"]) == Outcome(**step["expect"])


@pytest.mark.parametrize("scenario", scenarios())
def test_the_rust_engine_says_what_the_regression_expects(scenario: dict[str, Any]) -> None:
    rust = RustEngine(scenario["genesis"], scenario["profile"])
    for step in scenario["steps"]:
        assert rust.submit(step["block_json"], step["received_at"]) == Outcome(**step["expect"])
