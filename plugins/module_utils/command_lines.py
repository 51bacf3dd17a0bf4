"""What a command line starts: the interpreter, the Python file or module, and from which folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

PYTHON = re.compile(r"(python|pypy)(\d+(\.\d+)*)?[a-z]*")
SERVERS = ("gunicorn", "uvicorn", "hypercorn", "waitress-serve", "flask")
"""Programs that import what their command line names, by the name of their file."""
_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
_APPLICATION = re.compile(r"([A-Za-z_][\w.]*):[A-Za-z_][\w.]*(\(.*\))?")


@dataclass(frozen=True)
class Started:
    """What a command line starts.

    Attributes:
        python: The interpreter, as it is named.
        kind: ``file``, ``module``, ``application`` (a module that a server imports), or ``text`` (``-c``).
        what: The file, or the module's name; a file may be relative.
        folder: The folder that a server changes into; empty for the unit's own.
    """

    python: str
    kind: str
    what: str
    folder: str = ""


def started(argv: Sequence[str]) -> Started | None:
    """What a command line starts in Python; None where it starts something else."""
    words = list(argv)
    if words and PurePosixPath(words[0]).name == "env":
        words = _after_env(words[1:])
    if not words:
        return None
    name = PurePosixPath(words[0]).name
    if name in SERVERS:
        return _application(words[0], words[1:])
    if name.endswith(".py"):
        return Started("", "file", words[0])
    return _interpreter(words) if PYTHON.fullmatch(name) else None


def _after_env(words: list[str]) -> list[str]:
    """What ``env`` starts, its options and assignments left out."""
    while words and (words[0].startswith("-") or "=" in words[0]):
        words = words[1:]
    return words


def _interpreter(words: list[str]) -> Started | None:
    python, left = words[0], words[1:]
    while left:
        word = left.pop(0)
        if word == "-c":
            return Started(python, "text", "")
        if word == "-m" and left:
            name = left.pop(0)
            return _application(python, left) if name in SERVERS else Started(python, "module", name)
        if word in _WITH_VALUE:
            left = left[1:]
        elif not word.startswith("-"):
            if PurePosixPath(word).name in SERVERS:
                return _application(python, left)
            return Started(python, "file", word)
    return None


def _application(python: str, words: list[str]) -> Started | None:
    """The application that a server is told to import."""
    folder = ""
    for at, word in enumerate(words):
        if word == "--chdir" and at + 1 < len(words):
            folder = words[at + 1]
        elif word.startswith("--chdir="):
            folder = word.partition("=")[2]
    named = [found for word in words if (found := _APPLICATION.fullmatch(word))]
    return Started(python, "application", named[-1].group(1), folder) if named else None
