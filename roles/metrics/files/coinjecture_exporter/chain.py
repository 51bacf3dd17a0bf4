"""The node's chain as its own HTTP API tells it: the tip, and hashes that nodes can be compared by."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coinjecture_migration.api_shape import ApiShape

SLOTS = 4
"""Heights that are compared at once: nodes this many steps apart still have one in common."""
_FINGERPRINT_DIGITS = 12  # 48 bits: a float of Prometheus holds them exactly
_LONGEST_ANSWER = 8 * 1024 * 1024

Fetch = Callable[[str], Any]
REFERENCE = ApiShape()


@dataclass(frozen=True)
class Checkpoint:
    """A height below the tip and what the node has there.

    Attributes:
        slot: Place of the height in a ring of `SLOTS`; the same on every node for the same height.
        height: The height.
        fingerprint: The first 48 bits of the block's hash, as a number.
    """

    slot: int
    height: int
    fingerprint: int


@dataclass(frozen=True)
class Chain:
    """What one look at the API has shown."""

    height: int
    checkpoints: tuple[Checkpoint, ...]


def fetcher(timeout: float) -> Fetch:
    """A function that gets JSON from a URL within `timeout` seconds."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fetch(url: str) -> Any:
        with opener.open(url, timeout=timeout) as answer:
            return json.loads(answer.read(_LONGEST_ANSWER))

    return fetch


def look(api: str, lag: int, step: int, fetch: Fetch, shape: ApiShape = REFERENCE) -> Chain:
    """Read the tip and the hashes at the newest checkpoints at least `lag` blocks below it.

    Raises:
        OSError: The API does not answer.
        ValueError: It answers something else than a block, or lacks what the shape says it has.
            So does TypeError.
    """
    latest = shape.url(api, "latest")
    height = int(shape.value(fetch(latest), "height", latest))
    newest = (height - lag) // step
    checkpoints = []
    for number in range(max(0, newest - SLOTS + 1), newest + 1):
        at = shape.url(api, "block", number * step)
        seen = fingerprint(shape.value(fetch(at), "hash", at))
        checkpoints.append(Checkpoint(number % SLOTS, number * step, seen))
    return Chain(height, tuple(checkpoints))


def fingerprint(block_hash: str) -> int:
    """A number that two nodes share exactly if (but for one chance in 2^48) they have the same block."""
    return int(block_hash[:_FINGERPRINT_DIGITS], 16)
