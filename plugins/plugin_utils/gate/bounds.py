"""What a number of samples proves: exact bounds that assume nothing about how the values are spread."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache


def tail_at_most(k: int, n: int, p: float) -> float:
    """Probability of at most `k` hits in `n` independent tries with the chance `p` each."""
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    if p <= 0.0 or p >= 1.0:
        return 1.0 if p <= 0.0 else 0.0
    if k > n * p and n - k - 1 < k:  # the shorter tail
        return max(0.0, 1.0 - _sum(k + 1, n, n, p))
    return min(1.0, _sum(0, k, n, p))


def tail_at_least(k: int, n: int, p: float) -> float:
    """Probability of at least `k` hits in `n` independent tries with the chance `p` each."""
    return tail_at_most(n - k, n, 1.0 - p)


def _sum(first: int, last: int, n: int, p: float) -> float:
    """Sum of the binomial terms from `first` to `last`, each from its neighbour, beginning at the largest."""
    mode = min(max(int((n + 1) * p), first), last)
    largest, odds = math.exp(_log_term(mode, n, p)), p / (1.0 - p)
    total = term = largest
    for hits in range(mode, last):
        term *= (n - hits) / (hits + 1) * odds
        total += term
        if term < total * 1e-17:
            break
    term = largest
    for hits in range(mode, first, -1):
        term *= hits / (n - hits + 1) / odds
        total += term
        if term < total * 1e-17:
            break
    return total


def _log_term(k: int, n: int, p: float) -> float:
    choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return choose + k * math.log(p) + (n - k) * math.log1p(-p)


@lru_cache(maxsize=256)
def ranks(share: float, values: int, confidence: float) -> tuple[int | None, int | None]:
    """Which of so many values, in their order, bound a quantile from below and from above.

    Args:
        share: Which quantile, 0.5 for the median.
        values: How many values there are.
        confidence: Of each of the two bounds by itself, such as 0.95.

    Returns:
        Two ranks from 1 on. The value at the first is above the quantile, and that at the second below it,
        with a probability of at most 1 - `confidence` each, however the values are spread. None where so few
        values bound it by none.
    """
    doubt = 1.0 - confidence

    def first(holds: Callable[[int], bool]) -> int:
        """The least number from 0 to `values` + 1 for which it holds, which it does for all greater ones."""
        low, high = 0, values + 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(middle) else (middle + 1, high)
        return low

    below = first(lambda rank: tail_at_most(rank, values, share) > doubt)
    above = first(lambda rank: rank > values or tail_at_least(rank, values, share) <= doubt)
    return below or None, above if above <= values else None


def highest_rate(tries: int, confidence: float) -> float:
    """With nothing found in so many tries: what the rate is at most."""
    return 1.0 if tries <= 0 else 1.0 - (1.0 - confidence) ** (1.0 / tries)
