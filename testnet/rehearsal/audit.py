"""The final account: nothing accepted is lost, and the nodes agree. Pure functions of what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from testnet.rehearsal.chain import ChainStory

FINAL_DEPTH = 6  # blocks on top of a transaction before it counts as confirmed


def unconfirmed(acknowledged: Iterable[str], stories: Sequence[ChainStory]) -> set[str]:
    """Transactions that are not yet `FINAL_DEPTH` deep on every node."""
    return {
        tx_id
        for tx_id in acknowledged
        if not all(
            tx_id in story.transactions and story.height - story.transactions[tx_id][0] >= FINAL_DEPTH
            for story in stories
        )
    }


def account_transactions(acknowledged: Iterable[str], stories: Sequence[ChainStory]) -> dict[str, int]:
    """The summary's `transactions`: lost is in no node's best chain, duplicated is twice in one."""
    ids = set(acknowledged)
    return {
        "acknowledged": len(ids),
        "confirmed": len(ids - unconfirmed(ids, stories)),
        "lost": sum(all(tx_id not in story.transactions for story in stories) for tx_id in ids),
        "duplicated": sum(
            any(len(story.transactions.get(tx_id, [])) > 1 for story in stories) for tx_id in ids
        ),
    }


def lost_blocks(reported: Iterable[str], stories: Sequence[ChainStory]) -> set[str]:
    """Blocks that a node reported as its own to a client and that no node stores."""
    stored = frozenset[str]().union(
        *(story.stored for story in stories), *(story.best.values() for story in stories)
    )
    return set(reported) - stored


def forked_heights(chains: Mapping[str, Mapping[int, str]]) -> set[int]:
    """Heights at which the nodes report different hashes; a height that one lacks is one too."""
    heights = set[int]().union(*chains.values())
    return {height for height in heights if len({chain.get(height) for chain in chains.values()}) > 1}


def account_reorgs(stories: Iterable[ChainStory]) -> dict[str, int]:
    """The summary's `reorgs`, over all nodes."""
    depths = [depth for story in stories for depth in story.reorgs]
    return {"count": len(depths), "deepest": max(depths, default=0)}
