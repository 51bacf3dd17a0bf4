"""What a setting of a node would be without an inventory, given what has been settled already."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = ("roles/wrapper/defaults/main.yml", "playbooks/group_vars/all/node.yml")


def stated(root: Path = ROOT) -> dict[str, Any]:
    """The defaults as they are written, templates too."""
    found: dict[str, Any] = {}
    for path in WRITTEN:
        found |= yaml.safe_load((root / path).read_text(encoding="utf-8"))
    return found


class Defaults:
    """Defaults with the settings of one node put in.

    Args:
        written: As `stated` gives them.
    """

    def __init__(self, written: Mapping[str, Any]) -> None:
        self._written = written
        self._jinja = Environment(autoescape=False)  # noqa: S701 - paths, of our own file
        self._jinja.filters["dirname"] = posixpath.dirname

    def knows(self, name: str) -> bool:
        """Whether the toolkit has such a setting."""
        return name in self._written

    def of(self, name: str, settled: Mapping[str, Any]) -> Any:
        """The default of a setting where those in ``settled`` are stated; None where there is none."""
        return self._rendered(self._written.get(name), settled)

    def _rendered(self, value: Any, settled: Mapping[str, Any]) -> Any:
        if isinstance(value, list):
            return [self._rendered(one, settled) for one in value]
        if not isinstance(value, str) or "{{" not in value:
            return value
        names = {name: settled.get(name) or self.of(name, settled) for name in self._named(value)}
        return self._jinja.from_string(value).render(names)

    def _named(self, text: str) -> list[str]:
        return [name for name in self._written if name in text]
