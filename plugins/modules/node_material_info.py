#!/usr/bin/python
"""Ansible module: read what a node keeps of its migration, for the page of a run.

Read as root, without changing anything; what is absent is None and no error. The evidence file is read by the
node's own reader, which lies beside the wrapper, with the rights of the node's user.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import as_user
from ..module_utils.bounded_reader import UnreadableError, folder, names, parse_json, read_at
from ..module_utils.importers import LEGACY_FILE
from ..module_utils.journal_file import JournalFile
from ..module_utils.node_state import run_command
from ..module_utils.operator_folder import OperatorFolder

OPTIONS = ("src", "python", "user", "state_dir", "operator_dir")

DOCUMENTATION = r"""
module: node_material_info
short_description: Evidence since installation, step journal and captures of a node
description: Reads and changes nothing; what is absent is null.
options:
  src: {description: The folder with the legacy engine and the wrapper., type: str, required: true}
  python: {description: The node's interpreter., type: str, required: true}
  user: {description: The node's user., type: str, required: true}
  state_dir: {description: The folder of the node's user., type: str, required: true}
  operator_dir: {description: Where root writes on the node., type: str, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Read what the node keeps of its migration
  coinjecture.migration.node_material_info:
    src: /opt/coinjecture/src
    python: /opt/coinjecture/venv/bin/python
    user: coinjecture
    state_dir: /var/lib/coinjecture-migration
    operator_dir: /var/lib/coinjecture-operator
  become: true
"""

RETURN = r"""
material: {description: Evidence, step journal and captures., type: dict, returned: success}
"""

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


def main() -> None:
    """Read and return it as ``material``."""
    module = AnsibleModule(
        argument_spec={name: {"type": "str", "required": True} for name in OPTIONS}, supports_check_mode=True
    )
    try:
        module.exit_json(changed=False, material=read(**module.params))
    except OSError as error:
        module.fail_json(msg=f"what the node keeps cannot be read: {error}")


if __name__ == "__main__":
    main()
