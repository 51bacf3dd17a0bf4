"""Machines that disturb what they measure, and soaks on them: durations of two engines on the same blocks.

A duration is what the block costs the engine at the processor's present frequency, plus what the machine
adds. What it adds is drawn anew for each judgement and does not depend on the engine, which is hardest on the
faster one. Blocks differ as those of the local network do, where the Python engine takes 150 us of processor
time at the median, spread by a quarter.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from statistics import NormalDist
from typing import Any

from coinjecture_migration.evidence.histograms import FINE, Paired
from coinjecture_migration.runtime.timing import Spent

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.bounds import ranks
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.performance import (
    BEYOND_DOUBT,
    QUANTILES,
)

MEDIAN, SPREAD = 150e-6, 0.25
BLOCKS = [MEDIAN * math.exp(SPREAD * NormalDist().inv_cdf((k + 0.5) / 100)) for k in range(100)]
"""What a block costs the Python engine at full frequency: a hundred equally frequent costs, in seconds."""
COURSES = 100
"""Ways in which a soak's time is shared out among the states of a machine."""

Noise = Callable[[float], float]
"""What the machine adds, in seconds, for a share from 0 to 1 of all judgements: its quantile function."""


def hits(often: float, size: Noise) -> Noise:
    """An addition to so many of all judgements, its size by its own quantile function; none to the others."""
    return lambda share: 0.0 if share < 1 - often else size((share - 1 + often) / often)


def exponential(mean: float) -> Noise:
    """Many small additions, few large ones."""
    return lambda share: -mean * math.log(max(1 - share, 1e-9))


def heavy(least: float, power: float) -> Noise:
    """A tail without end: a hundred times as large is not impossible."""
    return lambda share: float(least * max(1 - share, 1e-9) ** (-1 / power))


@dataclass(frozen=True)
class State:
    """What a machine does for a while: `slowdown` of the processor, what it adds, how much of the time."""

    slowdown: float
    noise: Noise
    weight: float = 1.0


@dataclass(frozen=True)
class Machine:
    """A machine that changes between states, which both engines meet alike."""

    name: str
    states: tuple[State, ...]
    _known: dict[float, list[tuple[list[int], list[float]]]] = field(default_factory=dict, repr=False)

    def duration(self, state: State, cost: float, chance: random.Random) -> float:
        """One judgement of a block of a random cost, times `cost`."""
        return cost * chance.choice(BLOCKS) * state.slowdown + state.noise(chance.random())

    def courses(self, cost: float) -> list[tuple[list[int], list[float]]]:
        """For each course a soak can take: buckets, and the share of durations up to each of them."""
        if cost not in self._known:
            parts = [_shares(state, cost) for state in self.states]
            buckets = sorted({bucket for part in parts for bucket in part})
            chance = random.Random(11)
            self._known[cost] = [
                (buckets, _mixed(parts, buckets, _weights(self.states, chance))) for _ in range(COURSES)
            ]
        return self._known[cost]


QUIET = Machine("quiet", (State(1.0, hits(0.002, exponential(50e-6))),))
NOISY = Machine("noisy", (State(1.0, hits(0.05, heavy(60e-6, 1.2))),))
MINING = Machine(
    "one core with a miner",
    (
        State(1.3, hits(0.3, exponential(120e-6)), 2.0),
        State(1.6, hits(0.6, heavy(100e-6, 1.5)), 1.0),
    ),
)
STEPPING = Machine(
    "frequency steps",
    tuple(State(slowdown, hits(0.01, exponential(80e-6))) for slowdown in (1.0, 1.5, 2.5)),
)
MACHINES = (QUIET, NOISY, MINING, STEPPING)


def measured(pairs: int, legacy: float = 150e-6, rust: float = 50e-6, spread: float = 0.5) -> dict[str, Any]:
    """Durations as the evidence holds them: so many pairs, spread evenly around these seconds."""
    found = Paired(FINE)
    for place in range(pairs):
        factor = 1 + spread * ((place + 0.5) / pairs - 0.5)
        found.add(*(Spent(wall=2 * one * factor, cpu=one * factor) for one in (legacy, rust)))
    return found.as_json()


def walked(machine: Machine, cost: float, pairs: int, chance: random.Random) -> dict[str, Any]:
    """A soak pair by pair: states last a while, and each pair meets one."""
    found, state = Paired(FINE), machine.states[0]
    for _ in range(pairs):
        if chance.random() < 0.01:
            state = chance.choice(machine.states)
        legacy, rust = (machine.duration(state, one, chance) for one in (1.0, cost))
        found.add(Spent(legacy, legacy), Spent(rust, rust))
    return {"cpu": found.as_json()["cpu"]}


def drawn(machine: Machine, cost: float, pairs: int, chance: random.Random) -> dict[str, Any]:
    """A soak of so many pairs, of which only those durations are drawn that the verdict looks at.

    They are order statistics, so they can be drawn as such: their places among all durations are distributed
    as sums of exponential waits. That is exact, and ten thousand soaks take seconds.
    """
    course = chance.randrange(COURSES)
    engines = {"legacy": machine.courses(1.0)[course], "rust": machine.courses(cost)[course]}
    return {
        "cpu": {name: _histogram(_looked_at(pairs), *one, pairs, chance) for name, one in engines.items()}
    }


def _looked_at(pairs: int) -> list[int]:
    found = {math.ceil(share * pairs) for _, share, _ in QUANTILES}
    for _, share, _ in QUANTILES:
        for confidence in (0.95, BEYOND_DOUBT):
            found |= {rank for rank in ranks(share, pairs, 1 - (1 - confidence) / 2) if rank is not None}
    return sorted(found)


def _histogram(
    places: Sequence[int], buckets: list[int], below: list[float], pairs: int, chance: random.Random
) -> dict[str, Any]:
    """A histogram that has at each of these places what a random one has, and nothing else."""
    waits = [chance.gammavariate(b - a, 1.0) for a, b in zip((0, *places), (*places, pairs + 1), strict=True)]
    total, passed, before, counts = sum(waits), 0.0, 0, dict[str, int]()
    for place, wait in zip(places, waits, strict=False):
        passed += wait
        bucket = str(buckets[min(bisect_left(below, passed / total), len(buckets) - 1)])
        counts[bucket] = counts.get(bucket, 0) + place - before
        before = place
    counts[bucket] += pairs - before
    return {"per_decade": FINE, "counts": counts, "sum": 0.0, "count": pairs}


def _shares(state: State, cost: float) -> dict[int, float]:
    """How often a duration falls into each bucket, over all costs of blocks and all of what is added."""
    noises, found = [state.noise((k + 0.5) / 2000) for k in range(2000)], dict[int, float]()
    silent = sum(1 for noise in noises if noise == 0.0)
    weighed = [(0.0, silent), *((noise, 1) for noise in noises if noise)]
    for block in BLOCKS:
        for noise, weight in weighed:
            bucket = math.ceil(math.log10((cost * block * state.slowdown + noise) * 1e9) * FINE)
            found[bucket] = found.get(bucket, 0.0) + weight / (2000 * len(BLOCKS))
    return found


def _weights(states: Sequence[State], chance: random.Random) -> list[float]:
    parts = [chance.gammavariate(3.0 * state.weight, 1.0) for state in states]
    return [part / sum(parts) for part in parts]


def _mixed(parts: list[dict[int, float]], buckets: list[int], weights: list[float]) -> list[float]:
    shares = (
        sum(w * part.get(bucket, 0.0) for w, part in zip(weights, parts, strict=True)) for bucket in buckets
    )
    return list(accumulate(shares))
