"""The wrapper's settings: one small JSON file, every value with a default.

What a setting may be is stated here alone: the node reads its file by it, the role `wrapper` has read by it
what it is about to write, and `docs/schemas/settings.schema.json` is what `settings.py --schema` prints.
"""
# ruff: noqa: RUF009 - _setting makes a field

from __future__ import annotations

import json
import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

if __name__ == "__main__":  # run as a file: the package lies one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coinjecture_migration import vocabulary
from coinjecture_migration.api_shape import SCHEMA as SHAPE
from coinjecture_migration.api_shape import ApiShape, ShapeError

SETTINGS_VARIABLE = "COINJECTURE_SETTINGS"
DEFAULT_SETTINGS = Path(vocabulary.SETTINGS_FILE)

T = TypeVar("T")
Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
URLS: Schema = {"type": "array", "items": {"type": "string", "pattern": "^https?://"}}
LARGE = 10**12
"""No number is as large."""


def _number(kind: str | list[str], **bounds: float) -> Schema:
    return {"type": kind, "minimum": 0, "exclusiveMaximum": LARGE, **bounds}


def _choice(*values: str | None) -> Schema:
    return {"enum": list(values)}


def _setting(schema: Schema, default: T, meaning: str) -> T:
    """A setting: what it may be, what it is where the file says nothing, and what it means."""
    return field(default=default, metadata={**schema, "description": meaning})


class SettingsError(ValueError):
    """The settings file cannot be followed; the message names file, value and remedy."""


@dataclass(frozen=True)
class Settings:
    """Where the wrapper keeps its files, and the few choices of policy it leaves to the operator."""

    node: str = field(
        default_factory=socket.gethostname,
        metadata={**TEXT, "description": "name of the node in the evidence; the host's where it is missing"},
    )
    state_dir: Path = _setting(TEXT, Path(vocabulary.STATE_DIR), "folder of mode file, evidence and captures")
    control_socket: Path = _setting(TEXT, Path(vocabulary.CONTROL_SOCKET), "path of the control socket")
    control_uid: int = _setting(_number("integer"), 0, "the one user id the control socket serves")
    release_link: Path = _setting(
        TEXT,
        Path("/opt/coinjecture/current"),
        "symlink to the installed wheel; the name it points to is the release",
    )
    node_config: Path = _setting(
        TEXT,
        Path("/etc/coinjecture/node.json"),
        "the node's configuration, part of the fingerprint that a soak belongs to",
    )
    on_divergence: str = _setting(
        _choice(*vocabulary.ENGINES),
        "legacy",
        "which verdict answers a block the engines disagree on in mode `rust`",
    )
    error_allowance: int = _setting(
        _number("integer"), 0, "Rust errors a soak in mode `rust` bears before the node demotes itself"
    )
    pin_profile: str | None = _setting(
        _choice("header", "full", None), None, "profile for both judging calls, or null: the call decides"
    )
    work_budget: int | None = _setting(
        _number(["integer", "null"], minimum=1),
        None,
        "units of work the Rust engine may spend on a block, or null for its own default",
    )
    max_captures: int = _setting(
        _number("integer"),
        200,
        "divergence files kept; further ones are counted, and written only where they demote",
    )
    flush_seconds: float = _setting(
        _number("number", exclusiveMinimum=0, maximum=1), 0.5, "how often the evidence reaches the disk"
    )
    drain_seconds: float = _setting(
        _number("number"), 10.0, "how long a mode change waits for the last call on the old engines"
    )
    peers: tuple[str, ...] = _setting(URLS, (), "base URLs of the peers' APIs, which the fork sentinel asks")
    api_shape: Mapping[str, Any] = field(
        default_factory=dict,
        metadata={**SHAPE, "description": "how those APIs are read, where not as the reference node's"},
    )
    sentinel_seconds: float = _setting(_number("number", minimum=1), 30.0, "time between two of its looks")
    determinism_seconds: float = _setting(
        _number("number"), 600.0, "time between two samples of the self-check; 0 switches it off"
    )
    determinism_pause: float = _setting(_number("number"), 0.25, "time before each of its judgements")
    reveal: str = _setting(
        _choice("compare", "legacy"),
        "compare",
        "whether both engines check a reveal and are compared, or the legacy engine alone does, "
        "whose own form of commitment no other engine knows",
    )
    quiet_legacy: bool = _setting(FLAG, False, "whether what the legacy engine prints is left out")
    tree_log: bool | None = _setting(
        {"type": ["boolean", "null"]},
        None,
        "whether the wrapper keeps the tree in a file, or null: where the node's storage keeps no log",
    )
    tree_log_max_bytes: int = _setting(
        _number("integer", minimum=4096),
        128 * 2**20,
        "size of that file at most; a larger tree is not kept, and an alert says so",
    )

    @property
    def mode_file(self) -> Path:
        """The mode file."""
        return self.state_dir / "mode.json"

    @property
    def genesis_file(self) -> Path:
        """The genesis, where the configuration names none."""
        return self.state_dir / "genesis.json"

    @property
    def tree_file(self) -> Path:
        """The tree, where the node's storage keeps no log."""
        return self.state_dir / "tree.log"

    @property
    def evidence_file(self) -> Path:
        """The evidence database."""
        return self.state_dir / "evidence.db"

    @property
    def reserve_file(self) -> Path:
        """Room that gives way to a way back on a full disk."""
        return self.state_dir / "reserve"

    @property
    def captures_dir(self) -> Path:
        """The folder of divergence files."""
        return self.state_dir / "captures"

    @property
    def forks_dir(self) -> Path:
        """The folder of both sides of a fork."""
        return self.state_dir / "forks"


