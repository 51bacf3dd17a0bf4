"""The step journal on a node's disk: the journal, and its head in a file beside it."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    from ansible.module_utils.journal import Journal, append, verify
except ImportError:  # outside of Ansible, in the tests
    from journal import Journal, append, verify


class JournalBroken(Exception):
    """Nothing is written to a broken journal; the message says where it breaks and what to do."""


@dataclass(frozen=True)
class JournalFile:
    """A journal by its path; ``owner`` gets the folder where it has to be made."""

    path: Path
    owner: str | None = None

    @property
    def head_path(self) -> Path:
        """Where the head is kept."""
        return self.path.with_name(self.path.name + ".head")

    def read(self) -> Journal:
        """Read and verify the journal; one that is not there is empty."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            text = ""
        except UnicodeDecodeError:
            return {"records": [], "head": None, "broken": "it is no text"}
        return verify(text, self._read_head())

    def append(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Write one more record, durable when this returns, and return it.

        Raises:
            JournalBroken: The chain is broken; nothing was written.
            ValueError: The entry is no record.
        """
        self._make_folder()
        with self._alone():
            found = self.read()
            if found["broken"]:
                raise JournalBroken(f"{self.path}: {found['broken']}")
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
            fresh = append(text, entry)
            record: dict[str, Any] = json.loads(fresh.splitlines()[-1])
            self._replace(self.path, fresh)
            self._replace(
                self.head_path, json.dumps({"seq": record["seq"], "digest": record["digest"]}) + "\n"
            )
            return record

    def set_aside(self) -> Path | None:
        """Move a broken journal out of the way, kept whole; returns where to, or None where it is whole."""
        if not self.path.parent.is_dir():
            return None
        with self._alone():
            if self.read()["broken"] is None:
                return None
            stem = f"{self.path.stem}.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
            kept = self.path.with_name(stem + self.path.suffix)
            for old, new in ((self.head_path, kept.with_name(kept.name + ".head")), (self.path, kept)):
                if old.exists():
                    old.rename(new)
            return kept

    def _read_head(self) -> Mapping[str, Any] | None:
        try:
            head = json.loads(self.head_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            return {}
        return head if isinstance(head, dict) else {}

    def _make_folder(self) -> None:
        """Make the folder of the migration as the role backup does, where a step has not yet."""
        folder = self.path.parent
        if folder.is_dir():
            return
        user = pwd.getpwnam(self.owner) if self.owner else None
        folder.mkdir(mode=0o750)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other writers out meanwhile."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    @staticmethod
    def _replace(path: Path, text: str) -> None:
        fresh = path.with_name(f".{path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
