"""A value of a node's own classes as JSON text, and whole again: every attribute, every type.

Plain JSON stands as it is; what JSON has no word for is an object with the one key `$`. Making a value again
runs no code of its class: an instance of a dataclass is made empty and given its attributes. Only dataclasses
and enums that the process has imported already are made, so a file can name nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException
from enum import Enum
from typing import Any

MARK = "$"
LEVELS = 200
"""No value is nested deeper; a block of the parity domain has 64 levels."""
PLAIN = (str, int, float, bool, type(None))
CONTAINERS = (dict, list, tuple, set, frozenset, str, bytes, int, float, BaseException)
"""An instance of a subclass of these holds more than its attributes."""
SEQUENCES: Mapping[str, Callable[[list[Any]], Any]] = {"tuple": tuple, "set": set, "frozenset": frozenset}


class NotWholeError(ValueError):
    """A value that cannot be written down so that it is the same again; the message says which."""


def as_text(value: Any) -> str:
    """A value as one line of JSON.

    Raises:
        NotWholeError: Something in it could not be made again.
    """
    try:
        return json.dumps(_told(value, LEVELS), separators=(",", ":"))
    except NotWholeError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise NotWholeError(f"{type(error).__name__}: {error}") from error


def from_text(text: str | bytes) -> Any:
    """The value that `as_text` wrote.

    Raises:
        NotWholeError: It is not of that form, or names a class that this process has not.
    """
    try:
        return _made(json.loads(text), LEVELS)
    except NotWholeError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, DecimalException, RecursionError) as error:
        raise NotWholeError(f"{type(error).__name__}: {error}") from error


def _told(value: Any, levels: int) -> Any:
    kind = type(value)
    if kind in PLAIN:
        return value
    if levels == 0:
        raise NotWholeError(f"nested deeper than {LEVELS} levels")
    if kind is list:
        return [_told(item, levels - 1) for item in value]
    if kind is dict:
        return _told_dict(value, levels)
    if kind in (tuple, set, frozenset):
        return {MARK: [kind.__name__, [_told(item, levels - 1) for item in value]]}
    if kind is bytes:
        return {MARK: ["bytes", value.hex()]}
    if kind is Decimal:
        return {MARK: ["decimal", str(value)]}
    if isinstance(value, Enum):
        return {MARK: ["enum", _name_of(kind), value.name]}
    if dataclasses.is_dataclass(kind) and not issubclass(kind, CONTAINERS):
        attributes = {name: _told(part, levels - 1) for name, part in _attributes(value).items()}
        return {MARK: ["object", _name_of(kind), attributes]}
    raise NotWholeError(f"a {kind.__module__}.{kind.__qualname__} has no durable form")


def _told_dict(value: dict[Any, Any], levels: int) -> Any:
    if MARK not in value and all(type(key) is str for key in value):
        return {key: _told(part, levels - 1) for key, part in value.items()}
    pairs = [[_told(key, levels - 1), _told(part, levels - 1)] for key, part in value.items()]
    return {MARK: ["dict", pairs]}


def _attributes(value: Any) -> dict[str, Any]:
    """What an instance has by itself, without attributes that were deleted and with those that were added."""
    if hasattr(value, "__dict__"):
        return dict(vars(value))
    names = (field.name for field in dataclasses.fields(value))
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _name_of(kind: type[Any]) -> str:
    name = f"{kind.__module__}:{kind.__qualname__}"
    if _class(name) is not kind:
        raise NotWholeError(f"{name} is another class by now, or has no place in its module")
    return name


def _class(name: str) -> type[Any]:
    """A dataclass or enum of this process."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and (dataclasses.is_dataclass(found) or issubclass(found, Enum)):
        return found
    raise NotWholeError(f"{name} is no dataclass or enum that this process has imported")


def _made(value: Any, levels: int) -> Any:
    if levels == 0:
        raise NotWholeError(f"nested deeper than {LEVELS} levels")
    if isinstance(value, list):
        return [_made(item, levels - 1) for item in value]
    if not isinstance(value, dict):
        return value
    if MARK not in value:
        return {key: _made(part, levels - 1) for key, part in value.items()}
    kind, *rest = value[MARK]
    if kind in SEQUENCES:
        return SEQUENCES[kind]([_made(item, levels - 1) for item in rest[0]])
    if kind == "bytes":
        return bytes.fromhex(rest[0])
    if kind == "decimal":
        return Decimal(rest[0])
    if kind == "dict":
        return {_made(key, levels - 1): _made(part, levels - 1) for key, part in rest[0]}
    if kind == "enum":
        return _member(_class(rest[0]), rest[1])
    if kind == "object":
        return _instance(_class(rest[0]), {name: _made(part, levels - 1) for name, part in rest[1].items()})
    raise NotWholeError(f"{kind!r} is no form of a value")


def _member(kind: type[Any], name: str) -> Any:
    if not issubclass(kind, Enum):
        raise NotWholeError(f"{kind.__qualname__} is no enum")
    return kind[name]


def _instance(kind: type[Any], attributes: Mapping[str, Any]) -> Any:
    if not dataclasses.is_dataclass(kind):
        raise NotWholeError(f"{kind.__qualname__} is no dataclass")
    made = object.__new__(kind)
    for name, part in attributes.items():
        object.__setattr__(made, name, part)
    return made
