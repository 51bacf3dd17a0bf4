"""Reading evidence that nobody vouches for: every value is what it should be, or it is not believed."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

LARGEST = 1e300
"""No number that is told of is larger; a whole number of any length can be compared with it."""

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 60
_REPR.maxlevel = 3


class GarbledError(ValueError):
    """The evidence is there, but a value in it cannot be believed."""


def finite(value: Any) -> bool:
    """True for a finite int or float that a float can hold; a bool is not a number here."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def shown(value: Any) -> str:
    """A value as a message can name it: short, on one line, whatever it is."""
    try:
        return _REPR.repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits has no text
        return f"a value of type {type(value).__name__} that cannot be shown"


def printable(text: str, most: int = 500) -> str:
    """A text as a terminal may show it: a node's words move no cursor and fill no screen."""
    shortened = text if len(text) <= most else f"{text[:most]}..."
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shortened)


def number(record: Mapping[str, Any], key: str, where: str = "") -> float:
    """A finite number of the evidence; raises `GarbledError`."""
    value = record.get(key)
    if not finite(value):
        raise GarbledError(f"{where}{key} is {shown(value)}, not a finite number")
    assert isinstance(value, int | float)
    return float(value)


def count(record: Mapping[Any, Any], key: Any, where: str = "") -> int:
    """A whole number of at least 0; raises `GarbledError`."""
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise GarbledError(f"{where}{key} is {shown(value)}, not a count")
    return value


def part(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside the evidence; raises `GarbledError`."""
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise GarbledError(f"{key} is not an object")
    return value


def counts(record: Mapping[str, Any], key: str) -> dict[str, int]:
    """An object of counts by name; raises `GarbledError`."""
    found = part(record, key)
    return {str(name): count(found, name, f"{key}.") for name in found}
