"""A watcher beside the migration: what the nodes say of the chain, once a second, from first to last."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from testnet.lab.nodes import NodeSilentError, ask
from testnet.lab.plan import Droplet
from testnet.lab.variants import REFERENCE, Variant

CONFIRMATION_DEPTH = 20
PERIOD = 1.0  # seconds between two looks


class Sentinel:
    """Remembers every block a node has reported as its best, and compares the nodes' deep blocks.

    Attributes:
        reported: Hashes of the blocks that a node called its tip, or part of its best chain.
        deep_disagreements: Heights at or below the confirmation depth at which the nodes differed.
    """

    def __init__(self, nodes: Sequence[Droplet], variant: Variant = REFERENCE) -> None:
        self.reported: set[str] = set()
        self.deep_disagreements: set[int] = set()
        self._nodes, self._variant = nodes, variant
        self._compared_to = 0
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sentinel", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, after the look that is under way."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once; a node that does not answer now is asked again at the next look."""
        heights = []
        for node in self._nodes:
            try:
                health = ask(node, "/health")
            except NodeSilentError:
                return
            self.reported.add(health["tip"])
            heights.append(int(health["height"]))
        while self._compared_to + 1 <= min(heights) - CONFIRMATION_DEPTH:
            try:
                hashes = {
                    self._variant.hash_of(ask(node, f"/v1/data/block/{self._compared_to + 1}"))
                    for node in self._nodes
                }
            except NodeSilentError:
                return
            self._compared_to += 1
            self.reported |= hashes
            if len(hashes) > 1:
                self.deep_disagreements.add(self._compared_to)

    def _run(self) -> None:
        while not self._leaving.wait(PERIOD):
            self.look()
