"""Two nodes on loopback, as processes: they mine, fork, agree, and survive kills, garbage and bad blocks."""

import json
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from .support import GENESIS, NodeProcess, gossip, wait_until, write_raw

DEEP = 2
BEYOND_REORGS = 12  # deeper than two busy nodes reorganise; a network calls twice as deep final
ACKNOWLEDGED: list[str] = []  # every transaction that a node has acknowledged, for the account at the end


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    folder = tmp_path_factory.mktemp("network")
    first, second = NodeProcess(folder, "first"), NodeProcess(folder, "second")
    first.configure(peers=[second])
    second.configure(peers=[first])
    for node in (first, second):
        node.start()
    yield first, second
    for node in (first, second):
        if node.process and node.process.poll() is None:
            node.end()


def agree(first: NodeProcess, second: NodeProcess, height: int) -> bool:
    """Whether both have a block at a height, and the same one."""
    hashes = []
    for node in (first, second):
        status, block = node.request(f"/v1/data/block/{height}")
        hashes.append(block["hash"] if status == 200 else None)
    return hashes[0] is not None and hashes[0] == hashes[1]


def wait_for_growth(first: NodeProcess, second: NodeProcess, blocks: int) -> int:
    """Wait until both have grown and agree a few blocks below; returns that height."""
    height = max(first.height, second.height) + blocks
    wait_until(lambda: min(first.height, second.height) >= height + DEEP, f"both pass height {height}")
    wait_until(lambda: agree(first, second, height), f"both agree on height {height}")
    return height


def transactions_in_chain(node: NodeProcess) -> list[str]:
    return [tx["id"] for answer in node.best_chain() for tx in answer["block"]["transactions"]]


def submit(node: NodeProcess, tx_id: str) -> None:
    assert node.request("/v1/transactions", {"id": tx_id, "payload": {"of": tx_id}})[0] == 201
    ACKNOWLEDGED.append(tx_id)


def mined(node: NodeProcess, tx_id: str, depth: int = 0) -> bool:
    status, answer = node.request(f"/v1/transactions/{tx_id}")
    return status == 200 and answer["status"] == "mined" and answer["depth"] >= depth


