"""The mode file: which mode a node is in, since when, by whom, why, and whether it is latched there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coinjecture_migration.runtime import durable
from coinjecture_migration.vocabulary import MODES

SCHEMA = 1
LARGEST = 2**20
"""More bytes than any mode file has."""


class ModeFileError(ValueError):
    """The mode file is there and does not say a mode; the message names file and damage."""


@dataclass(frozen=True)
class Latch:
    """A node lowered its own mode and stays there until an operator acknowledges.

    Attributes:
        at: When, in seconds since the epoch.
        from_mode: The mode it left.
        to_mode: The mode it took.
        why: What happened, for people.
        capture: File name of the divergence, if there is one.
    """

    at: float
    from_mode: str
    to_mode: str
    why: str
    capture: str | None

    def as_json(self) -> dict[str, Any]:
        """The latch as the mode file and `status` hold it."""
        return {
            "at": self.at,
            "from": self.from_mode,
            "to": self.to_mode,
            "why": self.why,
            "capture": self.capture,
        }


@dataclass(frozen=True)
class ModeRecord:
    """One state of the mode file; `since` is in seconds since the epoch.

    `watched` is what the watchers have latched, by kind (`fork`, `determinism`), as the evidence holds it.
    `while_stopped`: somebody wrote it for a node that was not running; its mode holds against the evidence's,
    at the one start that finds it.
    """

    mode: str
    since: float
    by: str
    why: str
    latched: Latch | None = None
    watched: Mapping[str, Any] = field(default_factory=dict)
    while_stopped: bool = False

    def as_json(self) -> dict[str, Any]:
        """The record as it is written."""
        return {
            "schema": SCHEMA,
            "mode": self.mode,
            "since": self.since,
            "by": self.by,
            "why": self.why,
            "latched": self.latched.as_json() if self.latched else None,
            "watched": dict(self.watched),
        } | ({"while_stopped": True} if self.while_stopped else {})


def read_mode_file(path: Path) -> ModeRecord | None:
    """The record in the file, None where there is no file.

    Raises:
        ModeFileError: The file cannot be read or does not hold a record with a known mode.
    """
    try:
        body = json.loads(durable.read(path, LARGEST))
        return _record(body)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModeFileError(f"{path}: damaged ({type(error).__name__}: {error})") from error


def _record(body: Mapping[str, Any]) -> ModeRecord:
    if body["schema"] != SCHEMA:
        raise ValueError(f"schema {body['schema']!r} is not {SCHEMA}")
    if body["mode"] not in MODES:
        raise ValueError(f"mode {body['mode']!r} is none of {MODES}")
    return ModeRecord(
        mode=body["mode"],
        since=float(body["since"]),
        by=str(body["by"]),
        why=str(body["why"]),
        latched=read_latch(body["latched"]),
        watched=dict(body.get("watched") or {}),  # an older wrapper wrote none
        while_stopped=body.get("while_stopped") is True,
    )


def read_latch(body: Mapping[str, Any] | None) -> Latch | None:
    """A latch from its JSON, None from none. Raises KeyError, TypeError or ValueError where it is another."""
    if body is None:
        return None
    return Latch(
        at=float(body["at"]),
        from_mode=str(body["from"]),
        to_mode=str(body["to"]),
        why=str(body["why"]),
        capture=None if body["capture"] is None else str(body["capture"]),
    )


def write_mode_file(path: Path, record: ModeRecord) -> None:
    """Replace the mode file atomically: after a power cut it holds the old record or the new one, whole.

    Raises:
        OSError: The disk refused; as `durable.replace`.
    """
    durable.replace(path, json.dumps(record.as_json(), indent=1, default=repr).encode() + b"\n")
