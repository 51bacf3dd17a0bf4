"""Health of the chain, against nodes that advance, stall, fork, hide or answer garbage."""

from __future__ import annotations

from typing import Any

import pytest
from chain_api import ApiError, Expectations, check

WANTED = Expectations(advance=1, lag=2, min_peers=1, timeout=10)


class Network:
    """Nodes behind an API, and a clock that a pause moves on by a second."""

    def __init__(self, **nodes: dict[str, Any]) -> None:
        self.nodes = nodes
        self.time = 0.0

    def fetch(self, url: str) -> Any:
        name, _, path = url.removeprefix("http://").partition("/")
        node = self.nodes[name]
        if node.get("down"):
            raise ApiError("connection refused")
        height = node["height"] + int(self.time * node.get("pace", 1))
        if path == "v1/peers":
            return node.get("peers", {"peers": [{"connected": True}]})
        asked = height if path.endswith("latest") else int(path.rsplit("/", 1)[1])
        return node.get("answer", {"hash": f"{node.get('chain', 'main')}-{asked}", "height": asked})

    def pause(self, _: float) -> None:
        self.time += 1

    def check(self, wanted: Expectations = WANTED) -> tuple[list[str], dict[str, Any]]:
        targets = {name: f"http://{name}" for name in self.nodes}
        return check(targets, wanted, self.fetch, lambda: self.time, self.pause)


def test_given_two_nodes_that_advance_then_they_are_healthy_and_agree() -> None:
    problems, seen = Network(node1={"height": 10}, node2={"height": 9}).check()
    assert problems == []
    assert seen["agreed_height"] == 8
    assert seen["agreed_hash"] == "main-8"
    assert seen["peers"] == {"node1": 1, "node2": 1}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"pace": 0}, "node2 has gained 0 blocks since height 9"),
        ({"chain": "fork"}, "different blocks at height"),
        ({"down": True}, "node2 does not answer"),
        ({"peers": {"peers": []}}, "node2 has 0 peers"),
        ({"peers": {"peers": [{"connected": False}]}}, "node2 has 0 peers"),
        ({"peers": {"none": 1}}, "not a list of peers"),
        ({"answer": {"error": "no"}}, "not a block"),
        ({"answer": []}, "not a block"),
        ({"answer": {"hash": "x", "height": None}}, "height None"),
        ({"answer": {"hash": "x", "height": True}}, "height True"),
    ],
)
def test_given_a_node_that_is_not_well_then_it_is_named(bad: dict[str, Any], reason: str) -> None:
    problems, _ = Network(node1={"height": 10}, node2={"height": 9} | bad).check()
    assert any(reason in line for line in problems), problems


def test_given_a_fork_that_heals_while_we_watch_then_it_is_healthy() -> None:
    network = Network(node1={"height": 10}, node2={"height": 10, "chain": "fork"})

    def pause(_: float) -> None:
        network.time += 1
        if network.time > 4:
            network.nodes["node2"]["chain"] = "main"

    network.pause = pause  # type: ignore[method-assign]
    assert network.check()[0] == []


def test_given_a_short_chain_then_genesis_is_compared() -> None:
    problems, seen = Network(node1={"height": 0}, node2={"height": 0}).check()
    assert problems == []
    assert seen["agreed_height"] == 0
