"""The final account finds what is lost, doubled or forked."""

from __future__ import annotations

from testnet.rehearsal import audit
from testnet.rehearsal.chain import ChainStory


def story(
    *,
    transactions: dict[str, list[int]] | None = None,
    height: int = 20,
    stored: str = "",
    reorgs: tuple[int, ...] = (),
) -> ChainStory:
    best = {number: f"block{number}" for number in range(height + 1)}
    return ChainStory(
        stored=frozenset({*best.values(), *stored.split()}),
        best=best,
        transactions=transactions or {},
        reorgs=list(reorgs),
    )


def test_a_transaction_six_deep_on_both_nodes_is_confirmed() -> None:
    both = [story(transactions={"t": [14]}), story(transactions={"t": [14]})]
    assert audit.account_transactions(["t"], both) == {
        "acknowledged": 1,
        "confirmed": 1,
        "lost": 0,
        "duplicated": 0,
    }


def test_a_transaction_five_deep_on_one_node_is_not_confirmed_yet() -> None:
    assert audit.unconfirmed(["t"], [story(transactions={"t": [14]}), story(transactions={"t": [15]})]) == {
        "t"
    }


def test_a_transaction_in_no_best_chain_is_lost() -> None:
    assert audit.account_transactions(["t"], [story(), story()])["lost"] == 1


def test_a_transaction_twice_in_one_chain_is_duplicated() -> None:
    both = [story(transactions={"t": [3, 9]}), story(transactions={"t": [3]})]
    assert audit.account_transactions(["t"], both)["duplicated"] == 1


def test_a_block_that_lost_a_reorg_is_stored_and_so_not_lost() -> None:
    assert audit.lost_blocks(["orphan"], [story(stored="orphan"), story()]) == set()


def test_a_block_that_was_reported_and_is_stored_nowhere_is_lost() -> None:
    assert audit.lost_blocks(["gone", "block3"], [story(), story()]) == {"gone"}


def test_nodes_that_report_different_hashes_or_heights_are_forked_there() -> None:
    chains = {"node1": {0: "g", 1: "a", 2: "b"}, "node2": {0: "g", 1: "x"}}
    assert audit.forked_heights(chains) == {1, 2}
    assert audit.forked_heights({"node1": chains["node1"], "node2": chains["node1"]}) == set()


def test_reorgs_are_counted_over_all_nodes() -> None:
    assert audit.account_reorgs([story(reorgs=(1, 3)), story()]) == {"count": 2, "deepest": 3}
