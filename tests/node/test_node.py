"""A node without a network: what it does with blocks, transactions and failures."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from testnet.node.src import node as node_module
from testnet.node.src.consensus import HeaderValidationError
from testnet.node.src.node import Node, read_block
from testnet.node.src.pow import Miner, Template, calculate_block_hash
from testnet.node.src.settings import read_settings

from .support import GENESIS, NODE


def config(folder: Path) -> Path:
    path = folder / "node.json"
    settings = {
        "network_id": GENESIS["network_id"],
        "genesis": str(NODE / "genesis.json"),
        "data_dir": str(folder),
        "consensus": {"max_headers_per_second": 0},
        "api": {"host": "127.0.0.1", "port": 0},
        "p2p": {"host": "127.0.0.1", "port": 0},
        "mining": {"enabled": False},
    }
    path.write_text(json.dumps(settings))
    return path


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(read_settings(config(tmp_path)))


@pytest.fixture(autouse=True)
def _small_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testnet.node.src.pow.SOLVER_CELLS", 20_000)


def mine(node: Node, template: Template | None = None, *, work: float | None = None) -> dict[str, Any]:
    """Mine a block; `work` sets the solving time it claims, to make it lighter or heavier."""
    block = Miner(node.registry, "tester", "mobile").mine(template or node.template())
    if work is not None:
        block["complexity"]["measured_solve_time"] = work
        block["complexity"]["measured_verify_time"] = 1.0
    return block


def give(node: Node, block: dict[str, Any]) -> str:
    return node.receive_block(json.dumps(block).encode())


def test_an_accepted_block_is_in_the_log_with_the_receipt_time_of_the_tree(node: Node) -> None:
    block = mine(node)
    raw = json.dumps(block).encode()
    assert node.receive_block(raw) == "accepted"
    received_at = node.engine.block_tree[block["block_hash"]].receipt_time
    assert list(node.storage.iter_blocks()) == [(raw, received_at)]
    assert node.chain.tip.block_hash == block["block_hash"]


def test_a_rejected_block_is_counted_by_reason_and_leaves_nothing(node: Node) -> None:
    assert give(node, mine(node) | {"index": 5}) == "bad_height"
    assert node.rejected == {"bad_height": 1}
    assert node.storage.count_blocks() == 0
    assert node.storage.last_tip() is None


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"1", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000])
def test_what_is_no_block_reaches_no_engine(node: Node, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node.engine, "verify_block", lambda block: pytest.fail("the engine was asked"))
    assert node.receive_block(raw) == "unreadable"
    with pytest.raises(ValueError, match=r"."):
        read_block(raw)


def test_a_restart_rebuilds_the_same_chain(node: Node) -> None:
    for _ in range(5):
        give(node, mine(node))
    again = Node(node.settings)
    assert again.chain.tip == node.chain.tip
    assert again.engine.best_tip.cumulative_work == node.engine.best_tip.cumulative_work
    assert again.engine.best_tip.receipt_time == node.engine.best_tip.receipt_time


def test_a_sum_that_is_no_number_is_rejected_and_yet_the_chain_follows_the_tip(node: Node) -> None:
    block = mine(node)
    block["complexity"]["measured_solve_time"] = float("inf")
    assert give(node, block) == "malformed"
    assert node.chain.tip.block_hash == block["block_hash"]
    assert node.storage.count_blocks() == 0


def test_blocks_a_peer_has_stored_are_judged_once(node: Node) -> None:
    raw = json.dumps(mine(node)).encode()
    assert node.catch_up_block(raw)[0] is True
    assert node.catch_up_block(raw)[0] is False
    assert node.storage.count_blocks() == 1


def test_the_same_hash_with_other_content_is_judged_again(node: Node) -> None:
    block = mine(node)
    node.catch_up_block(json.dumps(block).encode())
    other = json.dumps(block | {"offchain_cid": "x"}).encode()
    assert node.catch_up_block(other)[0] is True
    assert node.storage.count_blocks() == 2


def test_a_failure_of_the_engine_is_no_verdict_and_the_next_block_is_judged(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(block: Any) -> bool:
        raise RuntimeError("the engine broke")

    with monkeypatch.context() as patch:
        patch.setattr(node.engine, "verify_block", broken)
        assert give(node, mine(node)) == "error"
    assert node.errors == 1 and not node.rejected
    assert give(node, mine(node)) == "accepted"


def test_a_reject_that_is_no_rule_is_counted_apart(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def limited(block: Any) -> bool:
        raise HeaderValidationError("rate limit")

    monkeypatch.setattr(node.engine, "verify_block", limited)
    assert give(node, mine(node)) == "no_rule"
    assert node.rejected == {"no_rule": 1}


def test_a_failure_of_storage_stops_the_node(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(BaseException):
        pass

    def stop(status: int) -> None:
        assert status == node_module.EXIT_STORAGE_FAILED
        raise Stopped

    def full(raw: bytes, received_at: float) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("testnet.node.src.node.os._exit", stop)
    monkeypatch.setattr(node.storage, "append_block", full)
    with pytest.raises(Stopped):
        give(node, mine(node))
    assert node.storage.last_tip() is None, "the engine's writes went out without the block"


class TestTransactions:
    def carried(self, block: dict[str, Any]) -> list[str]:
        return [tx["id"] for tx in block["transactions"]]

    def submit(self, node: Node, tx_id: str) -> None:
        node.submit_transaction(tx_id, {"id": tx_id, "payload": 1})

    def test_a_transaction_is_mined_and_left_out_afterwards(self, node: Node) -> None:
        self.submit(node, "t")
        block = mine(node)
        assert self.carried(block) == ["t"]
        give(node, block)
        assert self.carried(mine(node)) == []
        entry, depth = node.transaction_status("t")  # type: ignore[misc]
        assert (entry.block_hash, depth) == (block["block_hash"], 0)

    def test_a_transaction_whose_block_loses_a_reorg_returns_and_is_mined_again(self, node: Node) -> None:
        root = node.template()
        self.submit(node, "t")
        light = mine(node, work=1.0)
        give(node, light)
        heavy = mine(node, root, work=1000.0)
        assert self.carried(heavy) == []
        give(node, heavy)
        assert (node.reorgs, node.deepest_reorg) == (1, 1)
        assert node.transaction_status("t") is True
        assert self.carried(mine(node)) == ["t"]

    def test_a_transaction_another_node_has_mined_is_known_by_its_block_and_never_mined_here(
        self, node: Node
    ) -> None:
        foreign = mine(node)
        foreign["transactions"] = [{"id": "theirs", "payload": 2}, "text", {"id": 7}, {"payload": 1}]
        give(node, foreign)
        assert isinstance(node.transaction_status("theirs"), tuple)
        self.submit(node, "theirs")
        assert self.carried(mine(node)) == []

    def test_acknowledged_transactions_wait_on_after_a_restart_and_mined_ones_do_not(
        self, node: Node
    ) -> None:
        self.submit(node, "mined")
        give(node, mine(node))
        self.submit(node, "waiting")
        assert self.carried(mine(Node(node.settings))) == ["waiting"]

    def test_a_block_carries_no_more_than_its_share(self, node: Node) -> None:
        for number in range(node_module.TRANSACTIONS_PER_BLOCK + 5):
            node.chain.add_transaction(str(number), {"id": str(number), "payload": 1})
        assert len(node.template().transactions) == node_module.TRANSACTIONS_PER_BLOCK

    @pytest.mark.parametrize("listed", [None, "text", 7, {"id": "t"}])
    def test_transactions_that_are_no_list_carry_none(self, node: Node, listed: Any) -> None:
        assert give(node, mine(node) | {"transactions": listed}) == "accepted"
        assert node.chain.tip.transaction_ids == ()


class TestCatchUp:
    def test_a_peer_gets_what_lies_above_the_fork_oldest_first(self, node: Node, tmp_path: Path) -> None:
        blocks = []
        for _ in range(40):
            block = mine(node)
            blocks.append(block)
            give(node, block)
        other_folder = tmp_path / "other"
        other_folder.mkdir()
        other = Node(read_settings(config(other_folder)))
        for block in blocks[:17]:
            give(other, block)
        give(other, mine(other, work=1.0))  # a block of its own, which the first node does not know
        missing = [json.loads(raw) for raw in node.blocks_after(other.locator(), 1000)]
        assert missing == blocks[17:]
        for block in missing:
            other.catch_up_block(json.dumps(block).encode())
        assert other.chain.tip == node.chain.tip
        assert node.blocks_after([], 3) == [json.dumps(block).encode() for block in blocks[:3]]

    def test_a_locator_stays_short_on_a_long_chain(self, node: Node) -> None:
        for _ in range(100):
            give(node, mine(node))
        assert len(node.locator()) < 20


def test_a_mined_block_has_the_form_of_the_genesis_and_its_hash_fits(node: Node) -> None:
    block = mine(node)
    assert set(block) == set(GENESIS["block"])
    assert set(block["complexity"]) == set(GENESIS["block"]["complexity"])
    assert block["block_hash"] == calculate_block_hash(block)
    work = node.engine.best_tip.cumulative_work
    give(node, block)
    assert node.engine.best_tip.cumulative_work == block["cumulative_work_score"] > work
