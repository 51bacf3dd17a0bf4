"""What an engine made of a block, and how two engines' observations are compared."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

from coinjecture_migration.runtime.timing import NOTHING, Spent

KINDS = ("verdict", "reason", "block_hash", "work", "height", "cumulative", "tip")
"""What is compared, gravest first; a divergence is counted under the first kind that differs."""


class _Unknown:
    """The value an engine cannot tell; it is compared with nothing."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()


@dataclass(slots=True)
class Observation:
    """One engine's verdict on one block, with everything that has to agree.

    Made by the engine's adapter and not changed after that. Not frozen: that would cost a call 4 us.

    Attributes:
        engine: `legacy` or `rust`.
        accepted: The verdict; False also where the engine broke.
        reasons: The codes a reject can stand for; more than one where the engine does not tell them apart.
        block_hash: Hash of the block's content, None where the rules compute none.
        work: Work score, None where the rules compute none.
        inserted: Whether the block is (or, for Rust, will be) a node of the tree; so with some rejects too.
        height: The node's height, None without a node.
        cumulative: The node's sum of work, None without a node.
        tip_hash: Block hash of the best tip afterwards.
        tip_cumulative: Its sum of work.
        received_at: Receipt time that the engine gave or was given, seconds since the epoch.
        spent: What judging took.
        error: The engine broke: what it raised. Then nothing above is meant.
        not_a_rule: The engine refused for a cause that no rule knows (its rate limit, its printing).
        cause: The exception by which the engine rejected.
        broken: Has the `value` that broke a rule and the `limit` of that rule, where the engine tells them.
    """

    engine: str
    accepted: bool = False
    reasons: frozenset[str] = frozenset()
    block_hash: Any = UNKNOWN
    work: Any = UNKNOWN
    inserted: bool = False
    height: Any = None
    cumulative: Any = None
    tip_hash: Any = UNKNOWN
    tip_cumulative: Any = UNKNOWN
    received_at: float | None = None
    spent: Spent = NOTHING
    error: BaseException | None = None
    not_a_rule: bool = False
    cause: BaseException | None = None
    broken: Any = None

    @property
    def reason(self) -> str | None:
        """The reject's code, several joined by `|` where the engine does not say; None for an accept."""
        return "|".join(sorted(self.reasons)) if self.reasons else None

    def as_json(self) -> dict[str, Any]:
        """The observation in the words of the test vectors."""
        if self.error is not None:
            return {"engine": self.engine, "verdict": "error", "error": repr(self.error)}
        return {
            "engine": self.engine,
            "verdict": "accept" if self.accepted else "reject",
            "reason": self.reason,
            "computed_hash": None if self.block_hash is UNKNOWN else self.block_hash,
            "work_bits": bits(self.work),
            "height_json": None if self.height is None else as_text(self.height),
            "cumulative_bits": bits(self.cumulative),
            "tip_hash_json": as_text(self.tip_hash),
            "tip_cumulative_bits": bits(self.tip_cumulative),
            "not_a_rule": self.not_a_rule,
        }


def compare(legacy: Observation, rust: Observation) -> tuple[str, ...]:
    """The kinds in which two verdicts differ, gravest first; empty where the engines agree."""
    reason_agrees = legacy.accepted or rust.accepted or bool(legacy.reasons & rust.reasons)
    agrees = (  # in the order of `KINDS`
        legacy.accepted == rust.accepted,
        reason_agrees,
        same(legacy.block_hash, rust.block_hash),
        same(legacy.work, rust.work),
        same(legacy.height, rust.height),
        same(legacy.cumulative, rust.cumulative),
        same(legacy.tip_hash, rust.tip_hash) and same(legacy.tip_cumulative, rust.tip_cumulative),
    )
    if all(agrees):
        return ()
    return tuple(kind for kind, agree in zip(KINDS, agrees, strict=True) if not agree)


def same(one: Any, other: Any) -> bool:
    """Whether two engines' values agree: type and value, floats by their 64 bits, any NaN like any other."""
    if one is UNKNOWN or other is UNKNOWN:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (one == other and one != 0.0) or bits(one) == bits(other)  # two zeros are equal, and differ
    return bool(one == other)


def bits(value: Any) -> str | None:
    """A float's 64 bits as 16 hex digits, `nan` for any NaN, None for what is no float."""
    if not isinstance(value, float):
        return None
    return "nan" if value != value else struct.pack(">d", value).hex()


def as_text(value: Any) -> str | None:
    """A JSON value as JSON text, None where it is none."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return None
