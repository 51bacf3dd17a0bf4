"""What follows for one node, settled piece by piece: settings that differ, and what is open or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils.visible import visible
from .defaults import Defaults

_TEMPLATE = re.compile(r"{{|{%|{#")


@dataclass(frozen=True)
class Setting:
    """A setting that differs from its default, with the reason in words."""

    name: str
    value: Any
    why: str


@dataclass
class Outcome:
    """What follows for one node.

    Attributes:
        unit: The unit that was chosen; empty where none could be.
        settings: Those that differ from their defaults, in the order in which they are stated.
        settled: Every setting that was found, by name, the defaults too.
        open: Questions without one answer, each with what to type; with any of them nothing is written.
        refused: What a step will refuse, and why.
        unproved: What cannot be proved of this node.
        engine: How the engine judges, in a sentence.
    """

    unit: str = ""
    engine: str = ""
    settings: list[Setting] = field(default_factory=list)
    settled: dict[str, Any] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Chosen:
    """What the operator has decided where more than one answer fits; empty where nothing was typed."""

    unit: str = ""
    database: str = ""
    port: int = 0


class Settling:
    """Settings one after the other: a later default may be made of an earlier setting."""

    def __init__(self, told: Outcome, defaults: Defaults) -> None:
        self.told, self._defaults = told, defaults

    def default(self, name: str) -> Any:
        """What a setting would be without being stated."""
        return self._defaults.of(name, self.told.settled)

    def put(self, name: str, value: Any, why: str) -> None:
        """Settle a setting; it is stated only where it differs from its default, and something honours it."""
        if not self._defaults.knows(name):
            return
        if bad := _unusable(value):
            self.told.open.append(
                f"{name} would be {visible(value)!r}, and {bad}; give it another name on the node"
            )
            return
        if value != self.default(name):
            self.told.settings.append(Setting(name, value, why))
        self.told.settled[name] = value


def _unusable(value: Any) -> str:
    """Why a stranger's text is no setting: in an inventory it would be a template, or could not be seen."""
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, list | tuple | Mapping) and (bad := _unusable(one)):
            return bad
        if isinstance(one, str) and _TEMPLATE.search(one):
            return "an inventory would take it for a template"
        if isinstance(one, str) and visible(one) != one:
            return "it has characters that cannot be seen"
    return ""
