"""What the nodes of the network say of themselves, over their HTTP API."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from testnet.lab.plan import NODES, Droplet
from testnet.lab.variants import REFERENCE, Variant
from testnet.machine.command import CommandError

AGREE_TIMEOUT = 60.0
"""Seconds the nodes have, after they were started, to mine and agree."""
_BELOW_TIP = 2  # a fork of the newest block is natural; two below the tip both should have the same
_POLL = 0.25


class NodeSilentError(Exception):
    """A node's API did not answer, or not with what was asked for."""


@dataclass(frozen=True)
class NodeState:
    """A node at one moment.

    Attributes:
        name: Its name.
        height: The height of its best tip.
        peers: How many peers it is connected to.
        mining: Whether it mines.
    """

    name: str
    height: int
    peers: int
    mining: bool


def ask(node: Droplet, path: str, *, timeout: float = 5.0) -> Any:
    """The JSON answer of a node to a GET.

    Raises:
        NodeSilentError: There is none; the text says what came instead.
    """
    try:
        # The URL is made of a loopback address and a port of this project.
        with urllib.request.urlopen(node.api + path, timeout=timeout) as answer:  # noqa: S310
            return json.load(answer)
    except (OSError, ValueError, HTTPException) as error:
        raise NodeSilentError(f"{node.name} {path}: {error}") from error


def state(node: Droplet) -> NodeState:
    """What the node says of its height, its peers and its miner.

    Raises:
        NodeSilentError: It does not answer.
    """
    health = ask(node, "/health")
    return NodeState(node.name, health["height"], health["peers"], health["mining"])


def disagreement(nodes: Sequence[Droplet] = NODES, variant: Variant = REFERENCE) -> str | None:
    """Why these nodes cannot be said to mine on one chain now; None if they can.

    They do if each has a peer and mines, and all have the same block a little below the lowest tip.
    """
    try:
        states = [state(node) for node in nodes]
        for one in states:
            if one.peers == 0:
                return f"{one.name} has no peer"
            if not one.mining:
                return f"{one.name} does not mine"
        common = min(one.height for one in states) - _BELOW_TIP
        if common < 1:
            return "the chain has only begun"
        hashes = {variant.hash_of(ask(node, f"/v1/data/block/{common}")) for node in nodes}
    except NodeSilentError as silence:
        return str(silence)
    return None if len(hashes) == 1 else f"the nodes have different blocks at height {common}"


def await_agreement(
    nodes: Sequence[Droplet] = NODES, timeout: float = AGREE_TIMEOUT, variant: Variant = REFERENCE
) -> None:
    """Wait until the nodes mine on one chain.

    Raises:
        CommandError: They do not within the time; the text says what was still amiss.
    """
    deadline = time.monotonic() + timeout
    while (amiss := disagreement(nodes, variant)) is not None:
        if time.monotonic() > deadline:
            raise CommandError(
                f"The nodes do not agree after {timeout:.0f} s: {amiss}; "
                f"`docker exec {nodes[0].container} journalctl -u {variant.unit}` says more."
            )
        time.sleep(_POLL)
