"""Promotions that are held by a person: who holds them, since when, why, and how they go on.

A pause is a record in the step journal of each node; a later one lifts it. It holds every step of the
network, on whichever node it lies, and nothing that leads back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..messages.typed_run import command


def paused(state: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The record of the pause that is in force on a node; None where there is none."""
    journal = (state or {}).get("journal") or {}
    record: Mapping[str, Any] | None = (journal.get("begun") or {}).get("paused")
    return record


def held(states: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """Why no step may start: each pause in a sentence, with the nodes that it lies on; empty for none."""
    nodes: dict[tuple[str, str, str], list[str]] = {}
    for name, state in states.items():
        if record := paused(state):
            since = datetime.fromtimestamp(record["at"], tz=UTC).strftime("%Y-%m-%d %H:%M")
            nodes.setdefault((record["who"], since, record["why"]), []).append(name)
    typed = command("pause", "", lift="true", why="the reason")
    return [
        f"promotions are paused by {who} since {since} UTC ({why}), as {', '.join(names)} tells; "
        f"to let them go on: {typed}"
        for (who, since, why), names in nodes.items()
    ]
