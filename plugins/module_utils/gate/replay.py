"""A replay of the node's own blocks and mutants on that node, as evidence beside live traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import durations
from .criteria import Criteria
from .durations import Measured
from .findings import Findings
from .reading import Garbled, count, counts, number


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
    name: str, found_on_node: Any, record: Mapping[str, Any], wanted: Criteria, now: float, found: Findings
) -> Replay | None:
    """The replay, if it was made on this node with what runs there now, and not too long ago.

    Raises:
        Garbled: It is there and a value in it cannot be believed.
    """
    if found_on_node is None:
        return None
    if not isinstance(found_on_node, Mapping) or not isinstance(found_on_node.get("result"), Mapping):
        raise Garbled("the replay's result is not an object")
    result = found_on_node["result"]
    for fact in ("release", "python", "libc"):
        if found_on_node.get(fact) != record.get(fact):
            found.prove(f"{name}: a replay with another {fact} does not count")
            return None
    age = now - number(found_on_node, "finished", "replay.")
    if age > wanted.max_replay_age_seconds or age < -wanted.max_clock_skew_seconds:
        found.prove(f"{name}: a replay of {age:.0f} s ago does not count")
        return None
    listed = result.get("divergences")
    divergences = len(listed) if isinstance(listed, list) else count(result, "divergences", "replay.")
    if divergences:
        found.fail("divergence", name, f"the replay found {divergences} divergences; see its captures")
    rejects = counts(result, "rejects")
    return Replay(
        compared=count(result, "blocks", "replay.") + count(result, "mutants", "replay."),
        divergences=divergences,
        rejects=frozenset(code for code, n in rejects.items() if n),
        measured=durations.read(result.get("durations"), "replay.durations"),
    )
