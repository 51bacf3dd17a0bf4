"""What an engine said about a block, in the notation of the vectors (`tests/vectors/README.md`)."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that the rules determine after one block; two engines agree when their outcomes are equal.

    Attributes:
        verdict: `accept`, `reject`, or what is no verdict: `unparsable` (no JSON object), `out_of_domain`,
            `error` (the engine broke).
        reason: Code of a reject; of an `error`, what happened.
        computed_hash: Hash of the content, None where the rules compute none.
        work_bits: Work score, 16 hex digits of the double or `nan`.
        height: Height of the node this block put into the tree, None if it put none.
        cumulative_bits: Its sum.
        tip_hash_json: Hash of the best tip afterwards, as JSON text.
        tip_cumulative_bits: The tip's sum.
    """

    verdict: str
    reason: str | None = None
    computed_hash: str | None = None
    work_bits: str | None = None
    height: int | str | None = None
    cumulative_bits: str | None = None
    tip_hash_json: str | None = None
    tip_cumulative_bits: str | None = None

    def as_expected(self) -> dict[str, Any]:
        """The `expect` of a step in a vectors file."""
        return asdict(self)

    @property
    def inserted(self) -> bool:
        """Whether the block put a node into the tree."""
        return self.height is not None

    @property
    def code(self) -> str:
        """The name this outcome is counted under: a reason code, `accept`, or what is no verdict."""
        return self.reason if self.verdict == "reject" and self.reason else self.verdict


class Engine(Protocol):
    """One engine with its tree, as the fuzzer drives it."""

    def submit(self, text: str, received_at: float) -> Outcome:
        """Judge and insert a block; `received_at` is in seconds."""
        ...


def bits(value: float) -> str:
    """Write the 64 bits of a double; every NaN is the same."""
    return "nan" if value != value else struct.pack(">d", value).hex()


def height_notation(value: Any) -> int | str:
    """Write a height: a small integer as it is, everything else as JSON text."""
    return value if type(value) is int and abs(value) < 2**53 else json.dumps(value)
