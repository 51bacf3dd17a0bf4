"""The open operation of a node: what has been begun there, and its target, fixed once.

It lies on the node, so that whoever runs the play again, from any machine, finishes that
and begins nothing new. It is written before anything else is changed, and taken away last.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

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
        value = json.loads(text)
    except ValueError as error:
        raise OperationError(f"not JSON: {error}") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or value.get("kind") not in KINDS:
        raise OperationError(f"no operation of schema {SCHEMA}")
    if not all(isinstance(value.get(name), str) for name in _TEXTS):
        raise OperationError(f"one of {', '.join(_TEXTS)} is no text")
    if not isinstance(value.get("mode"), str | None) or not isinstance(value.get("since"), int | float):
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
    """The open operation, None where there is none; a damaged file is ``{"damaged": why}``.

    The folder belongs to the node's user, so a link is not followed and only a little is read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        return {"damaged": f"{path}: {error.strerror}"}
    with os.fdopen(descriptor, "rb") as file:
        text = file.read(MAX_BYTES)
    try:
        return dict(parse(text))
    except OperationError as error:
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
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(wanted, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    _sync(path.parent)
    return True


def close(path: Path) -> bool:
    """Take the operation away; says whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _sync(path.parent)
    return True


def _sync(folder: Path) -> None:
    """Make a change of names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
