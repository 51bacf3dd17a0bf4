"""Entries of the system log with fields of their own, by the native protocol of systemd's journal.

What a unit prints reaches the journal as bare text, all of one priority. An alert has a priority and fields
that a program can ask for, so it is sent to the journal's socket instead. Sending never waits.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coinjecture_migration.runtime.visible import visible

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "coinjecture-migration"
FIELD_PREFIX = "COINJECTURE_"
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


def is_ours() -> bool:
    """Whether this process prints into the journal: it is a unit, and its entries belong there."""
    told = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(sys.__stderr__.fileno()) if sys.__stderr__ else None
    except (OSError, ValueError):
        return False
    return status is not None and told == f"{status.st_dev}:{status.st_ino}"


def send(level: int, message: str, fields: Mapping[str, Any], path: Path = SOCKET) -> bool:
    """Send one entry; False where the journal does not take it at once.

    Args:
        level: A level of `logging`.
        message: The text of the entry.
        fields: Further ones; `COINJECTURE_` goes before their names, values that are no text become JSON.
        path: The journal's socket.
    """
    priority = next((number for least, number in _PRIORITIES if level >= least), _DEBUG)
    entry = {"MESSAGE": message, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": IDENTIFIER}
    for name, value in fields.items():
        entry[FIELD_PREFIX + name.upper()] = (
            value if isinstance(value, str) else json.dumps(value, default=repr)
        )
    datagram = b"".join(_field(name, visible(value)) for name, value in entry.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
            journal.setblocking(False)
            journal.sendto(datagram, str(path))
    except OSError:
        return False
    return True


def _field(name: str, value: str) -> bytes:
    """A field in the form that allows any content: name, length, value."""
    content = value.encode("utf-8", "replace")
    return name.encode("ascii") + b"\n" + struct.pack("<Q", len(content)) + content + b"\n"
