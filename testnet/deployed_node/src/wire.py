"""A block between two nodes: JSON with every figure of it, unlike `Block.to_dict()`, and small HTTP calls."""

import dataclasses
import json
import urllib.request
from typing import Any

from blocks import Block, Complexity, EnergyMetrics, MiningCapacity

TIMEOUT = 5.0
"""Seconds that a peer has to answer."""


def encode(block: Block) -> dict[str, Any]:
    """The whole block; its capacity as text."""
    data = dataclasses.asdict(block)
    capacity = block.mining_capacity
    data["mining_capacity"] = capacity.value if isinstance(capacity, MiningCapacity) else capacity
    return data


def decode(data: Any) -> Block:
    """The block of a peer; its capacity stays text.

    Raises:
        ValueError: Something is missing, or there is something that no block has.
    """
    try:
        fields = dict(data)
        measured = fields.get("complexity")
        if measured is not None:
            energy = EnergyMetrics(**measured["energy_metrics"])
            fields["complexity"] = Complexity(**{**measured, "energy_metrics": energy})
        return Block(**fields)
    except (TypeError, KeyError) as error:
        raise ValueError(f"no block: {error}") from error


def get(url: str) -> Any:
    """The JSON that a node answers.

    Raises:
        OSError: It does not answer, or with another status than 2xx.
        ValueError: The answer is no JSON.
    """
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - from the node's configuration
        return json.load(answer)


def post(url: str, body: Any) -> Any:
    """Send JSON to a node; returns and raises like `get`."""
    content = json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})  # noqa: S310 - as above
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - as above
        return json.load(answer)
