#!/usr/bin/python
"""Ansible module: the one change in node.py, made or taken back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import durable
from ..module_utils.bounded_reader import Unreadable, read_bytes
from ..module_utils.importers import place_of
from ..module_utils.node_import import ImportEditRefused, complete, unwrap, wrap
from ..module_utils.owned_place import rewrite

DOCUMENTATION = r"""
module: node_import
short_description: Let node.py import its engine from the wrapper, or from the legacy module again
description:
  - Edits every import of the engine's module and nothing else.
  - Refused, with the line and what to write, where none is found or it is ambiguous.
  - Keeps the file as it was in I(backups) before the first edit, under the name node.py.<sha256>.
options:
  path: {description: The node.py., type: path, required: true}
  state:
    description: Where the engine comes from.
    type: str
    choices: [wrapped, legacy, rust]
    default: wrapped
  backups: {description: Folder for the unedited file., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Let node.py import its engine from the wrapper
  coinjecture.migration.node_import:
    path: /opt/coinjecture/src/node.py
    state: wrapped
    backups: /var/lib/coinjecture-operator/backups
  become: true
"""

RETURN = r"""
backup: {description: The file before its first edit., type: str, returned: when the wrapper came in}
"""


def keep_backup(source: bytes, folder: Path) -> Path:
    """Keep the unedited file; one that is there already is the same bytes by its name."""
    copy = folder / f"node.py.{hashlib.sha256(source).hexdigest()}"
    if not copy.exists():
        durable.replace(copy, source)
    return copy


def main() -> None:
    """Edit the file in one atomic replacement, keeping owner and mode."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["wrapped", "legacy", "rust"], "default": "wrapped"},
            "backups": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    try:
        source = read_bytes(path)
        edit = {"wrapped": wrap, "legacy": unwrap, "rust": complete}[module.params["state"]]
        edited = edit(source, place_of(path, path.parent))
    except (OSError, Unreadable) as error:
        module.fail_json(msg=f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")
    except ImportEditRefused as error:
        module.fail_json(msg=f"{path} is not edited: {error}")
    changed = edited != source
    result: dict[str, Any] = {"changed": changed}
    if changed:
        before, after = source.decode(), edited.decode()
        result["diff"] = {
            "before_header": str(path), "after_header": str(path), "before": before, "after": after,
        }  # fmt: skip
    if changed and not module.check_mode:
        try:
            if module.params["state"] == "wrapped":
                result["backup"] = str(keep_backup(source, Path(module.params["backups"])))
            rewrite(path, edited)
        except OSError as error:
            module.fail_json(msg=f"{path} cannot be written: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
