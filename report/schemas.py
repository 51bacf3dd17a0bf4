"""The schemas in docs/schemas of what the toolkit writes for programs, and the one printed of the vocabulary.

The others name modes, engines and outcomes by references to that one, so that a word is stated once.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from consensus_surface import REASONS
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import ENGINES, MODES, OUTCOMES

FOLDER = Path(__file__).resolve().parents[1] / "docs/schemas"


def schema(name: str) -> Any:
    """The schema of this name, as it stands in its file."""
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    """What checks content against the schema of this name and those it refers to."""
    files = sorted(FOLDER.glob("*.schema.json"))
    resources = [(path.name, Resource.from_contents(json.loads(path.read_text("utf-8")))) for path in files]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator(schema(name), registry=registry)


def vocabulary_schema() -> dict[str, Any]:
    """The schema of the shared words: modes, engines, and counts by outcome and by reason."""
    count = {"type": "integer", "minimum": 0}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "vocabulary.schema.json",
        "title": "Words that the other schemas refer to: modes, engines, outcomes, reasons",
        "$defs": {
            "mode": {"enum": list(MODES)},
            "maybe_mode": {"enum": [*MODES, None]},
            "target": {"enum": list(MODES[1:]), "description": "a mode that a step leads to"},
            "left": {"enum": list(MODES[:-1]), "description": "a mode that a rollback leads to"},
            "engine": {"enum": list(ENGINES)},
            "maybe_engine": {"enum": [*ENGINES, None]},
            "outcomes": {
                **_object(dict.fromkeys(OUTCOMES, count)),
                "description": "judged calls by outcome; the sum equals calls",
            },
            "by_reason": {
                **_object(dict.fromkeys(REASONS, count)),
                "description": "rejects by the code of their reason",
            },
            "outcomes_by_mode": _object({mode: {"$ref": "#/$defs/outcomes"} for mode in MODES}),
        },
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


if __name__ == "__main__":
    print(json.dumps(vocabulary_schema(), indent=1))
