"""What survives of a mode and its latch: the mode file and the evidence each keep them.

At a start the more careful of the two holds: latched over not latched, a lower mode over a higher one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from coinjecture_migration.alerts import Alerts
from coinjecture_migration.evidence import Evidence
from coinjecture_migration.modefile import (
    MODES,
    DamagedModeFile,
    Latch,
    ModeRecord,
    read_latch,
    read_mode_file,
)

LATCHED = "latched"
"""The fact of the evidence that holds the latch."""


class ModeMemory:
    """The mode on the disk, in two places.

    Args:
        path: The mode file.
        evidence: The other place.
        alerts: Told where the two disagree.
    """

    def __init__(self, path: Path, evidence: Evidence, alerts: Alerts) -> None:
        self._path, self._evidence, self._alerts = path, evidence, alerts
        self._default = "legacy"

    def recall(self, default: str) -> tuple[ModeRecord, bool]:
        """The record to start with, and whether the mode file is to be written at once.

        A file that is damaged, or missing though the node has run before, stays as it is until somebody
        changes the mode or acknowledges: till then `status` says so.

        Args:
            default: The mode where there is no mode file.
        """
        self._default = default
        stored, (file, damage) = self._evidence.remembered(), self._file()
        record = self.next_start()
        remembered = stored[0] if stored else None
        if damage is not None:
            self._alerts.add(
                "mode_file_damaged",
                f"{damage}; starting in {record.mode}",
                remembered=remembered or "nothing",
            )
            return record, False
        if file is None:
            if remembered is None:
                return record, True
            self._alerts.add(
                "mode_file_missing",
                f"{self._path}: missing, starting in {record.mode}",
                remembered=remembered,
            )
            return record, False
        other = _stored_record(stored, file)
        if _essence(other) != _essence(file):
            self._alerts.add(
                "mode_memory_disagrees",
                f"mode file and evidence disagree; starting in {_words(record)}, the more careful of the two",
                mode_file=_words(file),
                evidence=_words(other),
            )
        return record, record != file

    def next_start(self) -> ModeRecord:
        """What a start would make of the disk as it is."""
        file, damage = self._file()
        if damage is not None:
            file = ModeRecord("legacy", time.time(), "wrapper", damage)
        elif file is None:
            file = ModeRecord(self._default, time.time(), "wrapper", "no mode file")
        return _careful(file, _stored_record(self._evidence.remembered(), file))

    def report(self, in_force: ModeRecord) -> dict[str, Any]:
        """`mode_file` of `status`: what is wrong on the disk, and what the next start would take."""
        following = self.next_start()
        return {
            "problem": self._problem(in_force, following),
            "next_start": {"mode": following.mode, "latched": following.latched is not None},
        }

    def _problem(self, in_force: ModeRecord, following: ModeRecord) -> dict[str, str] | None:
        file, damage = self._file()
        then = f"the next start takes {_words(following)}"
        if damage is not None:
            return {"kind": "damaged", "why": f"{damage}; {then}"}
        if file is None:
            return {"kind": "missing", "why": f"{self._path}: missing; {then}"}
        if _essence(file) != _essence(in_force):
            said = f"{self._path} says {_words(file)}, in force is {_words(in_force)}"
            return {"kind": "differs", "why": f"{said}; {then}"}
        stored = self._evidence.remembered()
        if stored is None or stored[0] is None:
            return {"kind": "evidence", "why": f"the evidence could not be read or written; {then}"}
        if _essence(_stored_record(stored, file)) != _essence(in_force):
            other = _words(_stored_record(stored, file))
            said = f"the evidence says {other}, in force is {_words(in_force)}"
            return {"kind": "evidence", "why": f"{said}; {then}"}
        return None

    def _file(self) -> tuple[ModeRecord | None, str | None]:
        """The mode file's record, and what is wrong with the file."""
        try:
            return read_mode_file(self._path), None
        except DamagedModeFile as error:
            return None, str(error)


def _stored_record(stored: tuple[str | None, Mapping[str, Any]] | None, file: ModeRecord) -> ModeRecord:
    """The evidence's side of a record; where it has none, the file's."""
    if stored is None or stored[0] not in MODES:
        return file
    mode, facts = stored
    return replace(file, mode=str(mode), latched=_latch(facts.get(LATCHED)))


def _latch(fact: Any) -> Latch | None:
    """A latch that the evidence holds; one that cannot be read is one all the same."""
    try:
        return read_latch(fact)
    except (KeyError, TypeError, ValueError):
        return Latch(
            0.0, "legacy", "legacy", f"the evidence holds a latch that cannot be read: {fact!r}", None
        )


def _careful(file: ModeRecord, stored: ModeRecord) -> ModeRecord:
    """The lower mode, and a latch if one of the two has one."""
    mode = min(file.mode, stored.mode, key=MODES.index)
    return replace(file, mode=mode, latched=file.latched or stored.latched)


def _essence(record: ModeRecord) -> tuple[str, bool]:
    return record.mode, record.latched is not None


def _words(record: ModeRecord) -> str:
    return f"{record.mode}, {'latched' if record.latched else 'not latched'}"
