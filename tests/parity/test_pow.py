"""Given problems of every sort, the solver and the verifier in Rust do what the reference's do."""

import copy
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from coinjecture import pow as rust
from coinjecture._core import BudgetExceededError

from testnet.node.src import node, pow
from testnet.node.src.pow import Miner, ProblemRegistry, Template
from testnet.node.src.settings import SettingsError

from .support import NUMBERS, odd_value

SEED = 20261125
RAISED = (TypeError, ValueError, IndexError, OverflowError, AttributeError, KeyError, ZeroDivisionError)


def result(function: Any, *arguments: Any) -> tuple[str, Any]:
    """What a call gives, or the class of what it raises."""
    try:
        return "gave", function(*copy.deepcopy(arguments))
    except RAISED as error:
        return "raised", type(error)


def numbers_of(rng: random.Random) -> list[int]:
    """A few numbers, small ones and equal ones among them, now and then a zero, a bool or a huge one."""
    largest = rng.choice((3, 20, 70, 200, 3000))
    numbers = [rng.randint(1, largest) for _ in range(rng.randrange(14))]
    for odd in (0, True, -1, 10**30, -(10**30), 64, 128):
        if rng.random() < 0.04:
            numbers.insert(rng.randint(0, len(numbers)), odd)
    return numbers


def test_the_solver_chooses_what_the_reference_chooses() -> None:
    rng, seen = random.Random(SEED), Counter[str]()
    for _ in range(6000):
        numbers = numbers_of(rng)
        positive = [number for number in numbers if 0 < number < 10**6]
        target = sum(rng.sample(positive, rng.randint(0, len(positive))))
        target += rng.choice((0, 0, 0, 0, 1, -1, 63, True))
        expected = result(pow.solve_subset_sum, numbers, target)
        assert result(rust.solve_subset_sum, numbers, target) == expected, (numbers, target)
        seen[expected[0] if expected[0] == "gave" else expected[1].__name__] += 1
    assert seen["gave"] > 3000 and seen["ValueError"] > 300 and seen["IndexError"] > 30, seen


@pytest.mark.parametrize("tier", pow.TIER_SIZES)
def test_problems_of_a_miner_get_the_same_solution_and_the_same_table(tier: str) -> None:
    for seed in range(2):
        problem = ProblemRegistry().generate(f"{SEED}:{seed}", tier)
        assert ProblemRegistry(rust).solve(problem) == ProblemRegistry().solve(problem)


def test_what_is_chosen_are_the_objects_that_were_given() -> None:
    numbers = [10**6 + 1, 10**6 + 3, True]
    chosen, _ = rust.solve_subset_sum(numbers, 10**6 + 2)
    assert [id(value) for value in chosen] == [id(numbers[2]), id(numbers[0])]


@pytest.mark.parametrize(("numbers", "target"), [([1.5, 2], 2), (["1"], 1), ([1], 1.0), ([None], 1)])
def test_what_is_no_integer_is_refused(numbers: Any, target: Any) -> None:
    with pytest.raises(TypeError, match="is no integer"):
        rust.solve_subset_sum(numbers, target)


def test_a_table_that_cannot_be_is_refused_and_a_budget_is_kept_to() -> None:
    for target in (2**62, 2**80):
        with pytest.raises(MemoryError):
            rust.solve_subset_sum([1], target)
    with pytest.raises(BudgetExceededError):
        rust.solve_subset_sum([7, 11, 13], 5000, budget=100)


def test_other_threads_run_while_a_long_problem_is_solved() -> None:
    turns, ended = 0, threading.Event()
    numbers = [3 * number for number in range(1, 400)]

    def solve() -> None:
        with pytest.raises(ValueError, match="adds up to"):
            rust.solve_subset_sum(numbers, 30_000_001)
        ended.set()

    thread = threading.Thread(target=solve)
    thread.start()
    while not ended.is_set():
        turns += 1
        time.sleep(0.001)
    thread.join()
    assert turns > 1


def proofs(rng: random.Random) -> tuple[Any, Any]:
    """A problem and a solution, most of them nearly right."""
    numbers: Any = [rng.choice(NUMBERS) for _ in range(rng.randint(1, 10))]
    solution: Any = rng.sample(numbers, rng.randint(1, len(numbers)))
    problem: Any = {"numbers": numbers, "type": "subset_sum"}
    try:
        problem["target"] = sum(solution)
    except OverflowError:
        problem["target"] = 0
    kind = rng.randrange(9)
    if kind == 0:
        problem[rng.choice(("numbers", "target", "type"))] = odd_value(rng)
    elif kind == 1:
        problem.pop(rng.choice(("numbers", "target", "type")))
    elif kind == 2:
        solution = odd_value(rng)
    elif kind == 3:
        solution[rng.randrange(len(solution))] = odd_value(rng)
    elif kind == 4:
        problem = odd_value(rng)
    return problem, solution


def test_the_verifier_says_what_the_reference_says_and_raises_what_it_raises() -> None:
    rng, seen = random.Random(SEED), Counter[Any]()
    for _ in range(20_000):
        problem, solution = proofs(rng)
        expected = result(pow.verify_subset_sum, problem, solution)
        assert result(rust.verify_subset_sum, problem, solution) == expected, (problem, solution)
        seen[expected] += 1
    assert seen["gave", True] > 3000 and seen["gave", False] > 3000, seen
    assert {TypeError, ValueError, AttributeError} <= {value for kind, value in seen if kind == "raised"}


def test_a_node_that_solves_in_rust_mines_blocks_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pow, "SOLVER_CELLS", 50_000)
    block = Miner(ProblemRegistry(rust), "miner", "desktop").mine(Template("00" * 32, 1, 0.0, 0.0, []))
    assert pow.verify_subset_sum(block["problem"], block["solution"])
    assert pow.calculate_block_hash(block) == block["block_hash"]


def test_the_setting_names_a_module_and_without_it_nothing_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert node.solver_module("") is None
    assert node.solver_module("coinjecture.pow") is rust
    with pytest.raises(SettingsError, match=r"mining.solver.*no_such_module.*leave it out"):
        node.solver_module("no_such_module")
    (tmp_path / "half_a_solver.py").write_text("solve_subset_sum = print\n", encoding="ascii")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match="no verify_subset_sum"):
        node.solver_module("half_a_solver")
    sys.modules.pop("half_a_solver", None)
