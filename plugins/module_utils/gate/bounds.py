"""What a number of samples proves: exact bounds that assume nothing about how the values are spread."""

from __future__ import annotations

import math


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


def _sum(first: int, last: int, n: int, p: float) -> float:
    """Sum of the binomial terms from `first` to `last`, beginning at the largest."""
    mode = min(max(int((n + 1) * p), first), last)
    total = 0.0
    for steps in (range(mode, last + 1), range(mode - 1, first - 1, -1)):
        for hits in steps:
            term = math.exp(_log_term(hits, n, p))
            total += term
            if term < total * 1e-17:
                break
    return total


def _log_term(k: int, n: int, p: float) -> float:
    choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return choose + k * math.log(p) + (n - k) * math.log1p(-p)


def quantile_is_at_most(share: float, above: int, pairs: int, confidence: float) -> bool:
    """Whether the upper bound of a quantile does not exceed the limit.

    Args:
        share: Which quantile, 0.5 for the median.
        above: How many of the values exceed the limit.
        pairs: How many values there are.
        confidence: One-sided, such as 0.95.

    The bound is an order statistic: it is at most the limit exactly if so few values above the limit would
    be a surprise, were the quantile above it.
    """
    return pairs > 0 and tail_at_most(above, pairs, 1.0 - share) <= 1.0 - confidence


def quantile_is_above(share: float, above: int, pairs: int, confidence: float) -> bool:
    """Whether the lower bound of a quantile exceeds the limit: so many above it would be a surprise."""
    return pairs > 0 and 1.0 - tail_at_most(above - 1, pairs, 1.0 - share) <= 1.0 - confidence


def pairs_needed(share: float, above: int, confidence: float) -> int:
    """The least number of values that prove a quantile at most the limit with so many above it."""
    low, high = 1, 64
    while not quantile_is_at_most(share, above, high, confidence):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if quantile_is_at_most(share, above, middle, confidence):
            high = middle
        else:
            low = middle + 1
    return low


def highest_rate(tries: int, confidence: float) -> float:
    """With nothing found in so many tries: what the rate is at most."""
    return 1.0 if tries <= 0 else 1.0 - (1.0 - confidence) ** (1.0 / tries)
