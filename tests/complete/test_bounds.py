"""Bounds from counts alone: what a sample proves, and what it does not."""

from __future__ import annotations

import math

import pytest
from bounds import at_most, most


@pytest.mark.parametrize(("count", "above"), [(299, 0), (1049, 5), (100_000, 850)])
def test_given_just_enough_values_then_the_99th_percentile_is_proved(count: int, above: int) -> None:
    assert at_most(count, above, 0.99)


@pytest.mark.parametrize(
    ("count", "above"), [(298, 0), (1048, 5), (299, 1), (100_000, 1000), (0, 0), (5, 6), (5, -1)]
)
def test_given_too_few_values_or_too_many_above_then_it_is_not(count: int, above: int) -> None:
    assert not at_most(count, above, 0.99)


def test_given_a_median_then_half_is_not_enough_and_less_is() -> None:
    assert at_most(5, 0, 0.5)
    assert not at_most(4, 0, 0.5)
    assert not at_most(1000, 500, 0.5)
    assert at_most(1000, 470, 0.5)


def test_given_the_bound_of_a_share_then_it_agrees_with_the_sum_written_out() -> None:
    count, above, share = 40, 3, 0.2
    exact = sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(above + 1))
    assert at_most(count, above, 1 - share) == (exact <= 0.05)


def test_given_no_event_then_the_rule_of_three_holds() -> None:
    bound = most(12_031, 0)
    assert bound is not None
    assert math.isclose(bound, 1 - 0.05 ** (1 / 12_031), rel_tol=1e-6)
    assert f"{bound:.3%}" == "0.025%"
    assert most(0, 0) is None
    assert most(3, 3) == 1.0
