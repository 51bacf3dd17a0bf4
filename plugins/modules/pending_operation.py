#!/usr/bin/python
"""Ansible module: open or close the operation of a node; by module_utils/pending_operation.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.operator_folder import OPERATION, OperatorFolder
from ..module_utils.pending_operation import OperationError, close, read, would_close, write

DOCUMENTATION = r"""
module: pending_operation
short_description: Note on a node what has been begun there, and that it is finished
description: What is noted stays until it is closed, so that a run that was interrupted is not forgotten.
options:
  folder: {description: Where root writes on the node., type: path, required: true}
  old: {description: The folder of the node's user that held the same before., type: path, required: true}
  state: {description: What it is to be., type: str, choices: [open, closed], required: true}
  operation: {description: What has been begun, see module_utils/pending_operation.py., type: dict}
  target: {description: Close only an operation with this target., type: str}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Note what is begun
  coinjecture.migration.pending_operation:
    state: open
    operation: "{{ begun }}"
    folder: /var/lib/coinjecture-operator
    old: /var/lib/coinjecture-migration
  become: true
"""

RETURN = r"""
diff: {description: What was noted before and after., type: dict, returned: success}
"""


def shown(operation: Mapping[str, Any] | None) -> str:
    """An operation for a diff."""
    return "no open operation\n" if operation is None else json.dumps(operation, indent=1) + "\n"


def main() -> None:
    """Open or close; in check mode say what would change."""
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "old": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["open", "closed"], "required": True},
            "operation": {"type": "dict"},
            "target": {"type": "str"},
        },
        required_if=[("state", "open", ["operation"])],
        supports_check_mode=True,
    )
    folder = OperatorFolder(Path(module.params["folder"]), Path(module.params["old"]))
    path, wanted = folder.path / OPERATION, module.params["operation"]
    before = read(folder)
    after = wanted if module.params["state"] == "open" else None
    if after is None and before and not would_close(folder, module.params["target"] or ""):
        module.exit_json(changed=False)  # somebody has begun something else meanwhile
    diff = {
        "before_header": str(path),
        "after_header": str(path),
        "before": shown(before),
        "after": shown(after),
    }
    if module.check_mode:
        module.exit_json(changed=before != after, diff=diff)
    try:
        changed = close(folder) if after is None else write(folder, after)
    except (OperationError, OSError) as error:
        module.fail_json(msg=f"{path} cannot be written: {error}; nothing else was changed")
    module.exit_json(changed=changed, diff=diff)


if __name__ == "__main__":
    main()
