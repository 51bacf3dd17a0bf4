"""What an engine said about a block, in the notation of the vectors (``tests/vectors/README.md``)."""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

_DOUBLE = struct.Struct(">d")


class Outcome(NamedTuple):
    """All that the rules determine after one block; two engines agree when their outcomes are equal.

    Attributes:
        verdict: ``accept``, ``reject``, or what is no verdict: ``unparsable`` (no JSON object),
            ``out_of_domain``, ``error`` (the engine broke).
        reason: Code of a reject; of an ``error``, what happened.
        computed_hash: Hash of the content, None where the rules compute none.
        work_bits: Work score, 16 hex digits of the double or ``nan``.
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
        """The ``expect`` of a step in a vectors file."""
        return self._asdict()

    @property
    def inserted(self) -> bool:
        """Whether the block put a node into the tree."""
        return self.height is not None

    @property
    def code(self) -> str:
        """The name this outcome is counted under: a reason code, ``accept``, or what is no verdict."""
        return self.reason if self.verdict == "reject" and self.reason else self.verdict

    def differing(self, other: Outcome) -> tuple[str, ...]:
        """Names of the values in which another outcome differs."""
        return tuple(
            name for name, ours, theirs in zip(self._fields, self, other, strict=True) if ours != theirs
        )


def bits(value: float) -> str:
    """Write the 64 bits of a double; every NaN is the same."""
    return "nan" if value != value else _DOUBLE.pack(value).hex()


def from_bits(text: str) -> float:
    """Read what ``bits`` wrote.

    Raises:
        ValueError: It is no 16 hex digits and not ``nan``.
    """
    if text == "nan":
        return float("nan")
    data = bytes.fromhex(text)
    if len(data) != _DOUBLE.size:
        raise ValueError(f"{text!r} is not the 64 bits of a double as 16 hex digits")
    return float(_DOUBLE.unpack(data)[0])


def height_notation(value: Any) -> int | str:
    """Write a height: a small integer as it is, everything else as JSON text."""
    return value if type(value) is int and abs(value) < 2**53 else json.dumps(value)


def hash_notation(value: Any) -> str:
    """Write a block hash as JSON text."""
    # The text of an ordinary hash is itself in quotes; going through json costs more than judging does.
    if type(value) is str and len(value) == 64 and value.isascii() and value.isalnum():
        return f'"{value}"'
    return json.dumps(value)
