"""What a node keeps of its migration: evidence since installation, step journal, captures of divergences.

Read on the node as root, without changing anything; what is absent is None and no error. The evidence file is
read by the node's own reader, which lies beside the wrapper.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

try:
    from ansible.module_utils.node_state import run_command
except ImportError:  # outside of Ansible, in the tests
    from node_state import run_command

Run = Callable[[Sequence[str]], str]

MAX_CAPTURES = 20
READER = (
    "import json,pathlib,sys;sys.path.insert(0,sys.argv[1]);"
    "from coinjecture_migration.evidence_reader import read;"
    "print(json.dumps(read(pathlib.Path(sys.argv[2]))))"
)


def read(src: str, python: str, state_dir: str, run: Run = run_command) -> dict[str, Any]:
    """Everything of this node that a page of its migration tells.

    Args:
        src: The folder with the wrapper.
        python: The node's interpreter.
        state_dir: The migration's folder on the node.
        run: Runs a command and returns its output; raises OSError where that fails.

    Returns:
        `read_at` in seconds since the epoch; `evidence` as the reader gives it, or None and `evidence_error`;
        `journal`, the text of the step journal or None; `captures`, the newest `MAX_CAPTURES` with `name`,
        `at` and `text`, newest last; `captures_total`; `legacy_present`, whether consensus.py is there.
    """
    state = Path(state_dir)
    evidence, error = _evidence(src, python, state / "evidence.db", run)
    captures = sorted(_files(state / "captures"), key=lambda path: path.stat().st_mtime)
    return {
        "read_at": time.time(),
        "evidence": evidence,
        "evidence_error": error,
        "journal": _text(state / "journal.jsonl"),
        "captures": [
            {"name": path.name, "at": path.stat().st_mtime, "text": _text(path) or ""}
            for path in captures[-MAX_CAPTURES:]
        ],
        "captures_total": len(captures),
        "legacy_present": (Path(src) / "consensus.py").exists(),
    }


def _evidence(src: str, python: str, file: Path, run: Run) -> tuple[dict[str, Any] | None, str]:
    """The evidence file's content, or None and why there is none."""
    if not file.exists():
        return None, f"{file} is not there"
    try:
        found: dict[str, Any] = json.loads(run([python, "-I", "-c", READER, src, str(file)]))
    except (OSError, ValueError) as error:
        return None, str(error)[-500:]
    return found, ""


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.json") if path.is_file()] if folder.is_dir() else []


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
