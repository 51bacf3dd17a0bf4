"""What survives of a mode and its latches: the mode file and the evidence each keep them.

At a start the more careful of the two holds: latched over not latched, a lower mode over a higher one. Only a
mode that somebody wrote into the file while the node was stopped holds against a lower one of the evidence.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coinjecture_migration.evidence.evidence import MODE, Evidence
from coinjecture_migration.modes.mode_file import (
    Latch,
    ModeFileError,
    ModeRecord,
    read_latch,
    read_mode_file,
    write_mode_file,
)
from coinjecture_migration.runtime import durable
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.errors import ModeChangeError
from coinjecture_migration.runtime.reserve import Reserve, no_room
from coinjecture_migration.settings import Settings
from coinjecture_migration.vocabulary import MODES

log = logging.getLogger("coinjecture.migration")

LATCHED = "latched"
"""The fact of the evidence that holds the latch."""
ADVICE = {
    errno.ENOSPC: "make room on the disk, then try again",
    errno.EDQUOT: "make room on the disk, then try again",
    errno.EROFS: "its file system is read-only: look into the system log, mount it writable, then try again",
    errno.ENOENT: "its folder is gone: restart the unit, which makes it anew, or put it back",
    errno.EACCES: "give the folder back to the node's user, then try again",
    errno.EPERM: "give the folder back to the node's user, then try again",
}
OTHER_ADVICE = "look into the system log for what is wrong with the disk, then try again"
EVIDENCE_ADVICE = (
    "look into the system log for what evidence.db says and mend that, then try again"
    " (a damaged one may be moved aside while the unit is stopped)"
)


class ModeMemory:
    """The mode on the disk, in two places.

    Args:
        settings: Where the mode file is.
        evidence: The other place.
        reserve: Gives way where the disk is full.
        alerts: Told where the two disagree, or cannot be written.
    """

    def __init__(self, settings: Settings, evidence: Evidence, reserve: Reserve, alerts: Alerts) -> None:
        self._path, self._evidence, self._reserve = settings.mode_file, evidence, reserve
        self._alerts = alerts
        self._default = "legacy"
        self._unwritten: ModeRecord | None = None

    # At a start

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
            message = f"{damage}; starting in {record.mode}"
            self._alerts.add("mode_file_damaged", message, remembered=remembered or "nothing")
            return record, False
        if file is None:
            if remembered is not None:
                message = f"{self._path}: missing, starting in {record.mode}"
                self._alerts.add("mode_file_missing", message, remembered=remembered)
            return record, remembered is None
        other = _stored_record(stored, file)
        if _essence(other) != _essence(file) and not file.while_stopped:
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

    # Writing

    def save(self, record: ModeRecord, *, urgent: bool) -> None:
        """Write a record into the mode file, or refuse and leave the file as it was.

        Args:
            record: The record.
            urgent: It may take from the reserve: a way back, or an acknowledgement.

        Raises:
            ModeChangeError: The disk refused.
        """
        before, _ = self._file()
        try:
            self._write(record, urgent=urgent)
        except OSError as error:
            if isinstance(error, durable.NotSettledError) and before is not None:
                with contextlib.suppress(OSError):
                    self._write(before, urgent=urgent)
            raise ModeChangeError("disk", f"{self._path}: {error}", _advice(error)) from error
        self._unwritten = None

    def follow(self, record: ModeRecord) -> None:
        """Let the evidence hold the latch that a start has found; one of its own is not cleared."""
        latch = {} if record.latched is None else {LATCHED: record.latched.as_json()}
        self._evidence.settle({MODE: record.mode, **latch})

    def settle(self, record: ModeRecord) -> None:
        """Let the evidence follow a record that is in force and in the mode file."""
        if not self._evidence.settle({MODE: record.mode}):
            message = "the evidence could not be written; a start would take the lower of both modes"
            self._alerts.add("evidence_unwritable", message)

    def persist(self, record: ModeRecord) -> None:
        """Keep a record that is in force whatever the disk says: in both places, or at least in one.

        Where both refuse, the mode file that says something else is taken away: without one a start is in
        `legacy`. What could not be written is tried again at each `retry`.
        """
        facts = {MODE: record.mode, LATCHED: record.latched.as_json() if record.latched else None}
        self._evidence.set_facts(facts)
        try:
            self._write(record, urgent=True)
            self._unwritten = None
        except OSError as error:
            self._unwritten = record
            remembered = self._evidence.settle(facts)
            if not remembered:
                self._take_away()
                self.retry()
            self._alerts.add(
                "mode_file_unwritable",
                f"{self._path}: {error}; {_advice(error)}; the next start takes {_words(self.next_start())}",
                evidence="written" if remembered else "not written either",
            )
        else:
            if not self._evidence.settle(facts):
                log.error("the mode is in the mode file alone: the evidence could not be written")

    def acknowledge(self, old: ModeRecord, new: ModeRecord, facts: Mapping[str, Any]) -> None:
        """Clear the latches in both places, or in none.

        Args:
            old: The record in force.
            new: The one without latches.
            facts: What the evidence is to hold from now on.

        Raises:
            ModeChangeError: One of the two could not be written; the message says which.
        """
        self.save(new, urgent=True)
        if self._evidence.settle({LATCHED: None, **facts}):
            return
        left = "the latch stays in both"
        try:
            self.save(old, urgent=True)
        except ModeChangeError:
            self._unwritten = old
            left = "the mode file is cleared, the evidence is not, so the latch stays"
        raise ModeChangeError("disk", f"the evidence could not be written; {left}", EVIDENCE_ADVICE)

    def retry(self) -> None:
        """Try again to write what the disk refused; says so once it is there."""
        if self._unwritten is None:
            return
        try:
            self._write(self._unwritten, urgent=False)
        except OSError:
            return
        log.warning("the mode file could be written again: %s", _words(self._unwritten))
        self._unwritten = None

    def _write(self, record: ModeRecord, *, urgent: bool) -> None:
        if urgent:
            self._reserve.make_room_for(lambda: write_mode_file(self._path, record), no_room)
        else:
            write_mode_file(self._path, record)

    def _take_away(self) -> None:
        try:
            durable.remove(self._path)
        except OSError as error:
            log.error("the mode file could not be taken away either: %s", error)

    # Report

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
        except ModeFileError as error:
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
        why = f"the evidence holds a latch that cannot be read: {fact!r}"
        return Latch(0.0, "legacy", "legacy", why, None)


def _careful(file: ModeRecord, stored: ModeRecord) -> ModeRecord:
    """The lower mode, or what somebody set while the node stood; a latch if one of the two has one."""
    mode = file.mode if file.while_stopped else min(file.mode, stored.mode, key=MODES.index)
    return replace(file, mode=mode, latched=file.latched or stored.latched, while_stopped=False)


def _advice(error: OSError) -> str:
    return ADVICE.get(error.errno or 0, OTHER_ADVICE)


def _essence(record: ModeRecord) -> tuple[str, bool]:
    return record.mode, record.latched is not None


def _words(record: ModeRecord) -> str:
    return f"{record.mode}, {'latched' if record.latched else 'not latched'}"
