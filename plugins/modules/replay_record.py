#!/usr/bin/python
"""Ansible module: lay the result of a replay down on its node, by module_utils/replay_record.py."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.bounded_reader import UnreadableError, read_object
from ..module_utils.operator_folder import OperatorFolder
from ..module_utils.replay_record import NoReplayError, lay_down

DOCUMENTATION = r"""
module: replay_record
short_description: Lay the result of a replay down on its node, where the gate reads it
description:
  - The result lies in a folder of the node's user, so it is read as a stranger's. Returns it as C(content).
options:
  result: {description: What the replay has written., type: path, required: true}
  kept: {description: Whether it is laid down; else it is only read., type: bool, default: true}
  node: {description: The node's name in the inventory., type: str, required: true}
  folder: {description: Where root writes on the node., type: path, required: true}
  old: {description: The folder of the node's user that held the same before., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Lay the result down where the gate reads it
  coinjecture.migration.replay_record:
    result: /var/cache/coinjecture-replay/work/result.json
    node: node1
    folder: /var/lib/coinjecture-operator
    old: /var/lib/coinjecture-migration
  become: true
"""

RETURN = r"""
content: {description: The result., type: dict, returned: success}
"""


def main() -> None:
    """Read it, lay it down and return it."""
    module = AnsibleModule(
        argument_spec={
            "result": {"type": "path", "required": True},
            "kept": {"type": "bool", "default": True},
            "node": {"type": "str", "required": True},
            "folder": {"type": "path", "required": True},
            "old": {"type": "path", "required": True},
        },
    )
    given = module.params
    try:
        content = read_object(Path(given["result"]))
        if given["kept"]:
            lay_down(OperatorFolder(Path(given["folder"]), Path(given["old"])), given["node"], content)
    except (OSError, UnreadableError, NoReplayError) as error:
        module.fail_json(msg=f"the result of the replay cannot be kept: {error}")
    module.exit_json(changed=given["kept"], content=content)


if __name__ == "__main__":
    main()
