#!/usr/bin/python
"""Ansible module: the one change in the node's entry files, made or taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import durable
from ..module_utils.entries import ENGINE_FILES, Entries, changes
from ..module_utils.node_import import ImportEditError

DOCUMENTATION = r"""
module: node_import
short_description: Let a node's files import their engine from the wrapper, or from the legacy module again
description:
  - Edits every import of the engine's module and nothing else, in all files or in none.
  - Refused, with the file, the line and what to write, where none is found or it is ambiguous.
  - Keeps each file as it was in I(backups) before the first edit, under its name and its SHA-256.
extends_documentation_fragment: [coinjecture.migration.engine_files]
options:
  state:
    description: Where the engine comes from.
    type: str
    choices: [wrapped, legacy, rust]
    default: wrapped
  backups: {description: Folder for the unedited files., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Let the node import its engine from the wrapper
  coinjecture.migration.node_import:
    src: /opt/coinjecture/src
    entries: [/opt/coinjecture/src/node.py]
    state: wrapped
    backups: /var/lib/coinjecture-operator/backups
  become: true
"""

RETURN = r"""
backups:
  description: The files before their first edit.
  type: list
  elements: str
  returned: when the wrapper came in
before:
  description: What the files hold, as changes for the role restart.
  type: list
  elements: dict
  returned: success
after:
  description: What they hold in I(state), likewise, in the order in which they are changed.
  type: list
  elements: dict
  returned: success
"""


def keep_backup(path: Path, source: bytes, folder: Path) -> str:
    """Keep an unedited file; one that is there already is the same bytes by its name."""
    copy = folder / f"{path.name}.{hashlib.sha256(source).hexdigest()}"
    if not copy.exists():
        durable.replace(copy, source)
    return str(copy)


def difference(before: Mapping[Path, bytes], after: Mapping[Path, bytes]) -> list[dict[str, str]]:
    """What changes, a file each."""
    return [
        {
            "before_header": str(path), "after_header": str(path),
            "before": before[path].decode(), "after": after[path].decode(),
        }
        for path in before if before[path] != after[path]
    ]  # fmt: skip


def main() -> None:
    """Edit all files or none, each in one atomic replacement, keeping owner and mode."""
    module = AnsibleModule(
        argument_spec={
            **ENGINE_FILES,
            "state": {"type": "str", "choices": ["wrapped", "legacy", "rust"], "default": "wrapped"},
            "backups": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        entries = Entries.of(module.params["src"], module.params["entries"])
        before = entries.read()
        after = entries.edited(before, module.params["state"])
    except ImportEditError as error:
        module.fail_json(msg=str(error))
    result: dict[str, Any] = {"before": changes(before), "after": changes(after)}
    if found := difference(before, after):
        result["diff"] = found
    if found and not module.check_mode:
        try:
            if module.params["state"] == "wrapped":
                folder = Path(module.params["backups"])
                result["backups"] = [keep_backup(path, content, folder) for path, content in before.items()]
            entries.write(before, after)
        except OSError as error:
            module.fail_json(msg=str(error))
    module.exit_json(changed=bool(found), **result)


if __name__ == "__main__":
    main()
