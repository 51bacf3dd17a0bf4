"""A node that exists in a file: its mode and what is latched, for plays that run on this machine alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible_collections.coinjecture.migration.plugins.module_utils.journal_file import JournalFile
from ansible_collections.coinjecture.migration.plugins.module_utils.node_state import (
    read_journal,
    read_network,
)
from ansible_collections.coinjecture.migration.plugins.module_utils.operator_folder import OperatorFolder
from tests.gate.healthy import RELEASE, a_self_check, a_status, a_view
from tests.gate.machines import measured

FOLDER = Path(os.environ.get("PRETENDED_NODES", "/nonexistent"))
REJECTED = dict.fromkeys(("bad_proof", "no_work", "bad_height"), 20)


def kept(node: str) -> dict[str, Any]:
    """What is in force on the node."""
    found: dict[str, Any] = json.loads((FOLDER / f"{node}.json").read_text())
    return found


def keep(node: str, **changes: Any) -> None:
    """Put something else in force."""
    (FOLDER / f"{node}.json").write_text(json.dumps(kept(node) | changes))


def status(node: str) -> dict[str, Any]:
    """What its wrapper says, with a soak that lasts long enough for anything."""
    now, mode = time.time(), kept(node)["mode"]
    said = a_status(node, mode, now, float(kept(node).get("soaked", 1000.0)), 400, REJECTED)
    said["evidence"]["determinism"] = a_self_check(now, measured(400))
    why = kept(node)["latched"]
    latched = {"at": now, "from": "rust", "to": "shadow", "why": why, "capture": None} if why else None
    waiting = [{"kind": "latch", "why": why}] if why else []
    return said | {"latched": latched, "unacknowledged": waiting}


def state(node: str, operator_dir: str) -> dict[str, Any]:
    """The same as `node_state.read` would give it; the journal is the one that lies there."""
    said, nodes = status(node), tuple(sorted(path.stem for path in FOLDER.glob("node*.json")))
    with (FOLDER / "reads").open("a") as reads:
        reads.write(f"{node}\n")
    steps = JournalFile(OperatorFolder(Path(operator_dir), Path(operator_dir)))
    return {
        "now": time.time(), "mode": said["mode"], "why": "said by the wrapper", "next_mode": said["mode"],
        "status": said, "status_error": "", "mode_file": None, "mode_file_error": "",
        "pending_operation": None,
        "chain": a_view(time.time(), nodes), "release": RELEASE, "installed": None, "restarting": False,
        "service": {"found": True, "active": True, "state": "active (running)", "restarts": 0},
        "unit": {"lacks": [], "obstacles": []}, "remains": ["/opt/x"], "changed_since_start": [],
        "runtime": {"python": "3.11", "libc": "glibc", "switches": []},
        "node_py": {"state": "wrapped", "why": "", "sha256": "cd" * 32},
        "network": read_network(steps), "journal": read_journal(steps),
    }  # fmt: skip
