"""A replay of the node's own blocks and mutants on that node, as evidence beside live traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import durations
from .criteria import Criteria
from .durations import Measured
from .findings import Findings
from .rules import Rules

NO_REJECTS = frozenset({"accept", "out_of_domain", "error"})
"""Codes of a verdict that name no reason of a reject."""


@dataclass(frozen=True)
class Replay:
    """What a replay has shown.

    Attributes:
        compared: Blocks and mutants judged by both engines.
        divergences: On how many they disagree.
        rejects: Reason codes that both engines gave.
        measured: Durations of both engines; None where the replay told none.
    """

    compared: int
    divergences: int
    rejects: frozenset[str]
    measured: Measured | None


def read(
    name: str,
    found_on_node: Mapping[str, Any] | None,
    record: Mapping[str, Any],
    rules: Rules,
    criteria: Criteria,
    now: float,
    findings: Findings,
) -> Replay | None:
    """The replay, if it was made on this node with what runs there now, and not too long ago.

    Raises:
        GarbledError: Its pairs do not fit the criteria.
    """
    if found_on_node is None:
        return None
    result = found_on_node["result"]
    for fact in ("release", "python", "libc"):
        if found_on_node[fact] != record[fact]:
            findings.prove(f"{name}: a replay with another {fact} does not count")
            return None
    age = now - found_on_node["finished"]
    if age > criteria.max_replay_age_seconds or age < -criteria.max_clock_skew_seconds:
        findings.prove(f"{name}: a replay of {age:.0f} s ago does not count")
        return None
    if result["profile"] != "full" and not rules.header:
        findings.prove(f"{name}: a replay by the {result['profile']} rules alone does not count")
        return None
    told = result["divergences"]
    divergences = max(told["count"], len(told["captured"]))
    if divergences:
        findings.fail("divergence", name, f"the replay found {divergences} divergences; see its captures")
    return Replay(
        compared=result["blocks"] + result["mutants"],
        divergences=divergences,
        rejects=frozenset(code for judged in result["verdicts"].values() for code, n in judged.items() if n)
        - NO_REJECTS,
        measured=durations.read(result.get("durations"), "replay.durations"),
    )
