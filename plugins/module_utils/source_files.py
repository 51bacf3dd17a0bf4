"""A stranger's Python files as syntax trees: read within limits, parsed once, and never run.

Whoever asks may be told that a file cannot be read or parsed; that is a sentence, not an error, because one
such file must not keep the others from being looked at.
"""

from __future__ import annotations

import ast
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .bounded_reader import UnreadableError, folder, read_bytes

MAX_SOURCE = 2 * 1024 * 1024
MAX_FILES = 2000
MAX_TOTAL = 64 * 1024 * 1024
MAX_FOLDERS = 2000
MAX_FOLDER_DEPTH = 8
SECONDS = 60.0

LEFT_OUT = ("__pycache__", "node_modules", "site-packages", "dist-packages")
MARKER_OF_A_VENV = "pyvenv.cfg"


@dataclass(frozen=True)
class Source:
    """A file.

    Attributes:
        path: Where it lies.
        content: Its bytes; empty where it cannot be read.
        tree: Its syntax tree; None where there is none.
        why: Why there is none, in a sentence.
    """

    path: Path
    content: bytes = b""
    tree: ast.Module | None = None
    why: str = ""


@dataclass
class Sources:
    """Every file that was asked for, each read once.

    Attributes:
        unread: Sentences about files and folders that could not be read or parsed, in order.
    """

    unread: list[str] = field(default_factory=list)
    _known: dict[Path, Source | None] = field(default_factory=dict)
    _total: int = 0
    _end: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def get(self, path: Path) -> Source | None:
        """A file; None where it is not there."""
        if path not in self._known:
            self._known[path] = found = self._read(path)
            if found is not None and found.why:
                self.unread.append(found.why)
        return self._known[path]

    def _read(self, path: Path) -> Source | None:
        if self._over():
            return Source(path, why=f"{path}: too many or too large files before it; it was not read")
        try:
            content = read_bytes(path, MAX_SOURCE)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnreadableError) as error:
            return Source(
                path, why=str(error) if isinstance(error, UnreadableError) else f"{path}: {error.strerror}"
            )
        self._total += len(content)
        return parsed(path, content)

    def _over(self) -> bool:
        return len(self._known) > MAX_FILES or self._total > MAX_TOTAL or time.monotonic() > self._end

    def below(self, top: Path) -> Iterator[Path]:
        """Python files in a folder and its folders, sorted; without libraries, hidden ones and links."""
        waiting, seen = [(top, 0)], 0
        while waiting:
            place, depth = waiting.pop(0)
            seen += 1
            if seen > MAX_FOLDERS or self._over():
                self.unread.append(f"{top}: too many folders; not all of it was looked at")
                return
            files, folders = self._listed(place)
            if MARKER_OF_A_VENV in files:
                continue
            yield from (place / name for name in files if name.endswith(".py"))
            if depth < MAX_FOLDER_DEPTH:
                waiting += [(place / name, depth + 1) for name in folders if name not in LEFT_OUT]

    def _listed(self, place: Path) -> tuple[list[str], list[str]]:
        """Files and folders by name; nothing behind a link."""
        files: list[str] = []
        folders: list[str] = []
        try:
            with folder(place) as handle, os.scandir(handle) as entries:
                for number, entry in enumerate(entries):
                    if number > MAX_FILES * 5:
                        self.unread.append(f"{place}: too many names; not all of them were looked at")
                        break
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif entry.is_file(follow_symlinks=False):
                        files.append(entry.name)
        except FileNotFoundError:
            pass
        except (OSError, UnreadableError) as error:
            self.unread.append(f"{place}: {error}")
        return sorted(files), sorted(folders)


def parsed(path: Path, content: bytes) -> Source:
    """A file's content with its syntax tree, or with the reason why there is none."""
    try:
        content.decode("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stranger's text has no say on our screen
            return Source(path, content, ast.parse(content))
    except (SyntaxError, ValueError) as error:
        return Source(path, content, why=f"{path}: not Python that can be parsed: {error}")
    except (RecursionError, MemoryError):
        return Source(path, content, why=f"{path}: not Python that can be parsed: too deep or too large")
