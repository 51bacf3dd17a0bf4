"""The shape of a node's blocks: plain dicts, or objects of its own classes, made whole again from JSON.

A node's own JSON of a block may leave out what the rules read, and its class need not be able to make a
block of it. So an object is read attribute by attribute (the Rust engine does that), and made again after a
sample of its kind: dataclasses as dataclasses, enums by value, everything else as it is.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from enum import Enum
from typing import Any


class ShapeError(ValueError):
    """A block of this shape cannot be made from these fields; the message says which."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """How one value of a block is made from JSON.

    Attributes:
        kind: `plain`, `object` or `enum`.
        cls: The class, of an object or enum.
        parts: The shapes of its attributes that are not plain, of an object.
    """

    kind: str
    cls: type[Any] | None = None
    parts: Mapping[str, Shape] = dataclasses.field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether JSON as it is will do."""
        return self.kind == "plain"

    def make(self, value: Any) -> Any:
        """The value of this shape that JSON stands for.

        Raises:
            ShapeError: It lacks what the class needs.
        """
        if value is None or self.cls is None:
            return value
        if self.kind == "enum":
            try:
                return self.cls(value)
            except ValueError:
                return value  # the node keeps such a one as its text, too
        if not isinstance(value, Mapping):
            return value
        names = {field.name: field for field in dataclasses.fields(self.cls) if field.init}
        given = {name: self.parts.get(name, PLAIN).make(value[name]) for name in names if name in value}
        try:
            return self.cls(**given)
        except TypeError as error:
            raise ShapeError(f"no {self.cls.__name__} can be made: {error}") from error

    def as_json(self) -> Any:
        """The shape for a file."""
        if self.cls is None:
            return None
        parts = {name: part.as_json() for name, part in self.parts.items()}
        return {
            "kind": self.kind,
            "module": self.cls.__module__,
            "class": self.cls.__qualname__,
            "parts": parts,
        }


PLAIN = Shape("plain")


def shape_of(sample: Any, otherwise: Shape | None = None) -> Shape:
    """The shape of a block, or of a value in one, after a sample; where that has none, another's shape."""
    if sample is None and otherwise is not None:
        return otherwise
    if isinstance(sample, Enum):
        return Shape("enum", type(sample))
    if not dataclasses.is_dataclass(sample) or isinstance(sample, type):
        return PLAIN
    known = otherwise.parts if otherwise is not None and otherwise.cls is type(sample) else {}
    parts = {
        field.name: shape_of(getattr(sample, field.name, None), known.get(field.name))
        for field in dataclasses.fields(sample)
    }
    return Shape("object", type(sample), {name: part for name, part in parts.items() if not part.is_plain})


def shape_from(saved: Any) -> Shape:
    """The shape that `as_json` wrote; its classes are imported.

    Raises:
        ImportError, AttributeError: A class is not there any more.
    """
    if not isinstance(saved, Mapping):
        return PLAIN
    found: Any = importlib.import_module(saved["module"])
    for name in saved["class"].split("."):
        found = getattr(found, name)
    return Shape(saved["kind"], found, {name: shape_from(part) for name, part in saved["parts"].items()})
