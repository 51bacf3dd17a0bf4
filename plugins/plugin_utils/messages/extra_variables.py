"""What a person types with ``-e``, against one table: every name is known, every value has its type.

The table is the argument specifications of the roles and of the playbooks (playbooks/meta); whatever else the
inventory or playbooks/group_vars sets may be overridden too, by a value of the same kind. For the controller.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
EVERY = "all"  # what the table of the playbooks says of every one of them
CRITERION = re.compile(r"gate_(min_.+|max_.+|confidence)")
TRUE = ("true", "yes", "on", "1")
FALSE = ("false", "no", "off", "0")


class RefusedError(ValueError):
    """A value that its variable cannot have; the text says what it can have."""


@dataclass(frozen=True)
class Variable:
    """What a variable may be.

    Attributes:
        kind: A type of Ansible's argument specifications, or ``number``.
        choices: The values it may have; empty for any.
        secret: Whether its value is shown to nobody.
        options: Of a dictionary whose keys are known, what each may be.
        playbooks: Those that know it; empty for all.
    """

    kind: str = "raw"
    choices: tuple[str, ...] = ()
    secret: bool = False
    options: Mapping[str, Variable] = field(default_factory=dict)
    playbooks: tuple[str, ...] = ()


def table(root: Path = ROOT) -> dict[str, Variable]:
    """Every variable of the roles and playbooks below ``root``, by its name."""
    known: dict[str, Variable] = {}
    for path in sorted(root.glob("playbooks/group_vars/all/*.yml")):
        known |= {name: like(value) for name, value in _loaded(path).items()}
    for path in sorted(root.glob("roles/*/meta/argument_specs.yml")):
        for entry in _entries(path).values():
            known |= {name: _specified(option) for name, option in entry["options"].items()}
    for playbook, entry in _entries(root / "playbooks/meta/argument_specs.yml").items():
        if playbook == EVERY:
            known |= {name: _specified(option) for name, option in entry["options"].items()}
            continue
        for name, option in entry["options"].items():
            others = known[name].playbooks if name in known else ()
            known[name] = _specified(option, (*others, playbook))
    if "gate_criteria" in known:  # put together of variables of the role gate
        single = {name.removeprefix("gate_"): it for name, it in known.items() if CRITERION.fullmatch(name)}
        known["gate_criteria"] = Variable("dict", options=single)
    return known


def _loaded(path: Path) -> Any:
    """A file of YAML; by libyaml, where PyYAML was built with it, it takes a tenth of the time."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def _entries(path: Path) -> dict[str, Any]:
    entries: dict[str, Any] = _loaded(path)["argument_specs"]
    return entries


def _specified(option: Mapping[str, Any], playbooks: tuple[str, ...] = ()) -> Variable:
    choices = tuple(str(choice) for choice in option.get("choices", ()))
    return Variable(option["type"], choices, bool(option.get("no_log")), playbooks=playbooks)


def like(value: Any) -> Variable:
    """What may be put in the place of ``value``; of a dictionary, its keys with values of their kinds."""
    if isinstance(value, bool):
        return Variable("bool")
    if isinstance(value, int | float):
        return Variable("number")
    if isinstance(value, str):
        return Variable("raw" if _is_template(value) else "str")
    if isinstance(value, Mapping):
        return Variable("dict", options={str(name): like(inner) for name, inner in value.items()})
    return Variable("list" if isinstance(value, Sequence) else "raw")


def checked(
    typed: Mapping[str, Any],
    known: Mapping[str, Variable],
    overridden: Mapping[str, Any],
    playbooks: Collection[str],
    ansibles: Collection[str] = (),
) -> tuple[dict[str, Any], list[str]]:
    """The values that were typed, each of its variable's type, and what is wrong with them in sentences.

    Args:
        typed: The extra variables of the run.
        known: The table.
        overridden: What is set without them, of which ``typed`` may override everything.
        playbooks: What is run, as the table names it.
        ansibles: Names of Ansible's own variables, whose values Ansible checks.
    """
    values, wrong = dict(typed), []
    names = {**{name: like(value) for name, value in overridden.items()}, **known}
    here = {name for name, it in names.items() if not it.playbooks or set(it.playbooks) & set(playbooks)}
    for name, value in typed.items():
        if name in ansibles:
            continue
        if name not in names:
            wrong.append(f"nothing knows the variable {name}{_meant(name, here | set(ansibles))}")
        elif name not in here:
            others = _files(names[name].playbooks)
            wrong.append(f"{name} is for {others}, not for {_files(sorted(playbooks))}")
        else:
            try:
                values[name] = coerced(value, names[name])
            except RefusedError as refused:
                shown = "what was typed" if names[name].secret else repr(value)
                wrong.append(f"{name} cannot be {shown}: {refused}")
    return values, wrong


def _files(playbooks: Sequence[str]) -> str:
    """The playbooks as they are typed."""
    typed = ["phase1.yml to phase3.yml" if name == "phase" else f"{name}.yml" for name in playbooks]
    return ", ".join(typed[:-1]) + " and " * (len(typed) > 1) + typed[-1]


def _meant(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


def coerced(value: Any, variable: Variable) -> Any:
    """``value`` in the type of its variable; a template stays, since it is no value yet.

    Raises:
        RefusedError: It cannot be one.
    """
    if isinstance(value, str) and _is_template(value):
        return value
    value = KINDS[variable.kind](value)
    if variable.choices and value is not None and str(value) not in variable.choices:
        raise RefusedError(f"it is one of {', '.join(filter(None, variable.choices))}")
    if not variable.options:
        return value
    if unknown := [name for name in value if name not in variable.options]:
        raise RefusedError(f"it has no {unknown[0]}{_meant(unknown[0], variable.options)}")
    return {name: coerced(inner, variable.options[name]) for name, inner in value.items()}


def _is_template(value: str) -> bool:
    return "{{" in value or "{%" in value


def _truth(value: Any) -> bool:
    text = str(value).strip().lower()
    if not isinstance(value, bool | int | str) or text not in (*TRUE, *FALSE):
        raise RefusedError("it is true or false")
    return text in TRUE


def _number(value: Any) -> int | float:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
        return int(number) if number.is_integer() and "." not in str(value) else number
    except ValueError:
        raise RefusedError("it is a number") from None


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise RefusedError("it is a whole number")
    return int(number)


def _text(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        raise RefusedError("it is a text")
    return value if value is None or isinstance(value, str) else str(value)


def _list(value: Any) -> Any:
    if isinstance(value, str):
        value = (
            _json(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",")]
        )
    if not isinstance(value, list | tuple):
        raise RefusedError("it is a list")
    return value


def _dictionary(value: Any) -> Any:
    value = _json(value) if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        raise RefusedError('it is a dictionary, typed as -e \'{"name": {"key": "value"}}\'')
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


KINDS: dict[str, Callable[[Any], Any]] = {
    "bool": _truth,
    "dict": _dictionary,
    "float": _number,
    "int": _whole,
    "list": _list,
    "number": _number,
    "path": _text,
    "raw": lambda value: value,
    "str": _text,
}