SETTINGS: Mapping[str, Field[Any]] = {setting.name: setting for setting in fields(Settings)}


def schema() -> dict[str, Any]:
    """The JSON Schema of the settings file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "settings.schema.json",
        "title": f"The wrapper's settings: {vocabulary.SETTINGS_FILE}; every value has a default",
        "type": "object",
        "properties": {name: {**setting.metadata, **_default(setting)} for name, setting in SETTINGS.items()},
        "additionalProperties": False,
    }


def _default(setting: Field[Any]) -> dict[str, Any]:
    default = setting.default
    if default is MISSING:
        return {}
    return {"default": json.loads(json.dumps(default, default=str))}


def load_settings(path: Path | None = None) -> Settings:
    """Read `path`, else the file `COINJECTURE_SETTINGS` names, else the default one; missing means defaults.

    Raises:
        SettingsError: The file is unreadable, or as `parse_settings`.
    """
    path = path or Path(os.environ.get(SETTINGS_VARIABLE, DEFAULT_SETTINGS))
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read as JSON ({error}); mend the file or remove it"
        ) from error
    return parse_settings(text, str(path))


def parse_settings(text: bytes, where: str) -> Settings:
    """The settings that a file holds.

    Args:
        text: Its content.
        where: What a complaint begins with: its path.

    Raises:
        SettingsError: It is not a JSON object, or has an unknown name or an impossible value.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise SettingsError(
            f"{where}: cannot be read as JSON ({error}); mend the file or remove it"
        ) from error
    if not isinstance(values, dict):
        raise SettingsError(f"{where}: must hold a JSON object, holds a {type(values).__name__}")
    for name, value in values.items():
        if name not in SETTINGS:
            raise SettingsError(f"{where}: unknown setting {name!r}; known are {', '.join(sorted(SETTINGS))}")
        if wanted := _unlike(SETTINGS[name].metadata, value):
            raise SettingsError(f"{where}: {name} is {value!r}, must be {wanted}")
    return Settings(**{name: _converted(name, value) for name, value in values.items()})


def _unlike(schema: Schema, value: Any) -> str:
    """What a value would have to be, or an empty text where it is that."""
    if "enum" in schema:
        return "" if value in schema["enum"] else f"one of {tuple(schema['enum'])}"
    if "null" in schema["type"] and value is None:
        return ""
    if "boolean" in schema["type"]:
        return "" if isinstance(value, bool) else "true or false"
    if schema["type"] == "string":
        return "" if isinstance(value, str) and value else "a non-empty string"
    if schema["type"] == "object":
        try:
            ApiShape.of(value)
        except ShapeError as error:
            return f"a mapping that can be followed: {error}"
        return ""
    if schema["type"] == "array":
        urls = isinstance(value, list) and all(isinstance(one, str) for one in value)
        pattern = schema["items"]["pattern"]
        return "" if urls and all(re.match(pattern, one) for one in value) else "a list of http(s) URLs"
    return _unlike_number(schema, value)


def _unlike_number(schema: Schema, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGE:
        return "a number that is not negative"
    if value < schema["minimum"]:
        return f"at least {schema['minimum']}"
    if value <= schema.get("exclusiveMinimum", -1):
        return f"above {schema['exclusiveMinimum']}"
    if value > schema.get("maximum", LARGE):
        return f"at most {schema['maximum']}"
    return "a whole number" if "integer" in schema["type"] and not isinstance(value, int) else ""


def _converted(name: str, value: Any) -> Any:
    """A value of JSON as its setting has it."""
    if SETTINGS[name].type == "Path":
        return Path(value)
    return tuple(value) if isinstance(value, list) else value


def main(arguments: Sequence[str]) -> int:
    """`--schema` prints the schema; `NAME` says whether the settings on stdin, so called, can be followed."""
    if arguments == ["--schema"]:
        print(json.dumps(schema(), indent=1))
        return 0
    try:
        parse_settings(sys.stdin.buffer.read(), *arguments)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
