"""A record for the step journal; one that is broken is set aside for it where that may be, and says so."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from .bounded_reader import UnreadableError
from .journal import recorded_mode
from .journal_file import JournalFile


def set_aside(journal: JournalFile, only_look: bool = False) -> dict[str, Any]:
    """Move a broken journal away; the mode that its whole part tells is handed on."""
    found = journal.read()
    if found["broken"] is None:
        return {"changed": False, "counted": None}
    try:
        content = journal.text().encode()
    except UnreadableError:
        content = b""
    counted = journal.counted()
    kept = None if only_look else journal.set_aside()
    return {
        "changed": True,
        "broken": found["broken"],
        "kept": str(kept) if kept else None,
        "mode": recorded_mode(found["records"]),
        "sha256": hashlib.sha256(content).hexdigest(),
        "counted": counted,
    }


def recorded(journal: JournalFile, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Write a record, after one that says so where a broken journal was set aside for it.

    Args:
        journal: The journal.
        asked: ``entry``, the record but for its time; ``network`` and ``if_broken``, see `step_journal`.

    Returns:
        ``record`` as it was written, ``content`` of the whole journal, ``network``.

    Raises:
        JournalBrokenError: It is broken, and may not be set aside.
        OSError: The disk refused.
        ValueError: The entry is no record.
    """
    entry, network = {"at": time.time()} | asked["entry"], asked["network"]
    if asked["if_broken"] == "set_aside" and (aside := set_aside(journal))["changed"]:
        told = {key: aside[key] for key in ("kept", "broken")}
        hashes = {"broken journal": aside["sha256"]}
        names = {key: entry[key] for key in ("at", "who", "node")}
        why = f"it was broken when {entry['what']} had to be recorded"
        network = aside["counted"] or network
        journal = JournalFile(journal.folder)  # it begins anew
        journal.append(
            {
                **names,
                "what": "journal set aside",
                "why": why,
                "to": aside["mode"],
                "hashes": hashes,
                "detail": told,
            }
        )
    record = journal.append(entry, network)
    return {"record": record, "content": journal.text(), "network": journal.network()}
