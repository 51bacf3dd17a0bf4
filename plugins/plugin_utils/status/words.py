"""Durations, times and colours as the screen and the page write them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

COLOURS = {"good": "32", "bad": "31;1", "busy": "33", "dim": "2", "strong": "1"}
"""Meaning of a text and its SGR code."""

Paint = Callable[[str, str], str]
"""Gives a text (second) the colour of a meaning (first), or gives it back as it is."""


def plain(_meaning: str, text: str) -> str:
    """Paint nothing."""
    return text


def coloured(meaning: str, text: str) -> str:
    """Paint for a terminal."""
    return f"\033[{COLOURS[meaning]}m{text}\033[0m" if meaning in COLOURS and text else text


def seconds(value: float | None) -> str:
    """A short duration: ``32us``, ``1.5ms``; ``>1s`` above the last edge of the histograms."""
    if value is None:
        return ">1s"
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if value * factor < 999.5:
            amount = value * factor
            return f"{amount:.0f}{unit}" if amount >= 10 else f"{amount:.1f}{unit}"
    return f"{value:.1f}s"


def duration(value: float) -> str:
    """A long duration in its two largest units: ``42s``, ``3m 20s``, ``6d 4h``."""
    whole = max(0, int(value))
    for unit, size, small, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // part}{small}"
    return f"{whole}s"


def within(value: float) -> str:
    """How far off a moment is: ``in 3m 20s``, or ``now`` where it has passed."""
    return f"in {duration(value)}" if value > 0 else "now"


def clock(when: Any) -> str:
    """A time as UTC, or a dash where none is known."""
    if not isinstance(when, int | float) or isinstance(when, bool):
        return str(when)[:19] if isinstance(when, str) else "-"
    try:
        return datetime.fromtimestamp(when, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # no time that a calendar has
        return "-"
