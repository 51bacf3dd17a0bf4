"""What a soak has to show, as data of the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .reading import finite, shown

GOOD_OUTCOME = {"legacy": "alone", "shadow": "match", "rust": "match", "final": "alone"}
"""Which outcome counts as a good sample of a mode's soak."""
"""Modes in which both engines judge."""
NUMBERS = (
    "soak_seconds",
    "min_calls",
    "min_rejects",
    "min_reason_codes",
    "max_evidence_age_seconds",
    "max_idle_seconds",
    "max_clock_skew_seconds",
    "max_restarts",
    "max_gap_seconds",
    "max_latency_ratio",
    "min_latency_pairs",
    "max_replay_age_seconds",
)


@dataclass(frozen=True)
class Criteria:
    """Checked criteria; times are in seconds.

    Attributes:
        nodes: The mode every node must be in.
        soaking: The nodes whose soak is asked about; the others must only be clean.
        soak_seconds: Continuous healthy time.
        min_calls: Calls that ended well, live.
        min_rejects: Rejects that both engines gave, live.
        min_reason_codes: Reason codes that both engines gave, live or in a replay of mutants.
        max_evidence_age_seconds: How old the newest evidence may be.
        max_idle_seconds: How long ago the last call may be.
        max_clock_skew_seconds: How far the clocks may be apart.
        max_restarts: Restarts that a soak bears; beyond them it counts from the last one.
        max_gap_seconds: A time without evidence that a soak bears; it counts from the end of a longer one.
        max_latency_ratio: What the quantiles of Rust's processor time may be, as multiples of legacy's.
        min_latency_pairs: Replayed pairs below which no speed lets a step start.
        max_replay_age_seconds: How old a replay may be that fills up what live traffic does not bring.
        confidence: One-sided, of every bound that lets a step start.
    """

    nodes: Mapping[str, str]
    soaking: tuple[str, ...]
    soak_seconds: float
    min_calls: float
    min_rejects: float
    min_reason_codes: float
    max_evidence_age_seconds: float
    max_idle_seconds: float
    max_clock_skew_seconds: float
    max_restarts: float
    max_gap_seconds: float
    max_latency_ratio: float
    min_latency_pairs: float
    max_replay_age_seconds: float
    confidence: float

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Criteria:
        """Check and convert criteria as the inventory gives them.

        Raises:
            ValueError: A criterion is missing, is not a number, or is out of its range.
        """
        if not isinstance(data, Mapping):
            raise ValueError(f"they are {shown(data)}, not an object")
        nodes = _nodes(data.get("nodes"))
        soaking = _soaking(data.get("soaking", ()), nodes)
        numbers = {name: _number(data, name) for name in NUMBERS}
        confidence = _number({"confidence": 0.95} | dict(data), "confidence")
        if not 0.5 <= confidence < 1:
            raise ValueError(f"confidence is {confidence}, must be from 0.5 to below 1")
        if numbers["min_latency_pairs"] < 1:
            raise ValueError("min_latency_pairs is below 1: no data is never a pass")
        return cls(nodes=nodes, soaking=soaking, confidence=confidence, **numbers)


def _nodes(nodes: Any) -> dict[str, str]:
    """The mode of every node."""
    if not isinstance(nodes, Mapping) or not nodes:
        raise ValueError(f"criteria name no nodes (nodes is {shown(nodes)})")
    for name, mode in nodes.items():
        if not isinstance(name, str) or not isinstance(mode, str) or mode not in GOOD_OUTCOME:
            raise ValueError(f"criteria name unknown modes: nodes has {shown(name)} in {shown(mode)}")
    return dict(nodes)


def _soaking(soaking: Any, nodes: Mapping[str, str]) -> tuple[str, ...]:
    """The nodes whose soak is asked about."""
    if not isinstance(soaking, list | tuple) or not all(isinstance(name, str) for name in soaking):
        raise ValueError(f"soaking is {shown(soaking)}, not a list of nodes")
    if strangers := [name for name in soaking if name not in nodes]:
        raise ValueError(f"criteria ask for a soak of nodes they do not name: {', '.join(strangers)}")
    return tuple(soaking)


def _number(data: Mapping[str, Any], key: str) -> float:
    """A finite number of at least 0."""
    value = data.get(key)
    if not finite(value):
        raise ValueError(f"{key} is {shown(value)}, not a number")
    assert isinstance(value, int | float)
    if value < 0:
        raise ValueError(f"{key} is negative")
    return float(value)
