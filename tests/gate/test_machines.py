"""The verdict on speed is about the engine, and no machine changes it."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import durations
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.performance import judge
from tests.gate.machines import MACHINES, Machine, drawn, walked

SOAKS = 10_000
SLOW_SOAKS = 1_000

LOCAL, REAL, PLENTY = 1_000, 10_000, 20_000
"""`min_latency_pairs` of the local network, of a real one, and what tells five percent on every machine."""

machines = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


def verdicts(machine: Machine, cost: float, pairs: int, soaks: int) -> Counter[str]:
    """What the gate says of an engine that costs so many times what legacy does, soak after soak."""
    chance, found = random.Random(f"{machine.name} {cost} {pairs}"), Counter[str]()
    for _ in range(soaks):
        soak = durations.read(drawn(machine, cost, pairs, chance), "a soak")
        found[judge(None, soak, 1.0, 0.95, pairs).state] += 1
    return found


@machines
def test_given_an_engine_three_times_as_fast_then_it_passes_on_every_machine_always(machine: Machine) -> None:
    found = verdicts(machine, 1 / 3, LOCAL, SOAKS)
    assert found["slower"] < SOAKS / 1_000, "false refusals"
    assert found["met"] > SOAKS * 0.999, found


@machines
@pytest.mark.parametrize(("cost", "pairs"), [(1.05, PLENTY), (1.2, 2 * LOCAL), (2.0, LOCAL)])
def test_given_an_engine_that_is_slower_then_it_is_refused_on_every_machine(
    machine: Machine, cost: float, pairs: int
) -> None:
    found = verdicts(machine, cost, pairs, SLOW_SOAKS)
    assert found["slower"] > 0.95 * SLOW_SOAKS, found
    assert found["met"] == 0


@machines
@pytest.mark.parametrize("pairs", [LOCAL, REAL])
def test_given_an_engine_five_percent_slower_then_no_number_of_pairs_lets_it_pass(
    machine: Machine, pairs: int
) -> None:
    found = verdicts(machine, 1.05, pairs, SLOW_SOAKS)
    assert found["met"] < 0.05 * SLOW_SOAKS, found


@machines
def test_given_an_engine_as_fast_as_legacy_then_it_is_not_refused(machine: Machine) -> None:
    assert verdicts(machine, 1.0, REAL, SLOW_SOAKS)["slower"] <= SLOW_SOAKS / 500


@machines
def test_given_soaks_pair_by_pair_on_machines_that_keep_their_state_for_a_while_then_it_is_the_same(
    machine: Machine,
) -> None:
    chance = random.Random(3)
    for cost, expected in ((1 / 3, "met"), (2.0, "slower")):
        for _ in range(20):
            soak = durations.read(walked(machine, cost, LOCAL, chance), "a soak")
            assert judge(None, soak, 1.0, 0.95, LOCAL).state == expected
