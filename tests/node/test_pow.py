"""Problems, the solver and what a block says of the work."""

from typing import Any

import pytest

from testnet.node.src import pow
from testnet.node.src.pow import ProblemRegistry, merkle_root, solve_subset_sum


@pytest.mark.parametrize("tier", pow.TIER_SIZES)
def test_a_seed_and_a_tier_give_one_problem_within_the_tier_and_the_solver_solves_it(
    tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pow, "SOLVER_CELLS", 50_000)
    registry = ProblemRegistry()
    low, high = pow.TIER_SIZES[tier]
    for seed in map(str, range(20)):
        problem = registry.generate(seed, tier)
        assert problem == registry.generate(seed, tier)
        assert low <= problem["size"] == len(set(problem["numbers"])) <= high
        solution, table_bytes = registry.solve(problem)
        assert registry.verify(problem, solution)
        assert table_bytes > problem["target"]


def test_an_unknown_tier_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="mobile, desktop, workstation, server, cluster"):
        ProblemRegistry().generate("seed", "laptop")


@pytest.mark.parametrize(("numbers", "target"), [([2, 4], 3), ([5], 7), ([], 1)])
def test_a_problem_without_a_solution_is_told(numbers: list[int], target: int) -> None:
    with pytest.raises(ValueError, match=f"adds up to {target}"):
        solve_subset_sum(numbers, target)


def test_no_number_is_used_twice() -> None:
    assert sorted(solve_subset_sum([3, 5, 6, 8], 14)[0]) in ([3, 5, 6], [6, 8])
    with pytest.raises(ValueError, match="adds up to 10"):
        solve_subset_sum([5, 7], 10)


def test_the_merkle_root_depends_on_every_transaction_and_their_order() -> None:
    lists: list[list[Any]] = [[], [1], [2], [1, 2], [2, 1], [1, 2, 3], [1, 2, 3, 4]]
    roots = [merkle_root(transactions) for transactions in lists]
    assert len(set(roots)) == len(lists)
    assert all(len(root) == 64 for root in roots)
