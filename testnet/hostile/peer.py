"""The hostile peer itself: a member of the gossip that hears real blocks and publishes broken ones."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections import Counter, deque
from typing import Any

from testnet.hostile.kinds import KINDS, Block, make
from testnet.node.src.network import GossipNetwork

log = logging.getLogger("coinjecture.hostile")

PAUSE = 0.5
"""Seconds between two blocks. Gossip carries each to every node: two a second reach each of them."""
_REMEMBERED = 256


class Eavesdropper:
    """What the network delivers to: it remembers the newest real block and has nothing to give."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Block | None = None
        self._hashes: deque[Any] = deque(maxlen=_REMEMBERED)

    @property
    def newest(self) -> Block | None:
        """The newest block heard of that has a parent; None before the first."""
        with self._lock:
            return self._newest

    def receive_block(self, raw: bytes) -> str:
        """Remember a block from gossip. It is never called accepted, since this peer forwards nothing."""
        self._remember(raw)
        return "overheard"

    def locator(self) -> list[Any]:
        """Hashes heard of, newest first, so that a node repeats little."""
        with self._lock:
            return list(reversed(self._hashes))

    def blocks_after(self, _locator: list[Any], _limit: int) -> list[bytes]:
        """Nothing: a node that asks here learns of no block."""
        return []

    def catch_up_block(self, raw: bytes) -> tuple[bool, Any]:
        """Remember a block that a node sent on request."""
        return True, self._remember(raw)

    def _remember(self, raw: bytes) -> Any:
        """Keep a block's hash, and the block if it is a step forward."""
        block = json.loads(raw)
        with self._lock:
            self._hashes.append(block["block_hash"])
            if block["index"] > 0 and (self._newest is None or block["index"] >= self._newest["index"]):
                self._newest = block
        return block["block_hash"]


def pester(network: GossipNetwork, ears: Eavesdropper, leaving: threading.Event) -> Counter[str]:
    """Publish broken blocks, kind after kind, until told to leave.

    Returns:
        How many of each kind were published.
    """
    published: Counter[str] = Counter()
    kinds = itertools.cycle(KINDS)
    while not leaving.wait(PAUSE):
        real = ears.newest
        if real is None or not network.peers():
            continue
        kind = next(kinds)
        network.publish(json.dumps(make(kind, real)).encode())
        published[kind] += 1
        if published.total() % len(KINDS) == 0:
            log.info("published %d invalid blocks, the last on height %s", published.total(), real["index"])
    return published
