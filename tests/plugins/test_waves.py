"""Waves of nodes, cut as Ansible's serial cuts them, and how long a play waits for the gate."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.waiting import (
    LONGEST,
    SHORTEST,
    next_look,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.waves import before, waves
from tests.gate.test_filter import filters

TEN = [f"node{number}" for number in range(1, 11)]


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        (1, [1] * 10),
        ("1", [1] * 10),
        ([1, "25%"], [1, 2, 2, 2, 2, 1]),
        ([1, "30%", "100%"], [1, 3, 6]),
        (["5%"], [1] * 10),
        (["100%"], [10]),
        ([3, 20], [3, 7]),
    ],
)
def test_given_sizes_then_the_nodes_are_cut_in_order_and_none_is_lost(sizes: Any, lengths: list[int]) -> None:
    cut = waves(TEN, sizes)
    assert [len(wave) for wave in cut] == lengths
    assert list(itertools.chain(*cut)) == TEN


@pytest.mark.parametrize("sizes", [0, -1, "0%", "101%", "half", "", [], [1, 0], True, 1.5, None])
def test_given_no_size_then_it_is_refused(sizes: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        waves(TEN, sizes)


def test_given_a_node_then_what_has_to_be_done_before_is_every_earlier_wave() -> None:
    assert before("node1", TEN, [1, 2]) == []
    assert before("node2", TEN, [1, 2]) == before("node3", TEN, [1, 2]) == ["node1"]
    assert before("node4", TEN, [1, 2]) == ["node1", "node2", "node3"]
    with pytest.raises(ValueError, match="no node"):
        before("node0", TEN, 1)


def test_given_a_long_wait_then_it_asks_soon_at_first_and_every_quarter_of_an_hour_at_last() -> None:
    assert next_look(0, 1e6, None, 0) == SHORTEST
    assert next_look(0, 1e6, None, 6000) == 300
    assert next_look(0, 1e6, None, 5e5) == LONGEST


def test_given_a_time_that_the_gate_named_then_it_asks_no_later() -> None:
    assert next_look(0, 1e6, 6010, 6000) == 10
    assert next_look(0, 1e6, 5000, 6000) == 1, "it is over and the gate waits still: not at once again"


def test_given_the_deadline_then_it_waits_no_longer_than_that_and_gives_up() -> None:
    assert next_look(0, 6005, None, 6000) == 5
    assert next_look(0, 6000, None, 6000) is None
    assert next_look(0, 6000, 6001, 6001) is None


def test_given_a_group_of_the_operators_with_a_name_like_a_wave_then_it_is_none() -> None:
    wave_of, wave_lengths = filters()["wave_of"], filters()["wave_lengths"]
    order = ["node1", "node2", "node3"]
    groups: dict[str, list[str]] = {"nodes": order, "wave_0": order, "wave_0001": ["node3"]}
    for node in order:
        groups.setdefault(wave_of(node, order, [1, 2]), []).append(node)
    assert wave_lengths(groups, order) == [1, 2]
