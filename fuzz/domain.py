"""Where the parity domain ends, by the words of the consensus rules ("Parity domain").

Written here apart from the engines, so that the Rust engine's own idea of the domain is compared as well.
"""

from __future__ import annotations

import re
from typing import Any

MAX_BYTES = 1 << 20
MAX_LEVELS = 64
MAX_TEXT_LEVELS = 512
"""Deeper than this a text is not read: how deep `json.loads` can go depends on the stack it is called on."""
MAX_EXPLOSIVE_SIZE = 4096
EXPLOSIVE_FORMS = ("2^n", "n!", "n^n")


def out_of_domain(text: str, block: dict[str, Any]) -> str | None:
    """Say why a block (its text, and what `json.loads` made of it) is outside the domain, None if inside."""
    if len(text) > MAX_BYTES // 4 and len(text.encode()) > MAX_BYTES:
        return f"more than {MAX_BYTES} bytes"
    # Every level opens a bracket: few brackets need no walk.
    if text.count("[") + text.count("{") > MAX_LEVELS and levels(block) > MAX_LEVELS:
        return f"more than {MAX_LEVELS} levels"
    if nests_too_deep(text):
        return f"a text of more than {MAX_TEXT_LEVELS} levels"
    complexity = block.get("complexity")
    return explosive(complexity) if isinstance(complexity, dict) else None


def nests_too_deep(text: str) -> bool:
    """Whether the text of an object opens too many brackets, overruled values and all."""
    if text.count("[") + text.count("{") <= MAX_TEXT_LEVELS or not text.lstrip(" \t\n\r").startswith("{"):
        return False
    depth = deepest = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', text, re.DOTALL):
        if token[0] in ("[", "{"):
            depth += 1
            deepest = max(depth, deepest)
        elif token[0] in ("]", "}"):
            depth -= 1
    return deepest > MAX_TEXT_LEVELS


def levels(value: Any) -> int:
    """How deep lists and objects are nested; the outermost is the first level."""
    depth, row = 0, [value] if isinstance(value, list | dict) else []
    while row:
        depth += 1
        members = (member for item in row for member in (item.values() if isinstance(item, dict) else item))
        row = [member for member in members if isinstance(member, list | dict)]
    return depth


def explosive(complexity: dict[str, Any]) -> str | None:
    """Say which form the oracle would compute for minutes, None if there is none."""
    size = complexity.get("problem_size")
    # "not <=" and not ">": a NaN is outside too.
    if isinstance(size, int | float) and not abs(size) <= MAX_EXPLOSIVE_SIZE:
        for key in ("time_solve_O", "time_verify_O"):
            form = complexity.get(key)
            if isinstance(form, str) and cleaned(form) in EXPLOSIVE_FORMS:
                return f"{key} explodes with a problem_size beyond {MAX_EXPLOSIVE_SIZE}"
    return None


def cleaned(form: str) -> str:
    """An asymptotic string without its symbols, as the work score reads it."""
    for symbol in ("O(", "Omega(", "Theta(", ")"):
        form = form.replace(symbol, "")
    return form.strip()
