"""Health of the chain, asked over the nodes' public HTTP API.

Run on another node than the one in question: what counts is what the network sees. A
node is healthy when its height advances, it has peers, and at a height that ordinary
reorganisations do not reach every node has the same block.
"""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fetch = Callable[[str], Any]


class ApiError(Exception):
    """A node's API gave no usable answer; the message says which and what."""


@dataclass(frozen=True)
class Expectations:
    """What healthy means.

    Attributes:
        advance: Blocks that every node has to gain while we watch.
        lag: How far below the lowest tip the hashes are compared.
        min_peers: Connected peers that every node needs.
        timeout: Seconds within which all of it has to be so.
    """

    advance: int
    lag: int
    min_peers: int
    timeout: float


def fetch_json(url: str) -> Any:
    """GET a URL and parse its JSON.

    Raises:
        ApiError: No answer within 5 s, an error status, or not JSON.
    """
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the inventory's own URLs
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise ApiError(f"{url}: {error}") from error


def check(
    targets: Mapping[str, str],
    wanted: Expectations,
    fetch: Fetch = fetch_json,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[list[str], dict[str, Any]]:
    """Watch the nodes until all is well or the time is over.

    Args:
        targets: URL of the API by node.
        wanted: What healthy means.
        fetch: Gets JSON from a URL.
        clock: Seconds that only go forward.
        pause: Waits between two looks.

    Returns:
        What is wrong (empty: healthy), and what was seen: heights, peers, ``newest`` (when each node took its
        newest block), the height and hash agreed on.
    """
    deadline = clock() + wanted.timeout
    first: dict[str, int] = {}
    while True:
        problems, seen = _look(targets, wanted, first, fetch)
        if not problems or clock() >= deadline:
            return problems, seen
        pause(0.25)


def view(
    targets: Mapping[str, str],
    lag: int,
    depth: int,
    fetch: Fetch = fetch_json,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """One look at all chains, as evidence for the gate.

    Args:
        targets: URL of the API by node.
        lag: How far below the lowest tip the hashes are compared.
        depth: From how deep on another block is a fork and not a reorganisation that is still going on.
        fetch: Gets JSON from a URL.
        now: Seconds since the epoch.

    Returns:
        ``at``, ``problems``, ``forked`` (those of the problems that are a fork), and what was seen, as
        `check` gives it.
    """
    problems, seen = _look(targets, Expectations(advance=0, lag=lag, min_peers=0, timeout=0), {}, fetch)
    forked: list[str] = []
    if problems and len(seen["heights"]) == len(targets):
        deep: dict[str, Any] = {}
        found = _compare(targets, max(min(seen["heights"].values()) - depth, 0), fetch, deep)
        forked = found if "agreed_height" in deep else []
        problems = problems + forked
    del seen["newest"]  # the wrapper's own evidence tells the gate when a block was judged last
    if problems:
        seen.pop("agreed_hash", None)
    return {"at": now(), "problems": problems, "forked": forked, **seen}


def _look(
    targets: Mapping[str, str], wanted: Expectations, first: dict[str, int], fetch: Fetch
) -> tuple[list[str], dict[str, Any]]:
    """One look at every node; ``first`` remembers the height each was first seen at."""
    problems: list[str] = []
    heights: dict[str, int] = {}
    peers: dict[str, int] = {}
    newest: dict[str, float | None] = {}
    for name, url in targets.items():
        try:
            latest = fetch(f"{url}/v1/data/block/latest")
            heights[name] = _height(name, latest)
            newest[name] = _when(latest)
            peers[name] = _peer_count(name, fetch(f"{url}/v1/peers"))
        except ApiError as error:
            problems.append(f"{name} does not answer: {error}")
            continue
        gained = heights[name] - first.setdefault(name, heights[name])
        if gained < wanted.advance:
            problems.append(f"{name} has gained {gained} blocks since height {first[name]}")
        if peers[name] < wanted.min_peers:
            problems.append(f"{name} has {peers[name]} peers, needs {wanted.min_peers}")
    seen: dict[str, Any] = {"heights": heights, "peers": peers, "newest": newest}
    if not problems:
        problems = _compare(targets, max(min(heights.values()) - wanted.lag, 0), fetch, seen)
    return problems, seen


def _compare(targets: Mapping[str, str], height: int, fetch: Fetch, seen: dict[str, Any]) -> list[str]:
    """Every node has the same block at one height."""
    hashes: dict[str, str] = {}
    try:
        for name, url in targets.items():
            hashes[name] = str(_block(name, fetch(f"{url}/v1/data/block/{height}"))["hash"])
    except ApiError as error:
        return [f"height {height} cannot be compared: {error}"]
    seen |= {"agreed_height": height, "agreed_hash": next(iter(hashes.values()))}
    if len(set(hashes.values())) == 1:
        return []
    listed = ", ".join(f"{name} {value[:12]}" for name, value in hashes.items())
    return [f"the nodes have different blocks at height {height}: {listed}"]


def _block(name: str, answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping) or "hash" not in answer or "height" not in answer:
        raise ApiError(f"{name} answered something that is not a block")
    return answer


def _height(name: str, answer: Any) -> int:
    height = _block(name, answer)["height"]
    if not isinstance(height, int) or isinstance(height, bool):
        raise ApiError(f"{name} says height {height!r}")
    return height


def _when(answer: Mapping[str, Any]) -> float | None:
    """When a node took a block, or when it was made (s since the epoch); None where it tells neither."""
    inner = answer.get("block")
    made = inner.get("timestamp") if isinstance(inner, Mapping) else None
    for value in (answer.get("received_at"), answer.get("timestamp"), made):
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def _peer_count(name: str, answer: Any) -> int:
    peers = answer.get("peers") if isinstance(answer, Mapping) else answer
    if not isinstance(peers, list):
        raise ApiError(f"{name} answered something that is not a list of peers")
    return sum(not isinstance(peer, Mapping) or peer.get("connected") is not False for peer in peers)
