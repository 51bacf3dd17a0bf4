"""JSON text of a block that was changed."""

from __future__ import annotations

import json
from typing import Any

from coinjecture.replay.values import LARGEST


def written(block: Any) -> str:
    """The text that a node sends."""
    try:
        return json.dumps(block)
    except ValueError:  # a change has made an integer of more digits than Python writes
        return json.dumps(writable(block))


def writable(value: Any) -> Any:
    """The value with every integer of too many digits as the largest one that has a text."""
    if isinstance(value, dict):
        return {key: writable(member) for key, member in value.items()}
    if isinstance(value, list):
        return [writable(member) for member in value]
    if type(value) is int and abs(value) > LARGEST:
        return LARGEST if value > 0 else -LARGEST
    return value
