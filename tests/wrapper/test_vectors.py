"""With both real engines the wrapper gives what the vectors say, in every mode, without a divergence."""

import json
from typing import Any

import consensus_surface
import pytest
from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.loader import EngineLoader
from coinjecture_migration.vocabulary import MODES, NEEDED
from consensus_wrapper import DualRunConsensus

from testnet.node.src import pow
from tests.oracle.support import COMPENSATED_SUMS, bits, scenarios
from tests.wrapper.conftest import Place, config
from tests.wrapper.test_modes import outcomes

FLOAT_SUMS = {"one_change-007", "one_change-171"} if COMPENSATED_SUMS else set()


@pytest.mark.parametrize("profile", ["header", "full"])
@pytest.mark.parametrize("mode", MODES)
def test_given_a_scenario_when_its_steps_are_judged_then_verdict_and_tip_are_those_of_the_live_engine(
    place: Place, monkeypatch: pytest.MonkeyPatch, mode: str, profile: str
) -> None:
    clock = [0.0]
    wrong = []
    wrapper = place.start(mode)
    judge = wrapper.verify_block if profile == "full" else wrapper.validate_header
    for scenario in scenarios(profile):
        if scenario["name"] in FLOAT_SUMS:
            continue
        give_fresh_engines(wrapper, scenario["genesis"])
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda: clock[0])
            for number, step in enumerate(scenario["steps"]):
                clock[0] = step["received_at"]
                found = outcome(judge, json.loads(step["block_json"]), wrapper)
                expected = {name: step["expect"][name] for name in found}
                if found != expected:
                    wrong.append((scenario["name"], number, found, expected))
    assert wrong == []
    steps = sum(len(s["steps"]) for s in scenarios(profile) if s["name"] not in FLOAT_SUMS)
    assert outcomes(wrapper) == {"match" if mode in ("shadow", "rust") else "alone": steps}


def give_fresh_engines(wrapper: DualRunConsensus, genesis: str) -> None:
    """Start from the genesis again, without the cost of a new wrapper."""
    loader = EngineLoader((config(genesis), Bare(), pow.ProblemRegistry()), {}, None)
    active = wrapper._active
    fresh = {name: loader.build(name, answering=True) for name in NEEDED[active.mode]}
    wrapper._manager.active = ActiveEngines(active.mode, fresh.get("legacy"), fresh.get("rust"), active.soak)  # type: ignore[arg-type]


class Bare:
    """A storage that keeps nothing and has no log."""

    def store_work_index(self, *_: Any) -> None: ...

    def store_tip(self, *_: Any) -> None: ...


def outcome(judge: Any, block: Any, wrapper: DualRunConsensus) -> dict[str, Any]:
    """What a step did, in the words of the vectors."""
    verdict, reason = "accept", None
    try:
        judge(block)
    except consensus_surface.HeaderValidationError as error:
        verdict, reason = "reject", error.reason
    tip = wrapper.best_tip
    return {
        "verdict": verdict,
        "reason": reason,
        "tip_hash_json": json.dumps(tip.block["block_hash"]),
        "tip_cumulative_bits": bits(tip.cumulative_work),
    }
