"""Which stored blocks lie outside the domain in which both engines are proven equal.

The limits are those of "Parity domain" in the consensus rules: 1 MiB, 64 levels, text
that parses to an object, and no exponential complexity with a size over 4096. A chain
that holds a block beyond them cannot be followed by the Rust engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 1024 * 1024
MAX_LEVELS = 64
MAX_EXPONENTIAL_SIZE = 4096
EXPONENTIAL = frozenset({"2^n", "n!", "n^n"})


def out_of_domain(raw: bytes) -> str | None:
    """Say why a block lies outside the domain, or None where it lies inside.

    Args:
        raw: The block's bytes as the node stored them.
    """
    if len(raw) > MAX_BYTES:
        return f"{len(raw)} bytes, more than {MAX_BYTES}"
    try:
        block = json.loads(raw.decode("utf-8"))
    except RecursionError:
        return f"more than {MAX_LEVELS} levels"
    except ValueError as error:
        return f"not a JSON document: {error}"
    if not isinstance(block, dict):
        return f"a JSON {type(block).__name__}, not an object"
    if _levels(block) > MAX_LEVELS:
        return f"more than {MAX_LEVELS} levels"
    return _too_complex(block.get("complexity"))


def _levels(value: Any) -> int:
    """Depth of nesting; the value itself is the first level. Walks without recursion."""
    deepest, todo = 0, [(value, 1)]
    while todo:
        item, level = todo.pop()
        children = item.values() if isinstance(item, dict) else item if isinstance(item, list) else None
        if children is None:
            continue
        deepest = max(deepest, level)
        todo += [(child, level + 1) for child in children]
    return deepest


def _too_complex(complexity: Any) -> str | None:
    """The live engine would compute an exponential of a large size for minutes."""
    if not isinstance(complexity, Mapping):
        return None
    size = complexity.get("problem_size")
    if not isinstance(size, int | float) or abs(size) <= MAX_EXPONENTIAL_SIZE:
        return None
    for key in ("time_solve_O", "time_verify_O"):
        text = complexity.get(key)
        if isinstance(text, str) and _cleaned(text) in EXPONENTIAL:
            return f"{key} {text!r} with problem_size {size!r}, more than {MAX_EXPONENTIAL_SIZE}"
    return None


def _cleaned(text: str) -> str:
    """An asymptotic string as the work score reads it."""
    for mark in ("O(", "Omega(", "Theta(", ")"):
        text = text.replace(mark, "")
    return text.strip()
