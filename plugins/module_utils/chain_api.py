"""Health of the chain, asked over the nodes' public HTTP API.

Run on another node than the one in question: what counts is what the network sees. A
node is healthy when its height advances, it has peers, and at a height that ordinary
reorganisations do not reach every node has the same block.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .api_shape import AnswerError, ApiShape

Fetch = Callable[[str], Any]
REFERENCE = ApiShape()


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
    shape: ApiShape = REFERENCE,
) -> tuple[list[str], dict[str, Any]]:
    """Watch the nodes until all is well or the time is over.

    Args:
        targets: URL of the API by node.
        wanted: What healthy means.
        fetch: Gets JSON from a URL.
        clock: Seconds that only go forward.
        pause: Waits between two looks.
        shape: How the API is read.

    Returns:
        What is wrong (empty: healthy), and what was seen: heights, peers, ``newest`` (when each node took its
        newest block), the height and hash agreed on.
    """
    deadline = clock() + wanted.timeout
    first: dict[str, int] = {}
    while True:
        problems, seen = _look(targets, wanted, first, _Api(shape, fetch))
        if not problems or clock() >= deadline:
            return problems, seen
        pause(0.25)


def view(
    targets: Mapping[str, str],
    lag: int,
    depth: int,
    fetch: Fetch = fetch_json,
    now: Callable[[], float] = time.time,
    shape: ApiShape = REFERENCE,
) -> dict[str, Any]:
    """One look at all chains, as evidence for the gate.

    Args:
        targets: URL of the API by node.
        lag: How far below the lowest tip the hashes are compared.
        depth: From how deep on another block is a fork and not a reorganisation that is still going on.
        fetch: Gets JSON from a URL.
        now: Seconds since the epoch.
        shape: How the API is read.

    Returns:
        ``at``, ``problems``, ``forked`` (those of the problems that are a fork), and what was seen, as
        `check` gives it.
    """
    api = _Api(shape, fetch)
    problems, seen = _look(targets, Expectations(advance=0, lag=lag, min_peers=0, timeout=0), {}, api)
    forked: list[str] = []
    if problems and len(seen["heights"]) == len(targets):
        deep: dict[str, Any] = {}
        found = _compare(targets, max(min(seen["heights"].values()) - depth, 0), api, deep)
        forked = found if "agreed_height" in deep else []
        problems = problems + forked
    del seen["newest"]  # the wrapper's own evidence tells the gate when a block was judged last
    if problems:
        seen.pop("agreed_hash", None)
    return {"at": now(), "problems": problems, "forked": forked, **seen}


def roots(
    targets: Mapping[str, str], fetch: Fetch = fetch_json, shape: ApiShape = REFERENCE
) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Where the chain of each node begins, and whether that is the same block.

    A node may begin at another block than the first: one that was started where a public API answered takes
    the newest block of that API as its genesis.

    Args:
        targets: URL of the API by node.
        fetch: Gets JSON from a URL.
        shape: How the API is read.

    Returns:
        What is wrong (empty: one root, or nobody can tell), and by node ``height`` and ``hash`` of the lowest
        block that it shows.
    """
    api, found = _Api(shape, fetch), dict[str, dict[str, Any]]()
    for name, url in targets.items():
        try:
            found[name] = _root(api, name, url)
        except ApiError as error:
            return [f"where the chain of {name} begins cannot be told: {error}"], found
    if len({(root["height"], root["hash"]) for root in found.values()}) < 2:
        return [], found
    listed = ", ".join(
        f"{name} at height {root['height']} ({root['hash'][:12]})" for name, root in found.items()
    )
    return [
        f"the chains have different roots: {listed}. They are not one network, and no engine brings them "
        "together. A node that is started while a public API answers may take the newest block there for its "
        "genesis: start all of them from the same one. Where an API merely shows no older blocks, set "
        "preflight_one_root to false"
    ], found


