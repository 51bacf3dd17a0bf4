"""The node of form A: it mines, judges what its peers gossip and answers users, all in one process.

It is started by `python src/node.py config.json data`.
"""

import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

try:
    from .consensus import ConsensusConfig, ConsensusEngine
except ImportError:
    from consensus import ConsensusConfig, ConsensusEngine

try:
    from .api import serve
except ImportError:
    from api import serve

try:
    from .archive import Archive
except ImportError:
    from archive import Archive

try:
    from .blocks import Block
except ImportError:
    from blocks import Block

try:
    from .mining import Parent, ProblemRegistry, mine
except ImportError:
    from mining import Parent, ProblemRegistry, mine

try:
    from .network import Network
except ImportError:
    from network import Network

try:
    from .settings import Settings, read_settings
except ImportError:
    from settings import Settings, read_settings

try:
    from .storage import StorageManager
except ImportError:
    from storage import StorageManager

PEERS_FIRST = 10.0
"""Seconds that a starting miner waits for what its peers have."""


class Node:
    """Everything of one node.

    Args:
        settings: What it is told.
        data_dir: Its folder.
    """

    def __init__(self, settings: Settings, data_dir: Path) -> None:
        self.settings = settings
        storage = StorageManager(data_dir)
        config = ConsensusConfig(
            network_id=settings.network_id, max_headers_per_second=settings.max_headers_per_second
        )
        self.engine = ConsensusEngine(config, storage, ProblemRegistry())
        self.archive = Archive(storage.path)
        self.mining = settings.mining
        self.network = Network(self.engine, settings.peers, self.accepted)
        self.accepted(self.engine.get_best_tip())

    def accepted(self, block: Block) -> None:
        """Show users the chain as it is now that a block has come."""
        tip = self.engine.get_best_tip()
        if tip.block_hash == block.block_hash:
            self.archive.follow(tip, self.engine.block_tree)

    def mine_one(self, draw: random.Random) -> Block:
        """Mine a block on the tip, judge it like any other and tell the peers."""
        tip = self.engine.get_best_tip()
        parent = Parent(tip.index, tip.timestamp, tip.block_hash, tip.cumulative_work_score)
        block = mine(parent, draw)
        if self.network.judge(block):
            self.network.publish(block)
        return block

    # What the API asks

    def health(self) -> dict[str, Any]:
        """How the node is."""
        tip = self.engine.get_best_tip()
        connected = sum(peer.connected for peer in self.network.peers)
        return {
            "status": "healthy", "height": tip.index, "tip": tip.block_hash, "peers": connected,
            "mining": self.mining, "timestamp": time.time(),
        }  # fmt: skip

    def latest(self) -> dict[str, Any]:
        """The block of the best tip."""
        return self.engine.get_best_tip().to_dict()

    def block(self, height: int) -> dict[str, Any] | None:
        """The block at a height."""
        found: dict[str, Any] | None = self.archive.at(height)
        return found

    def peers(self) -> dict[str, Any]:
        """Who the peers are."""
        connected = [peer.url for peer in self.network.peers if peer.connected]
        return {"peers": connected, "count": len(connected)}

    def chain(self, start: int) -> list[dict[str, Any]]:
        """Whole blocks from a height on."""
        return self.network.chain(start)

    def receive(self, data: Any) -> bool:
        """Judge a block of a peer."""
        return self.network.receive(data)


def keep_mining(node: Node, config: Path) -> None:
    """Mine until the process ends. The configuration is read again for every block."""
    if node.settings.peers:
        node.network.caught_up.wait(PEERS_FIRST)
    draw = random.SystemRandom()
    while True:
        settings = read_settings(config)
        time.sleep(draw.uniform(settings.min_interval_s, settings.max_interval_s))
        node.mining = settings.mining
        if node.mining:
            block = node.mine_one(draw)
            print(f"mined block {block.index}")


def main() -> None:
    """Run a node until the process is ended."""
    config, data_dir = (Path(argument) for argument in sys.argv[1:])
    node = Node(read_settings(config), data_dir)
    server = serve(node, node.settings.port)
    node.network.start()
    threading.Thread(target=keep_mining, args=(node, config), name="miner", daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
