"""The open operation of a node: what has been begun there, and its target, fixed once.

It lies on the node, so that whoever runs the play again, from any machine, finishes that
and begins nothing new. It is written before anything else is changed, and taken away last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, TypedDict

from . import durable
from .bounded_reader import UnreadableError, parse_json, read_bytes
from .operator_folder import OPERATION, RESERVE, OperatorFolder

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
    except UnreadableError as error:
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


def read(folder: OperatorFolder) -> dict[str, Any] | None:
    """The open operation, None where there is none; a damaged file is ``{"damaged": why}``."""
    path = folder.here / OPERATION
    try:
        return dict(parse(read_bytes(path, MAX_BYTES, owner=os.geteuid())))
    except FileNotFoundError:
        return None
    except UnreadableError as error:
        return {"damaged": str(error)}
    except (OperationError, OSError) as error:
        return {"damaged": f"{path}: {error}"}


def write(folder: OperatorFolder, operation: Mapping[str, Any]) -> bool:
    """Open an operation, or replace the one that is open; says whether anything changed.

    The file appears whole or not at all and outlives a power cut; a full disk does not keep it out.

    Raises:
        OperationError: It is no operation.
        OSError: The disk refused.
    """
    wanted = parse(json.dumps(operation))
    if read(folder) == wanted:
        return False
    folder.make()
    text = json.dumps(wanted, indent=1) + "\n"
    durable.replace(folder.path / OPERATION, text, reserve=folder.path / RESERVE)
    return True


def would_close(folder: OperatorFolder, target: str = "") -> bool:
    """Whether an operation is open, with this target where one is named: another one is somebody else's."""
    found = read(folder)
    return found is not None and (not target or found.get("target") == target)


def close(folder: OperatorFolder, target: str = "") -> bool:
    """Take the operation away; says whether there was one with this target, any where it is empty."""
    if not would_close(folder, target):
        return False
    folder.make()
    durable.remove(folder.path / OPERATION)
    folder.keep_reserve()
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
