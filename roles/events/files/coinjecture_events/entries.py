"""The wrapper's entries in the system log, followed from where the last one was sent on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import durable

IDENTIFIER = "coinjecture-migration"
FIELD_PREFIX = "COINJECTURE_"
LEVELS = {"0": "fatal", "1": "fatal", "2": "fatal", "3": "error", "4": "warning"}


@dataclass(frozen=True)
class Alert:
    """One alert.

    Attributes:
        cursor: The place of its entry in the system log.
        at: When it was written, in seconds since the epoch.
        level: `fatal`, `error`, `warning` or `info`.
        message: What happened, for people.
        kind: What happened, for programs: `divergence`, `rust_error`, `demotion` and others.
        fields: What else the wrapper said, by name in lower case.
    """

    cursor: str
    at: float
    level: str
    message: str
    kind: str
    fields: Mapping[str, str]


def parse(line: str) -> Alert | None:
    """An entry as `journalctl --output=json` prints it; None where it is no alert of the wrapper.

    Raises:
        ValueError: The line is no entry. So does KeyError.
    """
    entry: dict[str, Any] = json.loads(line)
    kind = entry.get(f"{FIELD_PREFIX}KIND")
    if not isinstance(kind, str):
        return None
    fields = {
        name.removeprefix(FIELD_PREFIX).lower(): text(value)
        for name, value in entry.items()
        if name.startswith(FIELD_PREFIX) and name != f"{FIELD_PREFIX}KIND"
    }
    return Alert(
        cursor=entry["__CURSOR"],
        at=int(entry["__REALTIME_TIMESTAMP"]) / 1e6,
        level=LEVELS.get(str(entry.get("PRIORITY")), "info"),
        message=text(entry.get("MESSAGE")),
        kind=kind,
        fields=fields,
    )


def text(value: Any) -> str:
    """A field's value; journalctl gives bytes that are no text as a list of numbers."""
    if isinstance(value, list):
        return (
            bytes(value).decode("utf-8", "replace") if all(isinstance(b, int) for b in value) else str(value)
        )
    return "" if value is None else str(value)


def follow(unit: str, cursor: str | None) -> Iterator[Alert]:
    """The alerts of a unit, from after `cursor` (from now on where there is none) until the log ends.

    Args:
        unit: Only its processes are listened to: the name in an entry anybody could choose.
        cursor: Where to go on.

    Raises:
        RuntimeError: journalctl ended; the message says what it said.
    """
    start = [f"--after-cursor={cursor}"] if cursor else ["--lines=0"]
    command = ["journalctl", "--follow", "--output=json", "--all", *start]
    command += [f"_SYSTEMD_UNIT={unit}", f"SYSLOG_IDENTIFIER={IDENTIFIER}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None and reader.stderr is not None
        try:
            for line in reader.stdout:
                alert = parse(line)
                if alert is not None:
                    yield alert
            raise RuntimeError(f"journalctl ended: {reader.stderr.read().strip()[-500:]}")
        finally:
            reader.terminate()


class Cursor:
    """Where the last alert that was sent on stands in the system log, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str | None:
        """The cursor, None before the first."""
        try:
            return self._path.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def write(self, cursor: str) -> None:
        """Replace the cursor at once; an empty one after a power cut would leave alerts out."""
        durable.replace(self._path, cursor + "\n")
