"""The forms of what the gate is told, checked by the schemas of docs/schemas.

They are taken more strictly than JSON Schema has them (a number is finite, a whole number is no float) and in
one way more loosely: a field that no schema names is not read, so a newer wrapper may tell more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .reading import LARGEST, finite, shown

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "schemas"
LARGEST_WHOLE, DEEPEST = 2**63, 64
KINDS = {
    "integer": "a whole number", "number": "a finite number", "object": "an object", "array": "a list",
    "string": "a text", "boolean": "true or false", "null": "null",
}  # fmt: skip


def complaints(form: str, value: Any) -> list[str]:
    """What does not fit the schema of that name, each with the path of the field and what was found there."""
    if unfit := _unfit(value):
        return [unfit]
    found = [best_match([error]) or error for error in _validator(form).iter_errors(value)]
    return sorted({_words(error) for error in found})


def _unfit(value: Any) -> str | None:
    """What no schema can be asked about, since no text can be made of it: numbers and nesting without end."""
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if len(path) > DEEPEST:
            return f"{path_of(path[:3])} is nested deeper than {DEEPEST} levels"
        if isinstance(item, Mapping):
            waiting += [((*path, key), inner) for key, inner in item.items()]
        elif isinstance(item, list):
            waiting += [((*path, place), inner) for place, inner in enumerate(item)]
        elif isinstance(item, int) and abs(item) > LARGEST:
            return f"{path_of(path) or 'it'} is {shown(item)}, larger than any number here"
    return None


def path_of(steps: Any) -> str:
    """A path as a message names it: ``evidence.gaps.recent[0].from``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{shown_name(step)}" for step in steps)
    return text.removeprefix(".")


def shown_name(name: Any) -> str:
    """The name of a field: as it is where it is a plain word."""
    return name if isinstance(name, str) and name.isidentifier() else shown(name)


@cache
def _validator(form: str) -> Validator:
    registry: Registry[Any] = Registry()
    for path in FOLDER.glob("*.schema.json"):
        schema = json.loads(path.read_text())
        del schema["$schema"]  # where it names its dialect, the library's own validator takes over
        registry = registry.with_resource(path.name, DRAFT202012.create_resource(schema))
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "number": lambda _, value: finite(value),
            "integer": lambda _, value: _is_whole(value),
            "object": lambda _, value: isinstance(value, Mapping),
        }
    )
    rules = {"additionalProperties": _additional}
    strict: type[Validator] = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, rules, type_checker=types
    )
    return strict(registry.contents(f"{form}.schema.json"), registry=registry)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_WHOLE


def _additional(
    validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Unknown fields are not read; where a schema says what they hold, they hold that."""
    if allowed is not False:
        rule = Draft202012Validator.VALIDATORS["additionalProperties"]
        yield from rule(validator, allowed, instance, schema)


def _words(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    told: Any = error.instance
    where = path_of(error.absolute_path) or "it"
    if error.validator == "required":
        missing = [name for name in wanted if name not in told]
        return f"{path_of([*error.absolute_path, missing[0]])} is missing"
    return f"{where} is {shown(told)}, {_wanted(error, wanted)}"


def _wanted(error: ValidationError, wanted: Any) -> str:
    match error.validator:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return f"not {' or '.join(KINDS[kind] for kind in kinds)}"
        case "enum":
            return f"not one of {', '.join(map(str, wanted))}"
        case "const":
            return f"not {wanted}"
        case "minimum":
            return f"below {wanted}"
        case _:
            return f"against {error.validator} {shown(wanted)} of its schema"
