"""The open operation of a node: what has been begun there, and its target, fixed once.

It lies on the node, so that whoever runs the play again, from any machine, finishes that
and begins nothing new. It is written before anything else is changed, and taken away last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

try:
    from ansible.module_utils import durable
    from ansible.module_utils.bounded_reader import Unreadable, parse_json, read_bytes
except ImportError:  # outside of Ansible, in the tests
    import durable
    from bounded_reader import Unreadable, parse_json, read_bytes

SCHEMA = 1
KINDS = ("rollback", "upgrade")
MAX_BYTES = 65_536

_TEXTS = ("kind", "origin", "target", "by", "why")


class OperationError(Exception):
    """The operation cannot be opened or closed; the message says why and what to do."""


class Operation(TypedDict):
    """What has been begun on a node.

    ``kind`` is ``rollback`` or ``upgrade``; ``origin`` and ``target`` are modes for a rollback (``target``
    may be ``removed``) and releases for an upgrade; ``mode`` is the mode when it began, or None;
    ``since`` is in seconds since the epoch; ``by`` and ``why`` are for people.
    """

    schema: int
    kind: str
    origin: str
    target: str
    mode: str | None
    since: float
    by: str
    why: str


def parse(text: str | bytes) -> Operation:
    """Read an operation.

    Raises:
        OperationError: It is none.
    """
    try:
        value = parse_json(text, "the operation")
    except Unreadable as error:
        raise OperationError(str(error)) from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or value.get("kind") not in KINDS:
        raise OperationError(f"no operation of schema {SCHEMA}")
    if not all(isinstance(value.get(name), str) for name in _TEXTS):
        raise OperationError(f"one of {', '.join(_TEXTS)} is no text")
    if not isinstance(value.get("mode"), str | None) or not _is_number(value.get("since")):
        raise OperationError("mode or since are not what they should be")
    return Operation(
        schema=SCHEMA,
        kind=value["kind"],
        origin=value["origin"],
        target=value["target"],
        mode=value["mode"],
        since=float(value["since"]),
        by=value["by"],
        why=value["why"],
    )


def read(path: Path) -> dict[str, Any] | None:
    """The open operation, None where there is none; a damaged file is ``{"damaged": why}``."""
    try:
        return dict(parse(read_bytes(path, MAX_BYTES)))
    except FileNotFoundError:
        return None
    except Unreadable as error:
        return {"damaged": str(error)}
    except (OperationError, OSError) as error:
        return {"damaged": f"{path}: {error}"}


def write(path: Path, operation: Mapping[str, Any]) -> bool:
    """Open an operation, or replace the one that is open; says whether anything changed.

    The file appears whole or not at all and outlives a power cut.

    Raises:
        OperationError: It is no operation.
        OSError: The disk refused.
    """
    wanted = parse(json.dumps(operation))
    if read(path) == wanted:
        return False
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    durable.replace(path, json.dumps(wanted, indent=1) + "\n")
    return True


def close(path: Path) -> bool:
    """Take the operation away; says whether there was one."""
    gone: bool = durable.remove(path)
    return gone


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
