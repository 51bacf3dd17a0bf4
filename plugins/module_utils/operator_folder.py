"""The folder of what root writes on a node: journal, open operation, backups, a reserve of room.

It used to lie in the folder of the node's user, where that user can replace any name under root's hands.
Whoever writes first brings it over: the new folder appears whole, by one rename, and from then on nothing
of root's is read in the old place. Until then that is read, and only files that are root's own count there.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from . import durable
from .bounded_reader import UnreadableError, folder, names, read_at
from .journal import append, verify_chain
from .owned_place import of_root

JOURNAL = "journal.jsonl"
HEAD = "journal.jsonl.head"
OPERATION = "operation.json"
REPLAY = "replay.json"
NETWORK = "network.json"
"""Which network this node belongs to; see controller's `kept`."""
BACKUPS = "backups"
RESERVE = "reserve"
RESERVE_BYTES = 1024 * 1024
"""Room for what a way back writes on a full disk: operation, journal, heads."""

MAX_JOURNAL = 64 * 1024 * 1024


@dataclass(frozen=True)
class OperatorFolder:
    """Root's folder on a node.

    Attributes:
        path: The folder; the one that it lies in is root's too.
        old: The folder of the node's user that held the same before.
    """

    path: Path
    old: Path | None = None

    @property
    def here(self) -> Path:
        """Where the files lie now."""
        if self.old is None or stat.S_ISDIR(_mode(self.path)) or not self._left_there():
            return self.path
        return self.old

    def make(self) -> None:
        """Have the folder; bring what lies in the old place over, or finish that.

        Raises:
            OSError: The disk refused, or it lies in a folder of another user; the old place still counts.
        """
        of_root(self.path)
        if not stat.S_ISDIR(_mode(self.path)):
            staged = self.path.with_name(f".{self.path.name}.new")
            shutil.rmtree(staged, ignore_errors=True)  # of a run that was cut off
            _mkdir(staged, 0o755)
            _mkdir(staged / BACKUPS, 0o700)
            for name, content in self._brought().items():
                durable.replace(staged / name, content)
            durable.keep_reserve(staged / RESERVE, RESERVE_BYTES)
            durable.sync(staged)
            durable.rename(staged, self.path)
        self._sweep()

    def keep_reserve(self) -> None:
        """Have the reserve again after it was given up, once there is room; it grows with the journal."""
        journal = self.path / JOURNAL
        size = journal.stat().st_size if journal.is_file() else 0
        durable.keep_reserve(self.path / RESERVE, RESERVE_BYTES + size)

    def _brought(self) -> dict[str, bytes]:
        """The files of the old place that are root's own, and a record of the move in the journal."""
        found, left = self._old_files()
        text = found.get(JOURNAL, b"").decode("utf-8", "replace")
        chain = verify_chain(text)
        if (found or left) and chain["broken"] is None:
            last = chain["records"][-1] if chain["records"] else {"node": platform.node(), "to": None}
            entry = {
                "at": time.time(), "who": "root", "node": last["node"], "what": "journal moved",
                "why": f"what root writes lies in {self.path} from now on",
                "detail": {"from": str(self.old), "files": sorted(found), "left": left},
            }  # fmt: skip
            fresh = append(text, entry)
            found[JOURNAL] = fresh.encode()
            if HEAD in found or not chain["records"]:
                found[HEAD] = head_of(fresh)
        return found

    def _old_files(self) -> tuple[dict[str, bytes], list[str]]:
        """Content by name of root's own files in the old place, and why the others are left there."""
        found: dict[str, bytes] = {}
        left: list[str] = []
        if self.old is None:
            return found, left
        try:
            with folder(self.old) as handle:
                for name in _of_root(handle, self.old):
                    try:
                        found[name] = read_at(
                            handle, name, self.old / name, limit=MAX_JOURNAL, owner=os.geteuid()
                        )
                    except UnreadableError as error:
                        left.append(str(error))
        except FileNotFoundError:
            pass
        except UnreadableError as error:
            left.append(str(error))
        return found, left

    def _left_there(self) -> bool:
        """Whether the old place holds anything of root's, or something in its name."""
        if self.old is None:
            return False
        try:
            with folder(self.old) as handle:
                return bool(_of_root(handle, self.old))
        except (OSError, UnreadableError):
            return False

    def _sweep(self) -> None:
        """Take root's own files out of the old place, now that they do not count there."""
        if self.old is None:
            return
        try:
            with folder(self.old) as handle:
                for name in _of_root(handle, self.old):
                    if os.stat(name, dir_fd=handle, follow_symlinks=False).st_uid == os.geteuid():
                        os.unlink(name, dir_fd=handle)
        except (FileNotFoundError, IsADirectoryError, UnreadableError):
            return


def head_of(text: str) -> bytes:
    """The head's file of a whole journal that is not empty."""
    head = verify_chain(text)["head"]
    assert head is not None
    return f'{{"seq": {head["seq"]}, "digest": "{head["digest"]}"}}\n'.encode()


def _of_root(handle: int, place: Path) -> list[str]:
    """Names in the old place that root has given there."""
    return [
        name
        for name in names(handle, place)
        if name in (JOURNAL, HEAD, OPERATION) or name.startswith("journal.broken-")
    ]


def _mkdir(path: Path, mode: int) -> None:
    path.mkdir(mode=0o700)
    path.chmod(mode)


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0
