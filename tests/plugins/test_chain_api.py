"""Health of the chain, against nodes that advance, stall, fork, hide or answer garbage."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import chain_api
from ansible_collections.coinjecture.migration.plugins.module_utils.chain_api import (
    ApiError,
    Expectations,
    check,
)

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
        told = node.get("told", {"received_at": 50.0 + asked})
        return node.get("answer", {"hash": f"{node.get('chain', 'main')}-{asked}", "height": asked} | told)

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
    ("told", "when"),
    [
        ({"received_at": 7.5, "timestamp": 1.0}, 7.5),
        ({"timestamp": 7}, 7.0),
        ({"block": {"timestamp": 7.5}}, 7.5),
        ({}, None),
        ({"received_at": True, "timestamp": "7", "block": []}, None),
        ({"received_at": float("nan")}, None),
    ],
)
def test_given_a_newest_block_then_it_is_told_when_it_came(told: dict[str, Any], when: float | None) -> None:
    _, seen = Network(node1={"height": 10, "told": told}).check(Expectations(0, 2, 1, 0))
    assert seen["newest"] == {"node1": when}


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


def test_given_chains_that_agree_then_the_view_says_when_and_where() -> None:
    seen = chain_api.view({"a": "http://a", "b": "http://b"}, 6, 20, fetch=a_network({}), now=lambda: 5.0)
    assert (seen["at"], seen["problems"], seen["forked"]) == (5.0, [], [])
    assert (seen["agreed_height"], seen["agreed_hash"]) == (34, "h34")


def test_given_other_blocks_above_the_confirmation_depth_then_it_is_no_fork_yet() -> None:
    seen = chain_api.view({"a": "http://a", "b": "http://b"}, 6, 20, fetch=a_network({34: "x"}))
    assert len(seen["problems"]) == 1
    assert (seen["forked"], "agreed_hash" in seen) == ([], False)


def test_given_other_blocks_below_the_confirmation_depth_then_it_is_a_fork() -> None:
    seen = chain_api.view({"a": "http://a", "b": "http://b"}, 6, 20, fetch=a_network({34: "x", 20: "y"}))
    assert seen["forked"] == ["the nodes have different blocks at height 20: a h20, b y"]
    assert set(seen["forked"]) < set(seen["problems"])


def test_given_a_node_that_does_not_answer_then_the_view_says_so_and_claims_no_fork() -> None:
    seen = chain_api.view({"a": "http://a", "c": "http://c"}, 6, 20, fetch=a_network({}))
    assert "c does not answer" in seen["problems"][0]
    assert seen["forked"] == []


def a_network(of_b: dict[int, str]) -> chain_api.Fetch:
    """Two chains 40 high; `b` has other hashes at some heights, and `c` is silent."""

    def fetch(url: str) -> object:
        if url.startswith("http://c"):
            raise chain_api.ApiError(f"{url}: refused")
        if url.endswith("/v1/peers"):
            return {"peers": []}
        where = url.rsplit("/", 1)[1]
        height = 40 if where == "latest" else int(where)
        own = f"h{height}"
        return {"height": height, "hash": of_b.get(height, own) if url.startswith("http://b") else own}

    return fetch
