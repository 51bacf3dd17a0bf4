"""What a real wrapper tells has every key that the gate's fixtures have: none of them is made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from coinjecture_migration.vocabulary import MODES

from tests.gate.asked import a_healthy_node
from tests.gate.healthy import a_self_check, a_sentinel, a_status
from tests.gate.machines import measured
from tests.wrapper.conftest import Place, genesis_block
from tests.wrapper.test_control import ask
from tests.wrapper.test_watching import Watched

BY_NAME = (
    "rejected", "rejects_compared", "skipped", "divergence_kinds", "peers", "counts", "heights",
)  # fmt: skip
"""Maps from a name that somebody chose, or from a number, to a value."""
REJECTED = {"malformed": 3}


def places(value: Any, path: str = "") -> Iterator[str]:
    """The path of every key; names of a map of names and places in a list are a star."""
    if isinstance(value, dict):
        free = path.rpartition(".")[2] in BY_NAME
        for key, inner in value.items():
            own = f"{path}.{'*' if free else key}".removeprefix(".")
            if not free:
                yield own
            yield from places(inner, own)
    elif isinstance(value, list):
        for inner in value:
            yield from places(inner, f"{path}.*")


@pytest.fixture
def told(place: Place) -> set[str]:
    """Every key that a node tells over its socket: watched, in rust after a restart, and then in final."""
    watched = Watched(place, "rust")
    assert place.judge(watched.wrapper, genesis_block() | {"block_hash": "nonsense"}) != "accept"
    watched.sentinel().look()
    watched.self_check().run()
    found = set(places(ask(place, op="status")["result"]))
    watched.wrapper.set_mode("final", who="eve", why="phase 3")
    return found | set(places(ask(place, op="status")["result"]))


@pytest.mark.parametrize("mode", MODES)
def test_given_a_fixture_of_a_healthy_node_then_a_real_one_tells_every_key_of_it(
    told: set[str], mode: str
) -> None:
    status = a_status("node1", mode, 1.7e9, 50.0, 400, REJECTED)
    status["evidence"]["sentinel"] = a_sentinel(1.7e9)
    status["evidence"]["determinism"] = a_self_check(1.7e9, measured(400))
    assert set(places(status)) - told == set()
    of_the_gate = set(places({**a_healthy_node(mode), "chain": None})) - {"chain"}  # asked over the API
    assert of_the_gate - told == set()


def test_given_a_key_that_nobody_writes_then_it_is_found(told: set[str]) -> None:
    status = a_status("node1", "shadow", 1.7e9, 50.0, 400, REJECTED)
    status["evidence"]["gate_answer"] = "proven"
    assert set(places(status)) - told == {"evidence.gate_answer"}
