"""The limits of the parity domain, each from both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.parity_domain import (
    MAX_BYTES,
    out_of_domain,
)


def a_block(**complexity: Any) -> bytes:
    """A block with this complexity."""
    return json.dumps({"index": 1, "complexity": complexity}).encode()


def nested(levels: int) -> bytes:
    """A block of exactly this many levels, the block itself being the first."""
    return b'{"problem": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        a_block(),
        b"{}",
        a_block(time_solve_O="O(2^n)", problem_size=4096),
        a_block(time_solve_O="O(2^n)", problem_size=-4096),
        a_block(time_solve_O="O(n^2)", problem_size=10**6),
        a_block(time_solve_O="O(2^n)", problem_size="9999999"),
        a_block(time_solve_O=7, problem_size=10**6),
        nested(64),
        b'{"x": "' + b"y" * (MAX_BYTES - 9) + b'"}',
        b'{"x": ' + b"9" * 4300 + b"}",
        b'{"x": NaN, "x": "\\ud800"}',
        b'{"complexity": [1]}',
    ],
)
def test_given_a_block_inside_then_nothing_is_said(raw: bytes) -> None:
    assert out_of_domain(raw) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"x": "' + b"y" * (MAX_BYTES - 8) + b'"}', "more than 1048576"),
        (nested(65), "more than 64 levels"),
        (nested(200_000), "more than 64 levels"),
        (b"[1]", "a JSON list, not an object"),
        (b"{", "not a JSON document"),
        (b'\xef\xbb\xbf{"x": 1}', "not a JSON document"),
        (b'{"x": "\xff"}', "not a JSON document"),
        (b'{"x": ' + b"9" * 4301 + b"}", "not a JSON document"),
        (a_block(time_solve_O="O(2^n)", problem_size=4097), "time_solve_O 'O(2^n)' with problem_size 4097"),
        (a_block(time_verify_O=" Theta(n!) ", problem_size=-4097), "time_verify_O"),
        (a_block(time_solve_O="Omega(n^n)", problem_size=float("nan")), "problem_size nan"),
        (a_block(time_solve_O="OO((2^n", problem_size=5000), None),
    ],
)
def test_given_a_block_outside_then_the_reason_is_named(raw: bytes, reason: str | None) -> None:
    found = out_of_domain(raw)
    assert found is None if reason is None else reason in (found or "")
