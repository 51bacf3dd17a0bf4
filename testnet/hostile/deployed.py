"""The hostile peer of deployed nodes: mines on their tip and posts what it has broken afterwards."""

from __future__ import annotations

import importlib
import itertools
import logging
import random
import secrets
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testnet.hostile.kinds import KINDS, Block

log = logging.getLogger("coinjecture.hostile")

SOURCE = Path(__file__).resolve().parents[1] / "deployed_node" / "src"
HEADER_KINDS = tuple(KINDS)[:7]
"""Reject codes that this node's rules, which are those of a header, can reach."""
PAUSE = 0.5
"""Seconds between two blocks; each is posted to every node."""
SMALL = 8
"""Numbers in a problem: it costs nothing to solve, and nobody takes the block anyway."""


def make(kind: str, real: Block) -> Block:
    """An invalid block, as this node's gossip carries it, made of a valid one, which is changed.

    Args:
        kind: The reject code it is to earn, one of `HEADER_KINDS`.
        real: A valid block.
    """
    if kind == "missing_complexity":
        real["complexity"] = None  # an empty one is no block at all to this node
    else:
        KINDS[kind](real)
    real["block_hash"] = secrets.token_hex(32)
    return real


class Pest:
    """Posts invalid blocks to some nodes.

    Args:
        nodes: URLs of their APIs.
    """

    def __init__(self, nodes: Sequence[str]) -> None:
        if str(SOURCE) not in sys.path:
            sys.path.append(str(SOURCE))
        self._mining: Any = importlib.import_module("mining")
        self._wire: Any = importlib.import_module("wire")
        self._nodes = nodes
        self._draw = random.SystemRandom()

    def post(self, kind: str) -> None:
        """Post one to every node.

        Raises:
            OSError: A node does not answer, or not with 2xx.
            ValueError: It answers with something else.
        """
        tip = self._wire.get(f"{self._nodes[0]}/v1/data/block/latest")["data"]
        parent = self._mining.Parent(
            tip["index"], tip["timestamp"], tip["block_hash"], tip["cumulative_work_score"]
        )
        block = make(kind, self._wire.encode(self._mining.mine(parent, self._draw, SMALL)))
        for node in self._nodes:
            self._wire.post(f"{node}/v1/gossip/block", block)


def pester(nodes: Sequence[str], leaving: threading.Event) -> Counter[str]:
    """Post broken blocks, kind after kind, until told to leave.

    Returns:
        How many of each kind were posted.
    """
    pest, posted, kinds = Pest(nodes), Counter[str](), itertools.cycle(HEADER_KINDS)
    while not leaving.wait(PAUSE):
        kind = next(kinds)
        try:
            pest.post(kind)
        except (OSError, ValueError, KeyError) as error:
            log.info("a node did not take it: %s", error)
            continue
        posted[kind] += 1
        if posted.total() % len(HEADER_KINDS) == 0:
            log.info("posted %d invalid blocks", posted.total())
    return posted
