"""What a soak has to show, as data of the inventory.

A new criterion is a variable of the role gate, with its default and its description there; and the judge that
asks for it by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...module_utils.vocabulary import COMPARING, MODES
from ..messages.extra_variables import CRITERION
from .reading import finite, shown

ROOT = Path(__file__).resolve().parents[3]
GOOD_OUTCOME = {mode: "match" if mode in COMPARING else "alone" for mode in MODES}
"""Which outcome counts as a good sample of a mode's soak."""
PREFIX = "gate_"
"""What a criterion's name begins with as a variable of the inventory."""
DEFAULTS: dict[str, float] = {
    name.removeprefix(PREFIX): value
    for name, value in yaml.safe_load((ROOT / "roles/gate/defaults/main.yml").read_text("utf-8")).items()
    if CRITERION.fullmatch(name)
}
"""Every criterion but the length of the soak, with the value that the role gate gives it."""


@dataclass(frozen=True)
class Criteria:
    """Checked criteria; times are in seconds. Those of `DEFAULTS` are attributes by their names.

    Attributes:
        nodes: The mode every node must be in.
        soaking: The nodes whose soak is asked about; the others must only be clean.
        soak_seconds: Continuous healthy time.
    """

    nodes: Mapping[str, str]
    soaking: tuple[str, ...]
    soak_seconds: float
    _numbers: Mapping[str, float]

    def __getattr__(self, name: str) -> float:
        """One of the criteria of the role gate."""
        try:
            return self.__dict__["_numbers"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(f"there is no criterion {name}") from None

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Criteria:
        """Check and convert criteria as the inventory gives them.

        Raises:
            ValueError: A criterion is missing, is not a number, or is out of its range.
        """
        if not isinstance(data, Mapping):
            raise ValueError(f"they are {shown(data)}, not an object")
        nodes = _nodes(data.get("nodes"))
        soaking = _soaking(data.get("soaking", ()), nodes)
        numbers = {
            name: _number({"confidence": DEFAULTS["confidence"]} | dict(data), name) for name in DEFAULTS
        }
        if not 0.5 <= numbers["confidence"] < 1:
            raise ValueError(f"confidence is {numbers['confidence']}, must be from 0.5 to below 1")
        if numbers["min_latency_pairs"] < 1:
            raise ValueError("min_latency_pairs is below 1: no data is never a pass")
        return cls(nodes, soaking, _number(data, "soak_seconds"), numbers)


def stated(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """All criteria: those that are stated, as variables with their prefix, and the role's own for the others.

    Raises:
        ValueError: There is no such criterion.
    """
    given = {name.removeprefix(PREFIX): value for name, value in zip(names, values, strict=True)}
    if unknown := sorted(set(given) - set(DEFAULTS)):
        raise ValueError(f"nothing knows {', '.join(PREFIX + name for name in unknown)}; see roles/gate")
    return DEFAULTS | given


def _nodes(nodes: Any) -> dict[str, str]:
    """The mode of every node."""
    if not isinstance(nodes, Mapping) or not nodes:
        raise ValueError(f"criteria name no nodes (nodes is {shown(nodes)})")
    for name, mode in nodes.items():
        if not isinstance(name, str) or not isinstance(mode, str) or mode not in GOOD_OUTCOME:
            raise ValueError(f"criteria name unknown modes: nodes has {shown(name)} in {shown(mode)}")
    return dict(nodes)


def _soaking(soaking: Any, nodes: Mapping[str, str]) -> tuple[str, ...]:
    """The nodes whose soak is asked about."""
    if not isinstance(soaking, list | tuple) or not all(isinstance(name, str) for name in soaking):
        raise ValueError(f"soaking is {shown(soaking)}, not a list of nodes")
    if strangers := [name for name in soaking if name not in nodes]:
        raise ValueError(f"criteria ask for a soak of nodes they do not name: {', '.join(strangers)}")
    return tuple(soaking)


def _number(data: Mapping[str, Any], key: str) -> float:
    """A finite number of at least 0."""
    value = data.get(key)
    if not finite(value):
        raise ValueError(f"{key} is {shown(value)}, not a number")
    assert isinstance(value, int | float)
    if value < 0:
        raise ValueError(f"{key} is negative")
    return float(value)
