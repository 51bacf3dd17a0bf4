"""The step journal of a node, as far as the metrics need it: the mode it says the node has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coinjecture_migration.vocabulary import MODES

MODE_CHANGES = ("step done", "rollback", "complete")
"""Records whose `to` is the mode that the node was left in; the others are notes beside them."""


@dataclass(frozen=True)
class Recorded:
    """What the step journal says of this node.

    Attributes:
        mode: The mode of the last step that ended in one; None where no step is recorded.
        at: When that was, in seconds since the epoch.
        complete: Whether the migration is complete: the legacy code is removed.
    """

    mode: str | None = None
    at: float | None = None
    complete: bool = False


def read_journal(path: Path, node: str) -> Recorded:
    """Read the step journal; no file means that no step is recorded.

    Whether the chain of hashes holds is the role `journal`'s to verify, not the metrics'.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line of it is no JSON object.
    """
    recorded = Recorded()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return recorded
    for line in text.splitlines():
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError(f"{path}: a line is no JSON object")
        recorded = _after(recorded, record, node)
    return recorded


def _after(before: Recorded, record: dict[str, Any], node: str) -> Recorded:
    """What is known after one more record."""
    if record.get("node") != node or record.get("what") not in MODE_CHANGES:
        return before
    mode, at = record.get("to"), record.get("at")
    return Recorded(
        mode if mode in MODES else None,
        float(at) if isinstance(at, int | float) else None,
        before.complete or record["what"] == "complete",
    )
