"""What lies on a node of a replay of its own chain there: what the gate reads of what was printed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from . import durable
from .operator_folder import REPLAY, OperatorFolder

SCHEMA = 1
READ = ("network_id", "profile", "seed", "blocks", "mutants", "verdicts", "divergences", "durations")
"""Of a result the part that is kept; the rest is with the controller."""
NAMED = 20
"""So many divergence files are named; how many there are is counted apart."""


class NoReplayError(ValueError):
    """What lies there is no result of a replay."""


def record(node: str, result: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The record of a replay; docs/schemas/node-replay.schema.json has its form.

    Args:
        node: The node's name in the inventory.
        result: What ``python -m coinjecture.replay --json`` printed there.
        now: Seconds since the epoch.

    Raises:
        NoReplayError: It printed something else.
    """
    try:
        surroundings, divergences = result["surroundings"], result["divergences"]
        kept = {name: result[name] for name in READ}
        kept["divergences"] = {
            "count": divergences["count"],
            "captured": [{"file": one["file"]} for one in divergences["captured"][:NAMED]],
        }
        return {
            "schema": SCHEMA,
            "node": node,
            "release": result["release"],
            "python": surroundings["python"],
            "libc": surroundings["libc"],
            "legacy": result["builds"]["legacy"]["sha256"],
            "started": result["started"],
            "finished": now,
            "result": kept,
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise NoReplayError(f"it is no result of coinjecture.replay: {error!r}") from error


def lay_down(folder: OperatorFolder, node: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the record on the node, durable when this returns, and return it.

    Raises:
        NoReplayError: The result is none.
        OSError: The disk refused; the record before stands.
    """
    made = record(node, result, time.time())
    folder.make()
    durable.replace(folder.path / REPLAY, json.dumps(made, indent=1) + "\n")
    return made
