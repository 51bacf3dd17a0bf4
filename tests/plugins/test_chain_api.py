"""Health of the chain, against nodes that advance, stall, fork, hide or answer garbage."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import chain_api
from ansible_collections.coinjecture.migration.plugins.module_utils.api_shape import ApiShape, ShapeError
from ansible_collections.coinjecture.migration.plugins.module_utils.chain_api import (
    ApiError,
    Expectations,
    check,
    roots,
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


FORM_B = {
    "peers": "/v1/network/peers",
    "height": "data.index",
    "hash": "data.block_hash",
    "depth": "",
    "content": "data",
    "time": "data.timestamp",
    "peer_count": "data.count",
}


def a_consensus_service(url: str) -> Any:
    """A chain of 12 blocks as the API of a consensus service tells it."""
    path = url.removeprefix("http://b")
    if path == "/v1/network/peers":
        return {"status": "success", "data": {"count": 3}}
    height = 12 if path.endswith("latest") else int(path.rsplit("/", 1)[1])
    return {"status": "success", "data": {"index": height, "block_hash": f"h{height}", "timestamp": 7.5}}


def test_given_an_api_of_another_shape_that_is_stated_then_its_chain_is_read() -> None:
    shape = ApiShape.of(FORM_B)
    problems, seen = check({"b": "http://b"}, Expectations(0, 2, 1, 0), a_consensus_service, shape=shape)
    assert problems == []
    assert seen["heights"] == {"b": 12}
    assert seen["newest"] == {"b": 7.5}
    assert seen["peers"] == {"b": 3}
    assert (seen["agreed_height"], seen["agreed_hash"]) == (10, "h10")


def test_given_an_api_of_another_shape_that_is_not_stated_then_url_and_key_are_named() -> None:
    problems, _ = check({"b": "http://b"}, Expectations(0, 2, 1, 0), a_consensus_service)
    assert problems == [
        "b does not answer: b answered something that is not a block: http://b/v1/data/block/latest answers "
        "without 'height', which coinjecture_api_shape has as height: the answer has 'data', 'status'"
    ]


def test_given_a_key_that_ends_halfway_then_it_is_said_where() -> None:
    shape = ApiShape.of(FORM_B | {"hash": "data.block.hash"})
    problems, _ = check({"b": "http://b"}, Expectations(0, 2, 1, 0), a_consensus_service, shape=shape)
    assert "without 'data.block.hash'" in problems[0]
    assert "data there has 'block_hash', 'index', 'timestamp'" in problems[0]


def test_given_a_node_that_tells_no_peers_then_none_are_asked_for_and_the_rest_is_checked() -> None:
    shape = ApiShape.of(FORM_B | {"peers": ""})
    problems, seen = check({"b": "http://b"}, Expectations(0, 2, 1, 0), a_consensus_service, shape=shape)
    assert (problems, seen["peers"], seen["agreed_height"]) == ([], {}, 10)


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"newest": "/latest"}, "unknown key 'newest'; known are health, latest"),
        ({"block": "/v1/block"}, "block is '/v1/block', must be a path with {height}"),
        ({"latest": "v1/latest"}, "must be a path that begins with /"),
        ({"hash": ""}, "hash is '', must be given"),
        ({"hash": 7}, "hash is 7, must be a text"),
    ],
)
def test_given_a_shape_that_cannot_be_followed_then_the_key_is_named(stated: Any, why: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(why)):
        ApiShape.of(stated)


def chains_that_begin_at(**first: int) -> chain_api.Fetch:
    """Nodes that show no block below a height, and the same blocks above."""

    def fetch(url: str) -> object:
        name, _, path = url.removeprefix("http://").partition("/")
        height = 2000 if path.endswith("latest") else int(path.rsplit("/", 1)[1])
        if height < first[name]:
            raise ApiError(f"{url}: HTTP Error 404: NOT FOUND")
        return {"height": height, "hash": f"hash-{height}"}

    return fetch


def test_given_nodes_that_begin_at_the_same_block_then_they_have_one_root() -> None:
    urls = {"a": "http://a", "b": "http://b"}
    for height in (0, 1234):
        problems, found = roots(urls, chains_that_begin_at(a=height, b=height))
        assert (problems, found["a"]) == ([], {"height": height, "hash": f"hash-{height}"})


def test_given_a_node_that_took_a_later_block_for_its_genesis_then_both_roots_are_named() -> None:
    urls = {"a": "http://a", "b": "http://b"}
    (problem,), _ = roots(urls, chains_that_begin_at(a=0, b=1234))
    assert "different roots: a at height 0 (hash-0), b at height 1234 (hash-1234)" in problem


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
