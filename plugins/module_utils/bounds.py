"""What a sample proves: one-sided 95 % bounds from counts alone, without a guess of the distribution."""

from __future__ import annotations

import math

DOUBT = 0.05
"""The share of cases in which a bound may be wrong."""


def at_most(count: int, above: int, quantile: float) -> bool:
    """Whether ``above`` of ``count`` values over a limit prove that a quantile lies at or below it.

    If the quantile lay above the limit, each value would be over it with a probability of more than
    ``1 - quantile``; so few of them would then be seen in at most 5 % of cases. 299 values with none
    above prove it for the 99th percentile, 1,049 with five.
    """
    if count <= 0 or above < 0 or above > count:
        return False
    share = 1 - quantile
    logs = (
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        + k * math.log(share) + (count - k) * math.log1p(-share)
        for k in range(above + 1)
    )  # fmt: skip
    return math.fsum(math.exp(log) for log in logs) <= DOUBT


def most(count: int, seen: int) -> float | None:
    """The share that ``seen`` events in ``count`` cases allow at most, at 95 %; None without a case."""
    if count <= 0:
        return None
    if seen >= count:
        return 1.0
    low, high = seen / count, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if at_most(count, seen, 1 - middle) else (middle, high)
    return high
