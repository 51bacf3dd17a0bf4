"""Given mutants of the vectors' blocks, when both engines judge them, they never differ.

The seed is fixed, so a failure comes back. Mutants change one to three things in a block of a scenario and
mostly seal it again, so that the rules behind the hash are reached; what a mutant left in the tree stays
for the next step.
"""

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from coinjecture import _core

from testnet.node.src import consensus

from .support import FORMS, NUMBERS, Oracle, Rust, odd_value, scenarios

SEED = 1609459200
MUTANTS = 12_000

COMPLEXITY_FIELDS = (
    *(
        "time_solve_O",
        "time_verify_O",
        "problem_class",
        "problem_size",
        "epsilon_approximation",
        "energy_metrics",
    ),
    *("asymmetry_time", "asymmetry_space", "measured_solve_time", "measured_verify_time"),
    *("measured_solve_space", "measured_verify_space"),
)


def change_field(rng: random.Random, block: dict[str, Any]) -> None:
    name = rng.choice(consensus.REQUIRED_FIELDS)
    if rng.random() < 0.1:
        block.pop(name, None)
    else:
        block[name] = odd_value(rng)


def change_complexity(rng: random.Random, block: dict[str, Any]) -> None:
    complexity = block.get("complexity")
    if not isinstance(complexity, dict):
        return
    for name in rng.sample(COMPLEXITY_FIELDS, rng.randrange(1, 4)):
        if name.startswith("time_"):
            complexity[name] = rng.choice((*FORMS, odd_value(rng)))
        elif name == "energy_metrics":
            complexity[name] = rng.choice(({"solve_energy_joules": rng.choice(NUMBERS)}, odd_value(rng)))
        elif rng.random() < 0.05:
            complexity.pop(name, None)
        else:
            complexity[name] = rng.choice(NUMBERS) if rng.random() < 0.8 else odd_value(rng)


def change_proof(rng: random.Random, block: dict[str, Any]) -> None:
    problem, solution = block.get("problem"), block.get("solution")
    if not isinstance(problem, dict) or not isinstance(solution, list):
        return
    kind = rng.randrange(6)
    if kind == 0:
        problem[rng.choice(("numbers", "target", "size", "type"))] = odd_value(rng)
    elif kind == 1:
        problem.pop(rng.choice(("numbers", "target", "size", "type")), None)
    elif kind == 2:
        block["solution"] = odd_value(rng)
    elif kind == 3 and solution:
        solution[rng.randrange(len(solution))] = odd_value(rng, depth=1)
    elif isinstance(problem.get("numbers"), list):
        # A solution in odd numbers that adds up, unless it is spoiled.
        chosen = [rng.choice(NUMBERS) for _ in range(rng.randrange(1, 6))]
        problem["numbers"] = problem["numbers"] + rng.sample(chosen, len(chosen))
        block["solution"] = chosen
        try:
            problem["target"] = sum(chosen)
        except OverflowError:
            problem["target"] = 0
    else:
        problem["size"] = rng.choice((7, 8, 12, 12.5, 16, 20, 24, 32, 33, True))


def change_links(rng: random.Random, block: dict[str, Any]) -> None:
    kind = rng.randrange(4)
    if kind == 0:
        block["index"] = rng.choice(
            (0, -1, False, True, -0.5, 0.0, 1.0, 2, 10**30, -(10**30), odd_value(rng, depth=0))
        )
    elif kind == 1:
        block["timestamp"] = odd_value(rng)
    elif kind == 2:
        block["previous_hash"] = rng.choice(
            (None, True, 1, 1.0, block.get("block_hash"), odd_value(rng, depth=0))
        )
    else:
        block["mining_capacity"] = rng.choice(("mobile", "desktop", "workstation", "server", "cluster", "x"))


CHANGES = (change_field, change_complexity, change_complexity, change_proof, change_proof, change_links)


def mutants(rng: random.Random) -> Iterator[tuple[str, str, list[dict[str, Any]], dict[str, Any]]]:
    """Scenarios by profile, genesis and blocks as they are, with one step's block to be changed."""
    known = {profile: scenarios(profile) for profile in ("header", "full")}
    while True:
        profile = rng.choice(("header", "full", "full"))
        scenario = rng.choice(known[profile])
        steps = scenario["steps"][:6]
        yield profile, scenario["genesis"], steps, rng.choice(steps)


def seal(block: dict[str, Any]) -> None:
    try:
        block["block_hash"] = consensus.calculate_block_hash(block)
    except Exception:  # a block without a hash keeps the one it claims
        return


def is_outside(block: dict[str, Any]) -> bool:
    return _core.capture(json.dumps(block)).out_of_domain is not None


def test_mutants_are_judged_alike() -> None:
    rng = random.Random(SEED)
    reasons: Counter[str | None] = Counter()
    source = mutants(rng)
    while reasons.total() < MUTANTS:
        profile, genesis, steps, chosen = next(source)
        oracle, rust = Oracle(genesis), Rust(genesis)
        for step in steps:
            block = json.loads(step["block_json"])
            variants = [block]
            if step is chosen:
                for _ in range(6):
                    mutant = copy.deepcopy(block)
                    for change in rng.choices(CHANGES, k=rng.choice((1, 1, 2, 3))):
                        change(rng, mutant)
                    if rng.random() < 0.8:
                        seal(mutant)
                    variants.append(mutant)
            for variant in variants:
                if is_outside(variant):
                    continue
                text = json.dumps(variant)
                received_at = rng.choice((step["received_at"], 1.0, 1.0))
                expected = oracle.step(json.loads(text), received_at, profile)
                got = rust.step(
                    json.loads(text) if rng.random() < 0.5 else text.encode(), received_at, profile
                )
                assert got == with_work_of_none(variant, expected), f"{profile} {genesis}: {text}"
                reasons[got["reason"]] += 1
    assert len(reasons) == 12, f"some reason was never reached: {reasons}"
    assert reasons[None] > MUTANTS // 20, reasons


def with_work_of_none(block: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """An empty complexity has no work score, whatever evaluating it gives."""
    return outcome if block.get("complexity") else outcome | {"work": None}


@pytest.mark.parametrize("size", [4097, -4097, 4096.5, float("inf"), float("nan"), 10**30])
@pytest.mark.parametrize("form", ["O(2^n)", "n!", "Theta( n^n )"])
@pytest.mark.parametrize("field", ["time_solve_O", "time_verify_O"])
def test_what_would_be_computed_for_minutes_is_out_of_the_domain(size: Any, form: str, field: str) -> None:
    block = json.loads(scenarios("full")[0]["steps"][0]["block_json"])
    block["complexity"] |= {"problem_size": size, field: form}
    if field != "time_solve_O":
        block["complexity"]["time_solve_O"] = "O(n)"
    captured = _core.capture(block)
    assert captured.out_of_domain is not None
    with pytest.raises(_core.OutOfDomainError, match="4096"):
        Rust("testnet").engine.judge(captured, 0.0, "full")
