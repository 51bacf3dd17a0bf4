"""Two runs that ask for the lock of every node at the same moment: one of them wins, whichever got what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PATIENCE = 6.0
"""Seconds that the winner waits for the other one, which gives back what it got as soon as it is refused."""


def lost_by_others(order: Sequence[str], answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The nodes whose lock a run holds that has lost: this one has the first node that answers.

    Args:
        order: The nodes in the order of the inventory, the same for every run.
        answers: What `operator_lock` answered to ``taken``, by node.
    """
    outcomes = {node: answers[node]["outcome"] for node in order if answers[node].get("outcome")}
    refused = [node for node, outcome in outcomes.items() if outcome == "refused"]
    won = bool(outcomes) and next(iter(outcomes.values())) in ("taken", "renewed")
    return refused if won and "broken" not in outcomes.values() else []
