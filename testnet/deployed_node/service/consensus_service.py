"""The consensus service of form B: judges what the API has taken in, and writes what the API shows.

It is started in the node's folder by `.venv/bin/python3 consensus_service.py`; every path is relative to that
folder. It listens on no port.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append("src")

from archive import Archive
from blocks import Block
from consensus import ConsensusConfig, ConsensusEngine
from events import Event, Events
from gossip import Peer
from mining import ProblemRegistry
from notices import tell
from settings import Settings, read_settings
from storage import StorageManager
from wire import decode, encode

POLL = 0.05  # seconds between two looks into the events
BOOTSTRAP = 20.0  # seconds that the peers have at the start to send their chain, or its next part
ASK_AGAIN = 2.0  # seconds before a chain that did not come is asked for once more
BATCH, OVERLAP = 200, 100  # blocks in one message; blocks below the tip that are asked for again


class ConsensusService:
    """One loop: events in, verdicts, files out.

    Args:
        settings: What the node is told.
        data: `data/` of the working directory.
    """

    def __init__(self, settings: Settings, data: Path) -> None:
        self.settings, self.state = settings, data / "blockchain_state.json"
        storage = StorageManager(data)
        config = ConsensusConfig(
            network_id=settings.network_id, max_headers_per_second=settings.max_headers_per_second
        )
        self.engine = ConsensusEngine(config, storage, ProblemRegistry())
        self.events, self.archive = Events(data / "events.db"), Archive(storage.path)
        self.peers = [Peer(url) for url in settings.peers]
        self._asked, self._written, self._last_mined = 0.0, 0.0, 0.0

    def bootstrap(self, wait: float = BOOTSTRAP) -> None:
        """Put what the peers send of their chain into the tree, before anything is judged."""
        deadline = time.monotonic() + wait
        ended = False
        while self.peers and not ended and time.monotonic() < deadline:
            self._ask_for_chain()  # again and again: a peer that starts too may have missed it
            for event in self.events.pending(("want", "chain")):
                if event.kind == "want":
                    self._answer_want(event.body)
                else:
                    ended = self._take_chain(event) or ended
                    deadline = time.monotonic() + wait
                self.events.done(event)
            time.sleep(POLL)
        tip = self.engine.get_best_tip()
        tell(f"Bootstrap ended at height {tip.index}")
        self._show()

    def _take_chain(self, event: Event) -> bool:
        """Insert blocks of a peer's chain, judging nothing; whether they were the last of it.

        What does not join the tree is left: it answers what was asked before this start, of a higher tip.
        """
        tree = self.engine.block_tree
        try:
            for data in event.body["blocks"]:
                block = decode(data)
                if block.previous_hash not in tree:
                    return False
                if block.block_hash not in tree:
                    self.engine._add_block_to_tree(block, event.received_at)
        except Exception as error:
            tell(f"Bootstrap failed, starting fresh: {error!r}")
            return True
        return bool(event.body["last"])

    def look(self) -> None:
        """Handle what has come since the last look."""
        for event in self.events.pending():
            try:
                self._handle(event)
            except (ValueError, KeyError, TypeError) as error:
                tell(f"event {event.number} is nothing that can be used: {error!r}")
            self.events.done(event)
        if time.time() - self._written > 1.0:
            self._show()

    def _handle(self, event: Event) -> None:
        if event.kind == "want":
            self._answer_want(event.body)
        elif event.kind == "chain":
            for data in event.body["blocks"]:
                self._judge(decode(data))
        else:
            block = decode(event.body)
            if block.previous_hash not in self.engine.block_tree:
                self._ask_for_chain()
            if self._judge(block) and event.kind == "mined":
                self._last_mined = time.time()
                for peer in self.peers:
                    peer.send("/v1/gossip/block", encode(block))

    def _judge(self, block: Block) -> bool:
        """Whether the block is in the tree now, by the engine's verdict."""
        if block.block_hash in self.engine.block_tree:
            return True
        try:
            self.engine.validate_header(block)
        except Exception as error:  # whatever came in, the service goes on
            tell(f"block {block.index} is rejected: {error}")
            return False
        if self.engine.get_best_tip().block_hash == block.block_hash:
            self._show()
        return True

    def _ask_for_chain(self) -> None:
        """Ask the peers for their blocks, from a little below our tip on."""
        if time.monotonic() - self._asked < ASK_AGAIN:
            return
        self._asked = time.monotonic()
        start = max(1, self.engine.get_best_tip().index - OVERLAP)
        for peer in self.peers:
            peer.send("/v1/gossip/want", {"from": start, "to": self.settings.url})

    def _answer_want(self, body: Any) -> None:
        """Send a peer what it asks for, in batches; the last one says so. A stranger gets nothing."""
        peer = next((peer for peer in self.peers if peer.url == body["to"]), None)
        if peer is None:
            return
        chain = [block for block in self.engine.get_chain_from_genesis() if block.index >= body["from"]]
        for start in range(0, max(1, len(chain)), BATCH):
            blocks = [encode(block) for block in chain[start : start + BATCH]]
            peer.send("/v1/gossip/chain", {"blocks": blocks, "last": start + BATCH >= len(chain)})

    def _show(self) -> None:
        """Write what the API reads: the chain by height, and the state."""
        tip = self.engine.get_best_tip()
        self.archive.follow(tip, self.engine.block_tree)
        connected = [peer.url for peer in self.peers if peer.connected]
        state = {"latest_block": tip.to_dict(), "peers": connected, "last_mined": self._last_mined}
        fresh = self.state.with_suffix(".new")
        fresh.write_text(json.dumps(state), encoding="utf-8")
        fresh.replace(self.state)
        self._written = time.time()


def main() -> None:
    """Serve until the process is ended."""
    service = ConsensusService(read_settings(Path("config.json")), Path("data"))
    for peer in service.peers:
        peer.start()
    service.bootstrap()
    while True:
        service.look()
        time.sleep(POLL)


if __name__ == "__main__":
    main()
