"""The files of a node that take its consensus engine: looked at, edited and taken back together.

The first one is what the unit starts; it is changed last, so that what the node would start with is settled
only once the others are. Either all of them can be edited, or none is. Importers make no engine that the unit
runs; they are brought along where the legacy module is removed, and changed before the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .bounded_reader import UnreadableError, read_bytes
from .importers import LEGACY_FILE, Place, place_of
from .node_import import ImportEditError, bring, bring_back, complete, look, names, unwrap, wrap
from .owned_place import rewrite

EDITS: dict[str, Callable[[bytes, Place], bytes]] = {"wrapped": wrap, "legacy": unwrap, "rust": complete}
"""What brings a file to each state."""
ENGINE_FILES: dict[str, dict[str, Any]] = {
    "src": {"type": "path", "required": True},
    "entries": {"type": "list", "elements": "path", "required": True},
}
"""Options of the modules that look at these files; `doc_fragments/engine_files.py` has them for a person."""


@dataclass(frozen=True)
class Entries:
    """The entry files of a node.

    Attributes:
        src: The source folder, in which the legacy module lies; an entry may lie elsewhere.
        paths: The files; the first is the one that the unit starts.
        importers: Other files that take something of the legacy module and are brought along.
        ignored: Other files that do, and are left as they are.
    """

    src: Path
    paths: tuple[Path, ...]
    importers: tuple[Path, ...] = ()
    ignored: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, src: str, paths: Sequence[str], importers: Sequence[str] = (), ignored: Sequence[str] = ()
    ) -> Entries:
        """From options of a module.

        Raises:
            ImportEditError: None is named, or one twice.
        """
        if not paths or len(set(paths)) != len(paths):
            raise ImportEditError(
                f"coinjecture_entries names {', '.join(paths) or 'no file'}; name each once"
            )
        if twice := sorted(set(importers) & {*paths, *ignored}):
            raise ImportEditError(
                f"coinjecture_importers names {', '.join(twice)}, which coinjecture_entries or "
                "coinjecture_importers_ignored names too; name each once"
            )
        others = (tuple(map(Path, dict.fromkeys(named))) for named in (importers, ignored))
        return cls(Path(src), tuple(map(Path, paths)), *others)

    def read(self, importers: bool = False) -> dict[Path, bytes]:
        """The content of every entry file, or of every importer.

        Raises:
            ImportEditError: One cannot be read; the message names it.
        """
        found = {}
        for path in self.importers if importers else self.paths:
            try:
                found[path] = read_bytes(path)
            except OSError as error:
                raise ImportEditError(f"{path}: {error.strerror}") from error
            except UnreadableError as error:
                raise ImportEditError(str(error)) from error
        return found

    def edited(self, contents: Mapping[Path, bytes], to: str) -> dict[Path, bytes]:
        """Every file as it is in another state, in the order in which they are changed.

        Args:
            contents: What `read` gave.
            to: ``wrapped``, ``legacy`` or ``rust``.

        Raises:
            ImportEditError: One of them cannot be edited; the message names it.
        """
        found = {}
        for path in self._in_order():
            try:
                found[path] = EDITS[to](contents[path], self._place(path))
            except ImportEditError as error:
                raise ImportEditError(f"{path} is not edited: {error}") from error
        return found

    def brought(self, contents: Mapping[Path, bytes], back: bool = False) -> dict[Path, bytes]:
        """Every importer with the Rust engine in place of the legacy module, or the other way.

        Raises:
            ImportEditError: One of them cannot be edited; the message names it.
        """
        found = {}
        for path, content in contents.items():
            try:
                found[path] = (bring_back if back else bring)(content, self._place(path))
            except ImportEditError as error:
                raise ImportEditError(f"{path} is not brought along: {error}") from error
        return found

    def names(self, contents: Mapping[Path, bytes]) -> list[str]:
        """The names that the files take from their engine's module.

        Raises:
            ImportEditError: Where one takes its engine from is not clear.
        """
        taken = {
            name for path, content in contents.items() for name in names(content, place_of(path, self.src))
        }
        return sorted(taken)

    def write(self, before: Mapping[Path, bytes], after: Mapping[Path, bytes]) -> None:
        """Change the files, all or none, each with its owner and mode.

        Raises:
            OSError: The disk refused; what was changed before has its old content again.
        """
        changed = [path for path in self._in_order() if after[path] != before[path]]
        for number, path in enumerate(changed):
            try:
                rewrite(path, after[path])
            except OSError as error:
                for done in reversed(changed[:number]):
                    rewrite(done, before[done])
                raise OSError(f"{path} cannot be written: {error}") from error

    def look(self) -> dict[str, Any]:
        """Which engine the files import; changes nothing.

        Returns:
            ``state`` of the file that the unit starts, None where one of them cannot be told or edited, and
            ``why``; ``apart``, a sentence where another one imports another engine; ``sha256``, of one file
            its hash, of several that of their hashes and paths, a line each as ``sha256sum`` writes it.
        """
        try:
            contents = self.read()
        except ImportEditError as error:
            return {"state": None, "why": str(error), "sha256": None, "apart": ""}
        states: dict[Path, str] = {}
        told = {"state": None, "sha256": _hash(contents), "apart": ""}
        for path, content in contents.items():
            try:
                states[path] = look(content, self._place(path))
            except ImportEditError as error:
                return told | {"why": f"{path}: {error}"}
        first, *others = self.paths
        apart = [
            f"{path} imports {_engine(states[path])}" for path in others if states[path] != states[first]
        ]
        sentence = f"{first} imports {_engine(states[first])}, and {', '.join(apart)}" if apart else ""
        return told | {"state": states[first], "why": "", "apart": sentence}

    def _place(self, path: Path) -> Place:
        """Where a file lies.

        Raises:
            ImportEditError: What it imports would not be what lies in the source folder.
        """
        beside = path.parent / LEGACY_FILE
        if not path.is_relative_to(self.src) and beside.exists():
            raise ImportEditError(
                f"{beside} lies beside it and is found before the one in {self.src}; name {path.parent} in "
                "the inventory (coinjecture_src), or give that file another name"
            )
        found: Place = place_of(path, self.src)
        return found

    def _in_order(self) -> tuple[Path, ...]:
        return (*self.paths[1:], self.paths[0])


def changes(contents: Mapping[Path, bytes]) -> list[dict[str, str]]:
    """Contents as changes for the role restart."""
    return [{"path": str(path), "content": content.decode()} for path, content in contents.items()]


def _engine(state: str) -> str:
    return {"legacy": "the legacy engine", "wrapped": "the wrapper", "rust": "the Rust engine itself"}[state]


def _hash(contents: Mapping[Path, bytes]) -> str:
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{digest}  {path}\n" for path, digest in digests.items())
    return hashlib.sha256(lines.encode()).hexdigest()
