#!/usr/bin/python
"""Ansible module: check a node's chain database, or take a verified copy of it."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.chain_store import ChainUnreadable, back_up, check

DOCUMENTATION = r"""
module: chain_store
short_description: Check the chain's integrity and parity domain, or back it up while the node runs
description: Opens the database read-only. Run it as the node's own user.
options:
  database: {description: The chain database., type: path, required: true}
  state: {description: What to do., type: str, choices: [checked, backed_up], required: true}
  log_query: {description: SQL that gives (sequence, raw bytes) of every stored block., type: str}
  limit: {description: Seconds that a copy may take., type: float, default: 1800}
  hold: {description: Seconds a node with a rollback journal may wait for., type: float, default: 2}
  copy: {description: Where the copy goes; one that is there is kept., type: path}
author: ["The migration toolkit"]
"""


def main() -> None:
    """Check or copy; a damaged database is a clear failure."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["checked", "backed_up"], "required": True},
            "log_query": {"type": "str"},
            "copy": {"type": "path"},
            "limit": {"type": "float", "default": 1800},
            "hold": {"type": "float", "default": 2},
        },
        required_if=[("state", "checked", ["log_query"]), ("state", "backed_up", ["copy"])],
        supports_check_mode=True,
    )
    database = Path(module.params["database"])
    try:
        if module.params["state"] == "checked":
            module.exit_json(changed=False, chain=check(database, module.params["log_query"]))
        copy = Path(module.params["copy"])
        if copy.exists() or module.check_mode:
            module.exit_json(changed=not copy.exists(), copy=str(copy))
        limits = module.params["limit"], module.params["hold"]
        module.exit_json(changed=True, copy=str(copy), backup=back_up(database, copy, *limits))
    except (ChainUnreadable, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