def test_nodes_that_both_mine_grow_one_chain(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    first, second = nodes
    height = wait_for_growth(first, second, 4)
    miners = {node.name for node in nodes if node.health()["blocks"]["accepted"] > 0}
    assert miners == {"first", "second"}
    assert all(agree(first, second, below) for below in range(height + 1))
    for node, other in (nodes, nodes[::-1]):
        peers = {peer["peer_id"]: peer for peer in node.get("/v1/peers")["peers"]}
        assert peers[other.peer_id] == {"peer_id": other.peer_id, "configured": True, "connected": True}


def test_natural_forks_happen_and_resolve(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    first, second = nodes
    wait_until(
        lambda: sum(node.health()["reorgs"]["count"] for node in nodes) >= 1, "a reorg on one of the nodes"
    )
    wait_for_growth(first, second, 1)


def test_a_block_is_found_by_height_and_hash_and_says_where_it_stands(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    first, _ = nodes
    genesis = first.get("/v1/data/block/0")
    assert genesis["block"] == GENESIS["block"]
    by_height = first.get("/v1/data/block/1")
    by_hash = first.get(f"/v1/data/block/hash/{by_height['hash']}")
    assert by_hash["block"] == by_height["block"]
    assert by_height["on_best_chain"] and by_height["height"] == 1 and by_height["received_at"] > 0
    assert first.get("/v1/data/block/latest")["height"] >= 1
    assert first.request("/v1/data/block/1000000")[0] == 404
    assert first.request("/v1/data/block/hash/nowhere")[0] == 404


def test_a_transaction_is_mined_by_the_node_that_acknowledged_it_and_seen_on_both(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    sent = {f"{node.name}-{number}": node for node in nodes for number in range(5)}
    for tx_id, node in sent.items():
        submit(node, tx_id)
    for tx_id in sent:
        for node in nodes:
            wait_until(partial(mined, node, tx_id), f"{node.name} has {tx_id} in its chain")


def test_a_transaction_sent_again_is_the_same_and_nonsense_is_refused(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    first, _ = nodes
    body = {"id": "again", "payload": 1}
    assert first.request("/v1/transactions", body)[1]["new"] is True
    ACKNOWLEDGED.append("again")
    assert first.request("/v1/transactions", body) == (
        200,
        {"id": "again", "status": "acknowledged", "new": False},
    )
    for refused, status, code in (
        ({"id": "again", "payload": 2}, 409, "id_taken"),
        ({"id": "with space", "payload": 1}, 400, "bad_id"),
        ({"payload": 1, "other": 2}, 400, "no_transaction"),
        (b"{", 400, "no_json"),
        (b'{"payload": NaN}', 400, "no_json"),
    ):
        got, answer = first.request("/v1/transactions", refused)
        assert (got, answer["error"]["code"]) == (status, code)
    assert first.request("/v1/transactions/never-seen")[0] == 404


def rests(node: NodeProcess) -> bool:
    return not node.health()["mining"]


def broken_blocks(valid: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Blocks that break one rule each, by the reason they are to be rejected for."""
    return {
        "unknown_parent": valid | {"previous_hash": "f" * 64},
        "bad_height": valid | {"index": valid["index"] + 7},
        "bad_timestamp": valid | {"timestamp": 1.0},
        "missing_proof": valid | {"solution": []},
        "bad_merkle_root": valid | {"merkle_root": "short"},
        "missing_complexity": valid | {"complexity": {}},
        "no_work": valid | {"complexity": valid["complexity"] | {"measured_solve_time": -1.0}},
        "bad_block_hash": valid | {"block_hash": "0" * 64},
        "malformed": {field: value for field, value in valid.items() if field != "block_hash"},
    }


def test_bad_blocks_are_rejected_by_reason_and_text_that_is_no_block_reaches_no_engine(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    first, second = nodes
    process = first.health()["pid"]
    bad = broken_blocks(first.get("/v1/data/block/1")["block"])
    texts = [b"", b"\xff\xfe", b"[]", b"nonsense", b"[" * 100_000, json.dumps({"index": 1}).encode()]
    messages = [*texts, *(json.dumps(block).encode() for block in bad.values())]
    gossip(first.address, messages, lambda: set(bad) <= set(first.health()["blocks"]["rejected"]))
    assert first.health()["pid"] == process
    assert set(second.health()["blocks"]["rejected"]) <= {"unknown_parent"}, "a rejected block travelled on"
    wait_for_growth(first, second, 1)


GARBAGE = {
    "pubsub, no message": ("/meshsub/1.1.0", b"\x7f" + b"\xde\xad\xbe\xef" * 64),
    "pubsub, endless length": ("/meshsub/1.1.0", b"\xff" * 64),
    "pubsub, huge length": ("/meshsub/1.1.0", b"\xff\xff\xff\x7f" + b"x" * 70_000),
    "catch-up, huge length": ("/coinjecture/blocks/1.0.0", b"\xff\xff\xff\xff"),
    "catch-up, no list": ("/coinjecture/blocks/1.0.0", b"\x00\x00\x00\x02{}"),
    "catch-up, no JSON": ("/coinjecture/blocks/1.0.0", b"\x00\x00\x00\x05[[[[["),
}


def test_garbage_on_a_stream_costs_the_peer_its_connection_and_nothing_else(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    first, second = nodes
    process = first.health()["pid"]
    for kind, (protocol, data) in GARBAGE.items():
        write_raw(first.address, protocol, data)
        assert first.health()["pid"] == process, kind
        assert "the libp2p host ended" not in first.log.read_text(), kind
    wait_for_growth(first, second, 1)


def test_a_killed_node_keeps_what_it_acknowledged_and_catches_up(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    first, second = nodes
    accepted = [answer["hash"] for answer in second.best_chain()]
    acknowledged = [f"before-the-kill-{number}" for number in range(3)]
    for tx_id in acknowledged:
        submit(second, tx_id)
    second.end(signal.SIGKILL)
    missed = first.height + 2
    wait_until(lambda: first.height >= missed, "the other node mines on")
    # The killed node dials nobody now: the other one has to find it again, after dials that failed.
    wait_until(lambda: first.log.read_text().count("cannot be reached") >= 2, "dials that fail")
    second.configure(peers=[])
    second.start()
    wait_for_growth(first, second, 2)
    assert all(second.request(f"/v1/data/block/hash/{block_hash}")[0] == 200 for block_hash in accepted)
    for tx_id in acknowledged:
        wait_until(partial(mined, first, tx_id), f"{tx_id} is in the chain of the node that was not killed")


def test_after_a_reload_without_mining_both_rest_on_one_tip_with_every_transaction_once(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    first, second = nodes
    for tx_id in ACKNOWLEDGED:
        for node in nodes:
            wait_until(
                partial(mined, node, tx_id, BEYOND_REORGS), f"{node.name} has {tx_id} deep in its chain"
            )
    first.configure(mining=False, peers=[second])
    second.configure(mining=False, peers=[first])
    for node in nodes:
        node.send(signal.SIGHUP)
        wait_until(partial(rests, node), f"{node.name} has stopped mining")
    wait_until(lambda: first.health()["tip"] == second.health()["tip"], "one tip")
    for node in nodes:
        carried = transactions_in_chain(node)
        assert [carried.count(tx_id) for tx_id in ACKNOWLEDGED] == [1] * len(ACKNOWLEDGED)


def test_sigterm_ends_the_process_at_once_and_what_was_accepted_is_there_after_the_start(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    first, _ = nodes
    before = first.health()
    assert first.end(signal.SIGTERM) == -signal.SIGTERM, "the process has handled the signal"
    first.start()
    after = first.health()
    assert (after["tip"], after["height"]) == (before["tip"], before["height"])
    assert after["cumulative_work"] == before["cumulative_work"]
