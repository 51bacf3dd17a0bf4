"""The step journal on a node's disk: the journal, and its head in a file beside it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import durable
from .bounded_reader import UnreadableError, parse_json, read_bytes, read_text
from .journal import Journal, Known, append, counting, verify, verify_chain
from .operator_folder import HEAD, JOURNAL, MAX_JOURNAL, NETWORK, RESERVE, OperatorFolder, head_of

IDENTITY = re.compile(r"[0-9a-f]{16}")
"""What an identity of a network looks like."""


class JournalBrokenError(Exception):
    """Nothing is written to a broken journal; the message says where it breaks and what to do."""


@dataclass(frozen=True)
class JournalFile:
    """The journal of a node.

    Attributes:
        folder: Where root writes on the node.
        copies: What the controller has copies of, by network; a journal that does not go on from the one
            that counts is broken, see `journal.counting`.
    """

    folder: OperatorFolder
    copies: Mapping[str, Known] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where the journal lies now."""
        return Path(self.folder.here, JOURNAL)

    def text(self) -> str:
        """The journal as it lies there; one that is not there is empty.

        Raises:
            UnreadableError: It is no plain file of root's own.
        """
        try:
            return str(read_text(self.path, MAX_JOURNAL, os.geteuid()))
        except FileNotFoundError:
            return ""

    def read(self) -> Journal:
        """Read and verify the journal; one that is not there is empty."""
        try:
            self.network()
            counted = self.counted()
            return verify(self.text(), self._read_head(), None if counted is None else self.copies[counted])
        except UnreadableError as error:
            return {"records": [], "head": None, "broken": str(error)}

    def counted(self) -> str | None:
        """Of which network the copy is that the journal has to go on from; None for none.

        What cannot be read of the two tells nothing, as if it were not there.
        """
        old, text, network = self.folder.old, "", ""
        with suppress(UnreadableError):
            text = self.text()
        with suppress(UnreadableError):
            network = self.network()
        touched = old is not None and old.is_dir()
        counted: str | None = counting(self.copies, network, verify_chain(text)["records"], touched)
        return counted

    def network(self) -> str:
        """The identity of the network that this node belongs to; empty before it was given one.

        Raises:
            UnreadableError: What lies there is none.
        """
        place = self.folder.path / NETWORK
        try:
            found = parse_json(read_bytes(place, owner=os.geteuid()), str(place))
        except FileNotFoundError:
            return ""
        identity = found.get("id") if isinstance(found, dict) else None
        if not isinstance(identity, str) or not IDENTITY.fullmatch(identity):
            raise UnreadableError(f"{place}: it names no network")
        return identity

    def append(self, entry: Mapping[str, Any], network: str = "") -> dict[str, Any]:
        """Write one more record, durable when this returns, and return it.

        Args:
            entry: The record, see `journal.chain`.
            network: The identity that a node without one is given with it, unless its copy tells which it is.

        Raises:
            JournalBrokenError: The chain is broken; nothing was written.
            ValueError: The entry is no record.
        """
        self._refuse_broken()
        self.folder.make()
        with self._alone():
            self._refuse_broken()
            fresh = append(self.text(), entry)
            reserve = self.folder.path / RESERVE
            network = self.counted() or network
            if network and not self.network():
                named = json.dumps({"schema": 1, "id": network, "since": entry["at"]})
                durable.replace(self.folder.path / NETWORK, f"{named}\n", reserve=reserve)
            durable.replace(self.path, fresh, reserve=reserve)
            durable.replace(self.path.with_name(HEAD), head_of(fresh), reserve=reserve)
            self.folder.keep_reserve()
            record: dict[str, Any] = json.loads(fresh.splitlines()[-1])
            return record

    def set_aside(self) -> Path | None:
        """Move a broken journal out of the way, kept whole; returns where it is then, or None.

        What comes next does not go on from the controller's copy any more.
        """
        before, named = self.path, self.folder.path / NETWORK
        if self.read()["broken"] is None or not any(map(os.path.lexists, (before, named))):
            return None
        self.folder.make()
        if before != self.path and os.path.lexists(before):
            return before  # it was none of root's, so it was not brought here
        with self._alone():
            stem = f"journal.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.jsonl"
            kept = self.path.with_name(stem)
            moves = {self.path.with_name(HEAD): kept.with_name(f"{stem}.head"), self.path: kept}
            try:
                self.network()
            except UnreadableError:
                moves[named] = kept.with_name(f"{stem}.network")
            for old, new in moves.items():
                if os.path.lexists(old):
                    durable.rename(old, new)
            return kept

    def _refuse_broken(self) -> None:
        if broken := self.read()["broken"]:
            raise JournalBrokenError(f"{self.path}: {broken}")

    def _read_head(self) -> Mapping[str, Any] | None:
        """The head beside the journal; an empty one stands for one that is damaged."""
        head = self.path.with_name(HEAD)
        try:
            value = parse_json(read_bytes(head, owner=os.geteuid()), str(head))
        except FileNotFoundError:
            return None
        except UnreadableError:
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
