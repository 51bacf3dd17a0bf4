"""Reading evidence that nobody vouches for: every value is what it should be, or it is not believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class Garbled(ValueError):
    """The evidence is there, but a value in it cannot be believed."""


def finite(value: Any) -> bool:
    """True for a finite int or float; a bool is not a number here."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(record: Mapping[str, Any], key: str, where: str = "") -> float:
    """A finite number of the evidence; raises `Garbled`."""
    value = record.get(key)
    if not finite(value):
        raise Garbled(f"{where}{key} is {value!r}, not a finite number")
    assert isinstance(value, int | float)
    return float(value)


def count(record: Mapping[Any, Any], key: Any, where: str = "") -> int:
    """A whole number of at least 0; raises `Garbled`."""
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Garbled(f"{where}{key} is {value!r}, not a count")
    return value


def part(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside the evidence; raises `Garbled`."""
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise Garbled(f"{key} is not an object")
    return value


def counts(record: Mapping[str, Any], key: str) -> dict[str, int]:
    """An object of counts by name; raises `Garbled`."""
    found = part(record, key)
    return {str(name): count(found, name, f"{key}.") for name in found}
