"""By which rules a node judges, and what it can judge again: what a soak of it can show at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .criteria import Criteria

HEADER_CODES = 7
"""How many reason codes blocks of a network reach by rules 1 to 6; the rules after them have the others."""


@dataclass(frozen=True)
class Rules:
    """What of a node's status says what its evidence can reach.

    Attributes:
        header: Whether every call is judged by the header profile, rules 1 to 6.
        has_log: Whether the node stores blocks in an order, so that they can be replayed.
    """

    header: bool = False
    has_log: bool = True

    @classmethod
    def of(cls, status: Mapping[str, Any] | None) -> Rules:
        """Those of a status; an older wrapper tells neither, and is taken for the reference node's."""
        told = status or {}
        tree = told.get("tree", {}).get("state", "off")
        return cls(told.get("profile") == "header", tree == "off")

    def codes(self, criteria: Criteria) -> float:
        """How many reason codes a soak has to show."""
        return min(criteria.min_reason_codes, HEADER_CODES) if self.header else criteria.min_reason_codes
