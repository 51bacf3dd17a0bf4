"""What is told of a histogram lies where the durations lie, and two engines of one bucket are told apart."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import pytest
from coinjecture_migration.evidence.histograms import COARSE, Durations, latency_bucket

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import (
    LATENCY_EDGES,
    RATIO_EDGES,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.durations import Spread
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.quantiles import (
    quantile,
    quantiles,
)


def counted(values: Sequence[float]) -> list[int]:
    """The counts that a node's evidence has of durations in seconds."""
    counts = [0] * (len(LATENCY_EDGES) + 1)
    for value in values:
        counts[latency_bucket(value)] += 1
    return counts


def sample(median: float, seed: int = 1) -> list[float]:
    """Durations spread as those of an engine are: many near the median, few far above it."""
    chance = random.Random(seed)
    return sorted(median * chance.lognormvariate(0, 0.4) for _ in range(5000))


def histogram(values: Sequence[float]) -> dict[str, Any]:
    return {"bounds": LATENCY_EDGES, "counts": counted(values), "count": len(values)}


@pytest.mark.parametrize("median", [3.1e-6, 4.7e-5, 6.8e-5, 1.2e-3])
@pytest.mark.parametrize(("share", "within"), [(0.5, 0.04), (0.9, 0.12), (0.99, 0.16)])
def test_given_durations_then_a_quantile_is_told_far_closer_than_its_bucket_is_wide(
    median: float, share: float, within: float
) -> None:
    values = sample(median)
    true, told = values[int(share * len(values)) - 1], quantile(histogram(values), share)
    assert told == pytest.approx(true, rel=within)
    assert bisect_left(LATENCY_EDGES, told) == bisect_left(LATENCY_EDGES, true)


def test_given_two_engines_whose_medians_share_a_bucket_then_two_numbers_are_told() -> None:
    slower, faster = (quantiles(counted(sample(median))) for median in (6.6e-5, 5.2e-5))
    assert slower is not None and faster is not None
    assert latency_bucket(6.6e-5) == latency_bucket(5.2e-5)
    assert slower["p50"] is not None and faster["p50"] is not None
    assert slower["p50"] > 1.15 * faster["p50"]


def test_given_ranks_then_the_whole_bucket_is_used_up_to_its_edge() -> None:
    two = {"bounds": [1e-5, 1e-4, 1e-3], "counts": [0, 50, 49, 1], "count": 100}
    assert quantile(two, 0.5) == pytest.approx(1e-4)
    assert quantile(two, 0.25) == pytest.approx(10**-4.5)
    assert quantile(two, 0.99) == pytest.approx(1e-3)
    assert quantile(two, 1.0) is None, "above the last edge nobody knows"


def test_given_the_first_bucket_then_it_is_taken_to_be_as_wide_as_the_next() -> None:
    first = {"bounds": RATIO_EDGES, "counts": [4] + [0] * len(RATIO_EDGES), "count": 4}
    assert RATIO_EDGES[0] / 1.22 < (quantile(first, 0.5) or 0) < RATIO_EDGES[0]


def test_given_the_narrow_buckets_of_a_pair_then_the_gates_words_follow_the_rank_too() -> None:
    kept, values = Durations(COARSE), sample(6.8e-5)
    for value in values:
        kept.add(value)
    told = kept.as_json()
    spread = Spread.of(told["per_decade"], {int(bucket): n for bucket, n in told["counts"].items()})
    for share in (0.5, 0.9, 0.99):
        assert spread.quantile(share) == pytest.approx(values[int(share * len(values)) - 1], rel=0.02)
