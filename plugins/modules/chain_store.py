#!/usr/bin/python
"""Ansible module: check a node's chain database, or take a verified copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.chain_backup import bring_old, take
from ..module_utils.chain_store import ChainUnreadableError, check
from ..module_utils.operator_folder import BACKUPS, OperatorFolder

DOCUMENTATION = r"""
module: chain_store
short_description: Check the chain's integrity and parity domain, or back it up while the node runs
description:
  - Opens the database read-only. C(checked) is to be run as the node's own user.
  - C(backed_up) is to be run as root, and gives root's rights up to open the database.
options:
  database: {description: The chain database or another file to back up., type: path, required: true}
  state: {description: What to do., type: str, choices: [checked, backed_up], required: true}
  log_query:
    description: SQL that gives (sequence, raw bytes) of every stored block; empty where there is no log.
    type: str
  needs:
    description: Fields without which a stored row is no block.
    type: list
    elements: str
    default: []
  limit: {description: Seconds that a copy may take., type: float, default: 1800}
  hold: {description: Seconds a node with a rollback journal may wait for., type: float, default: 2}
  copy: {description: Name of the copy among root's backups; one that is there is kept., type: str}
  folder: {description: Where root writes on the node., type: path}
  old: {description: The folder of the node's user that held the backups before., type: path}
  user: {description: The node's user., type: str}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Copy the chain while the node runs
  coinjecture.migration.chain_store:
    database: /var/lib/coinjecture/chain.db
    state: backed_up
    copy: chain-before-phase1.db
    user: coinjecture
    folder: /var/lib/coinjecture-operator
    old: /var/lib/coinjecture-migration
  become: true
"""

RETURN = r"""
chain: {description: What was checked., type: dict, returned: with C(checked)}
backup: {description: The copy that is there now., type: dict, returned: with C(backed_up)}
"""


def backed_up(given: dict[str, Any], database: Path, check_mode: bool) -> dict[str, Any]:
    """Have a copy, one of before where there is one."""
    operator = OperatorFolder(Path(given["folder"]), Path(given["old"]))
    copy = operator.path / BACKUPS / given["copy"]
    if copy.exists() or check_mode:
        return {"changed": not copy.exists(), "copy": str(copy)}
    left = bring_old(operator)
    made = take(database, given["copy"], operator, given["user"], given["limit"], given["hold"])
    return {"changed": True, "copy": str(copy), "left": left} | ({"backup": made} if made else {})


def main() -> None:
    """Check or copy; a damaged database is a clear failure."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["checked", "backed_up"], "required": True},
            "log_query": {"type": "str"},
            "needs": {"type": "list", "elements": "str", "default": []},
            "copy": {"type": "str"},
            "limit": {"type": "float", "default": 1800},
            "hold": {"type": "float", "default": 2},
            "folder": {"type": "path"},
            "old": {"type": "path"},
            "user": {"type": "str"},
        },
        required_if=[
            ("state", "checked", ["log_query"]),
            ("state", "backed_up", ["copy", "folder", "old", "user"]),
        ],
        supports_check_mode=True,
    )
    database = Path(module.params["database"])
    try:
        if module.params["state"] == "checked":
            found = check(database, module.params["log_query"], module.params["needs"])
            module.exit_json(changed=False, chain=found)
        module.exit_json(**backed_up(module.params, database, module.check_mode))
    except (ChainUnreadableError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
