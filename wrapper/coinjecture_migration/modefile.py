"""The mode file: which mode a node is in, since when, by whom, why, and whether it is latched there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SCHEMA = 1
MODES = ("legacy", "shadow", "rust", "final")
"""The modes in the order of the migration."""


class DamagedModeFile(ValueError):
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
    """One state of the mode file; `since` is in seconds since the epoch."""

    mode: str
    since: float
    by: str
    why: str
    latched: Latch | None = None

    def as_json(self) -> dict[str, Any]:
        """The record as it is written."""
        body = {"schema": SCHEMA, **asdict(self)}
        body["latched"] = self.latched.as_json() if self.latched else None
        return body


def read_mode_file(path: Path) -> ModeRecord | None:
    """The record in the file, None where there is no file.

    Raises:
        DamagedModeFile: The file cannot be read or does not hold a record with a known mode.
    """
    try:
        body = json.loads(path.read_bytes())
        return _record(body)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedModeFile(f"{path}: damaged ({type(error).__name__}: {error})") from error


def _record(body: Mapping[str, Any]) -> ModeRecord:
    if body["schema"] != SCHEMA:
        raise ValueError(f"schema {body['schema']!r} is not {SCHEMA}")
    if body["mode"] not in MODES:
        raise ValueError(f"mode {body['mode']!r} is none of {MODES}")
    latch = body["latched"]
    return ModeRecord(
        mode=body["mode"],
        since=float(body["since"]),
        by=str(body["by"]),
        why=str(body["why"]),
        latched=None
        if latch is None
        else Latch(
            at=float(latch["at"]),
            from_mode=str(latch["from"]),
            to_mode=str(latch["to"]),
            why=str(latch["why"]),
            capture=None if latch["capture"] is None else str(latch["capture"]),
        ),
    )


def write_mode_file(path: Path, record: ModeRecord) -> None:
    """Replace the mode file atomically: after a power cut it holds the old record or the new one, whole.

    Raises:
        OSError: The disk refused; the old file stands.
    """
    text = json.dumps(record.as_json(), indent=1) + "\n"
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
