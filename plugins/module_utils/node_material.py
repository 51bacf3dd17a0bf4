"""What a node keeps of its migration: evidence since installation, step journal, captures of divergences.

Read on the node as root, without changing anything; what is absent is None and no error. The evidence file is
read by the node's own reader, which lies beside the wrapper, with the rights of the node's user.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import as_user
from .bounded_reader import UnreadableError, folder, names, parse_json, read_at
from .importers import LEGACY_FILE
from .journal_file import JournalFile
from .node_state import run_command
from .operator_folder import OperatorFolder

Run = Callable[[Sequence[str]], str]

MAX_CAPTURES = 20
READER = (
    "import json,pathlib,sys;sys.path.insert(0,sys.argv[1]);"
    "from coinjecture_migration.evidence_reader import read;"
    "print(json.dumps(read(pathlib.Path(sys.argv[2]))))"
)


def read(
    src: str, python: str, user: str, state_dir: str, operator_dir: str, run: Run = run_command
) -> dict[str, Any]:
    """Everything of this node that a page of its migration tells.

    Args:
        src: The folder with the wrapper.
        python: The node's interpreter.
        user: The node's user.
        state_dir: The folder of the node's user.
        operator_dir: Where root writes on the node.
        run: Runs a command and returns its output; raises OSError where that fails.

    Returns:
        `read_at` in seconds since the epoch; `evidence` as the reader gives it, or None and `evidence_error`;
        `journal`, the text of the step journal or None; `captures`, the newest `MAX_CAPTURES` with `name`,
        `at` and `text`, newest last; `captures_total`; `legacy_present`, whether the legacy file is there.
    """
    evidence, error = _evidence(src, python, user, Path(state_dir) / "evidence.db", run)
    captures, total = _captures(Path(state_dir) / "captures")
    return {
        "read_at": time.time(),
        "evidence": evidence,
        "evidence_error": error,
        "journal": _journal(OperatorFolder(Path(operator_dir), Path(state_dir))),
        "captures": captures,
        "captures_total": total,
        "legacy_present": (Path(src) / LEGACY_FILE).exists(),
    }


def _evidence(src: str, python: str, user: str, file: Path, run: Run) -> tuple[dict[str, Any] | None, str]:
    """The evidence file's content, or None and why there is none."""
    if not file.exists():
        return None, f"{file} is not there"
    try:
        said = run(as_user.command(user, [python, "-I", "-c", READER, src, str(file)]))
        found: dict[str, Any] = parse_json(said, str(file))
    except (OSError, UnreadableError) as error:
        return None, str(error)[-500:]
    return found, ""


def _captures(place: Path) -> tuple[list[dict[str, Any]], int]:
    """The newest captures, and how many there are; one that cannot be read is named in place of its text."""
    found: list[dict[str, Any]] = []
    try:
        with folder(place) as handle:
            listed = names(handle, place, ".json")
            dated = sorted((_changed(handle, name), name) for name in listed)
            for at, name in dated[-MAX_CAPTURES:]:
                try:
                    text = read_at(handle, name, place / name).decode("utf-8", "replace")
                except (FileNotFoundError, UnreadableError) as error:
                    text = str(error)
                found.append({"name": name, "at": at, "text": text})
    except (OSError, UnreadableError):
        return found, len(found)
    return found, len(listed)


def _changed(handle: int, name: str) -> float:
    """When a file or link was changed, in seconds since the epoch."""
    return os.stat(name, dir_fd=handle, follow_symlinks=False).st_mtime


def _journal(operator: OperatorFolder) -> str | None:
    try:
        text: str = JournalFile(operator).text()
    except UnreadableError:
        return None
    return text or None
