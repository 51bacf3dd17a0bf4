"""The step journal on a node's disk: the journal, and its head in a file beside it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    from ansible.module_utils import durable
    from ansible.module_utils.bounded_reader import Unreadable, parse_json, read_bytes, read_text
    from ansible.module_utils.journal import Journal, Known, append, verify
    from ansible.module_utils.operator_folder import (
        HEAD,
        JOURNAL,
        MAX_JOURNAL,
        RESERVE,
        OperatorFolder,
        head_of,
    )
except ImportError:  # outside of Ansible, in the tests
    import durable
    from bounded_reader import Unreadable, parse_json, read_bytes, read_text
    from journal import Journal, Known, append, verify
    from operator_folder import HEAD, JOURNAL, MAX_JOURNAL, RESERVE, OperatorFolder, head_of


class JournalBroken(Exception):
    """Nothing is written to a broken journal; the message says where it breaks and what to do."""


@dataclass(frozen=True)
class JournalFile:
    """The journal of a node.

    Attributes:
        folder: Where root writes on the node.
        known: What the controller has a copy of; a journal that does not go on from there is broken.
    """

    folder: OperatorFolder
    known: Known | None = None

    @property
    def path(self) -> Path:
        """Where the journal lies now."""
        return Path(self.folder.here, JOURNAL)

    def text(self) -> str:
        """The journal as it lies there; one that is not there is empty.

        Raises:
            Unreadable: It is no plain file of root's own.
        """
        try:
            return str(read_text(self.path, MAX_JOURNAL, os.geteuid()))
        except FileNotFoundError:
            return ""

    def read(self) -> Journal:
        """Read and verify the journal; one that is not there is empty."""
        try:
            return verify(self.text(), self._read_head(), self.known)
        except Unreadable as error:
            return {"records": [], "head": None, "broken": str(error)}

    def append(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Write one more record, durable when this returns, and return it.

        Raises:
            JournalBroken: The chain is broken; nothing was written.
            ValueError: The entry is no record.
        """
        self._refuse_broken()
        self.folder.make()
        with self._alone():
            self._refuse_broken()
            fresh = append(self.text(), entry)
            reserve = self.folder.path / RESERVE
            durable.replace(self.path, fresh, reserve=reserve)
            durable.replace(self.path.with_name(HEAD), head_of(fresh), reserve=reserve)
            self.folder.keep_reserve()
            record: dict[str, Any] = json.loads(fresh.splitlines()[-1])
            return record

    def set_aside(self) -> Path | None:
        """Move a broken journal out of the way, kept whole; returns where it is then, or None.

        What comes next does not go on from the controller's copy any more.
        """
        before = self.path
        if self.read()["broken"] is None or not os.path.lexists(before):
            return None
        self.folder.make()
        if before != self.path and os.path.lexists(before):
            return before  # it was none of root's, so it was not brought here
        with self._alone():
            stem = f"journal.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.jsonl"
            kept = self.path.with_name(stem)
            for old, new in ((self.path.with_name(HEAD), kept.with_name(f"{stem}.head")), (self.path, kept)):
                if old.exists():
                    durable.rename(old, new)
            return kept

    def _refuse_broken(self) -> None:
        if broken := self.read()["broken"]:
            raise JournalBroken(f"{self.path}: {broken}")

    def _read_head(self) -> Mapping[str, Any] | None:
        """The head beside the journal; an empty one stands for one that is damaged."""
        head = self.path.with_name(HEAD)
        try:
            value = parse_json(read_bytes(head, owner=os.geteuid()), str(head))
        except FileNotFoundError:
            return None
        except Unreadable:
            return {}
        return value if isinstance(value, dict) else {}

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other writers out meanwhile, by a file that only root can open."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.folder.path / ".lock", flags, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
