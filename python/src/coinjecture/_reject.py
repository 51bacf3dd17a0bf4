"""A reject as the exception that a node catches, in words."""

from __future__ import annotations

from reprlib import Repr
from typing import Any

from consensus_surface import HeaderValidationError

from ._types import Reason

_TOLD: dict[str, str] = {
    "malformed": "a field is missing, or a rule cannot be evaluated",
    "unknown_parent": "no block {value} is known",
    "bad_height": "index {value} where the parent asks for {limit}",
    "bad_timestamp": "timestamp {value} is not after the parent's {limit}",
    "missing_proof": "problem or solution is {value}",
    "bad_merkle_root": "merkle_root {value} has not the length {limit}",
    "missing_complexity": "complexity is {value}",
    "no_work": "work score {value} is not above {limit}",
    "bad_block_hash": "block_hash {value} where the content hashes to {limit}",
    "bad_proof": "solution {value} does not solve the problem with target {limit}",
    "bad_tier_size": "problem size {value} is not within {limit} of its tier",
}
"""No second list of reasons: tests/parity/test_stated_once.py asks for words of each of `REASONS`."""
_short = Repr()
_short.maxstring = _short.maxother = _short.maxlong = 80


def rejection(reason: Reason, value: Any = None, limit: Any = None) -> HeaderValidationError:
    """The exception for a reject; its message is ASCII, so that whoever prints it can."""
    told = _TOLD[reason].format(value=_short.repr(value), limit=_short.repr(limit))
    message = f"{reason}: {told}".encode("ascii", "backslashreplace").decode("ascii")
    rejected = HeaderValidationError(message, reason)
    rejected.value, rejected.limit = value, limit  # an older class takes no more than the reason
    return rejected
