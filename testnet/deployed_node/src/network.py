"""Gossip of form A: blocks are pushed by HTTP, and a node that misses some asks for them."""

import threading
from collections.abc import Callable
from typing import Any

try:
    from .consensus import ConsensusEngine
except ImportError:
    from consensus import ConsensusEngine

try:
    from .blocks import Block
    from .gossip import Peer
    from .wire import decode, encode, get
except ImportError:
    from blocks import Block
    from gossip import Peer
    from wire import decode, encode, get

BATCH = 200
"""Blocks in an answer to a node that catches up."""
OVERLAP = 100
"""Blocks below its own tip that such a node asks for again, since the peers may have another chain there."""


class Network:
    """The peers of a node, and the judging of what they send.

    Args:
        engine: Judges, one block at a time.
        peers: URLs of the other nodes.
        accepted: Called after each block that the engine has accepted.
    """

    def __init__(
        self, engine: ConsensusEngine, peers: tuple[str, ...], accepted: Callable[[Block], None]
    ) -> None:
        self.engine, self._accepted = engine, accepted
        self.lock = threading.RLock()
        self.peers = [Peer(url) for url in peers]
        self.caught_up = threading.Event()
        self._behind = threading.Event()

    def start(self) -> None:
        """Begin to push, and to catch up."""
        for peer in self.peers:
            peer.start()
        threading.Thread(target=self._keep_up, name="catch-up", daemon=True).start()

    def publish(self, block: Block) -> None:
        """Send a block to every peer."""
        content = encode(block)
        for peer in self.peers:
            peer.send("/v1/gossip/block", content)

    def receive(self, data: Any) -> bool:
        """Judge a block that came by gossip. Returns whether the tree has it now.

        Raises:
            ValueError: It is no block at all.
        """
        block = decode(data)
        with self.lock:
            unknown = block.previous_hash not in self.engine.block_tree
        if unknown:
            self._behind.set()
        return self.judge(block)

    def judge(self, header: Block) -> bool:
        """Let the engine judge, unless it has the block."""
        with self.lock:
            if header.block_hash in self.engine.block_tree:
                return True
            try:
                self.engine.validate_header(header)
            except Exception as error:  # whatever a peer sends, the node goes on
                print(f"block {header.index} of a peer is rejected: {error}")
                return False
            self._accepted(header)
        return True

    def chain(self, start: int) -> list[dict[str, Any]]:
        """Blocks of the best chain from a height on, whole, no more than a batch."""
        with self.lock:
            blocks = self.engine.get_chain_from_genesis()
        return [encode(block) for block in blocks if block.index >= start][:BATCH]

    def _keep_up(self) -> None:
        """Catch up at the start, and whenever a block of unknown descent has come."""
        while True:
            self._behind.clear()
            for peer in self.peers:
                try:
                    self._fetch(peer.url)
                    self.caught_up.set()
                except (OSError, ValueError, KeyError) as error:
                    print(f"{peer.url} has no chain for us: {error}")
            self._behind.wait()

    def _fetch(self, url: str) -> None:
        """Take over what a peer has and this node has not."""
        with self.lock:
            height = max(1, self.engine.get_best_tip().index - OVERLAP)
        while batch := get(f"{url}/v1/sync/chain?from={height}")["data"]:
            for data in batch:
                self.judge(decode(data))
            height += len(batch)
            if len(batch) < BATCH:
                return