def _root(api: _Api, name: str, url: str) -> dict[str, Any]:
    """The lowest block that a node shows; every height above it is there too."""
    top, _ = api.latest(name, url)
    try:
        return {"height": 0, "hash": api.hash_at(name, url, 0)}
    except ApiError:
        pass
    absent, present, known = 0, top, api.hash_at(name, url, top)
    while present - absent > 1:
        middle = (absent + present) // 2
        try:
            known = api.hash_at(name, url, middle)
        except ApiError:
            absent = middle
        else:
            present = middle
    return {"height": present, "hash": known}


class _Api:
    """Asks nodes, and reads what they answer by a shape."""

    def __init__(self, shape: ApiShape, fetch: Fetch) -> None:
        self.shape, self._fetch = shape, fetch

    def latest(self, name: str, url: str) -> tuple[int, float | None]:
        """Height of a node's newest block, and when it came or was made (None where neither is told)."""
        at = self.shape.url(url, "latest")
        answer = self._fetch(at)
        height = self._of_block(name, answer, "height", at)
        if not isinstance(height, int) or isinstance(height, bool):
            raise ApiError(f"{name} says height {height!r} at {at}")
        self._of_block(name, answer, "hash", at)
        return height, self.shape.first_time(answer)

    def hash_at(self, name: str, url: str, height: int) -> str:
        """Hash of the block that a node has at a height."""
        at = self.shape.url(url, "block", height)
        return str(self._of_block(name, self._fetch(at), "hash", at))

    def peers(self, name: str, url: str) -> int:
        """How many peers a node has."""
        at = self.shape.url(url, "peers")
        answer = self._fetch(at)
        try:
            peers = answer if isinstance(answer, list) else self.shape.value(answer, "peer_count", at)
        except AnswerError as error:
            raise ApiError(f"{name} answered something that is not a list of peers: {error}") from error
        if isinstance(peers, int) and not isinstance(peers, bool):
            return peers
        if not isinstance(peers, list):
            raise ApiError(f"{name} answered something that is not a list of peers, nor a number, at {at}")
        return sum(not isinstance(peer, Mapping) or peer.get("connected") is not False for peer in peers)

    def _of_block(self, name: str, answer: Any, key: str, at: str) -> Any:
        try:
            return self.shape.value(answer, key, at)
        except AnswerError as error:
            raise ApiError(f"{name} answered something that is not a block: {error}") from error


def _look(
    targets: Mapping[str, str], wanted: Expectations, first: dict[str, int], api: _Api
) -> tuple[list[str], dict[str, Any]]:
    """One look at every node; ``first`` remembers the height each was first seen at."""
    problems: list[str] = []
    heights: dict[str, int] = {}
    peers: dict[str, int] = {}
    newest: dict[str, float | None] = {}
    for name, url in targets.items():
        try:
            heights[name], newest[name] = api.latest(name, url)
            if api.shape.peers:
                peers[name] = api.peers(name, url)
        except ApiError as error:
            problems.append(f"{name} does not answer: {error}")
            continue
        gained = heights[name] - first.setdefault(name, heights[name])
        if gained < wanted.advance:
            problems.append(f"{name} has gained {gained} blocks since height {first[name]}")
        if peers.get(name, wanted.min_peers) < wanted.min_peers:
            problems.append(f"{name} has {peers[name]} peers, needs {wanted.min_peers}")
    seen: dict[str, Any] = {"heights": heights, "peers": peers, "newest": newest}
    if not problems:
        problems = _compare(targets, max(min(heights.values()) - wanted.lag, 0), api, seen)
    return problems, seen


def _compare(targets: Mapping[str, str], height: int, api: _Api, seen: dict[str, Any]) -> list[str]:
    """Every node has the same block at one height."""
    hashes: dict[str, str] = {}
    try:
        for name, url in targets.items():
            hashes[name] = api.hash_at(name, url, height)
    except ApiError as error:
        return [f"height {height} cannot be compared: {error}"]
    seen |= {"agreed_height": height, "agreed_hash": next(iter(hashes.values()))}
    if len(set(hashes.values())) == 1:
        return []
    listed = ", ".join(f"{name} {value[:12]}" for name, value in hashes.items())
    return [f"the nodes have different blocks at height {height}: {listed}"]
