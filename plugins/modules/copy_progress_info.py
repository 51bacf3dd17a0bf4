#!/usr/bin/python
"""Ansible module: how far the copy of a chain is that another task is taking."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.chain_backup import progress
from ..module_utils.operator_folder import OperatorFolder

DOCUMENTATION = r"""
module: copy_progress_info
short_description: Say how far the copy of a chain is, by the size of what lies there
description: Changes nothing. Returns C(said), empty where no copy is under way.
options:
  database: {description: The chain database., type: path, required: true}
  copy: {description: Name of the copy among root's backups., type: str, required: true}
  folder: {description: Where root writes on the node., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Look how far the copy is
  coinjecture.migration.copy_progress_info:
    database: /var/lib/coinjecture/chain.db
    copy: chain-before-phase1.db
    folder: /var/lib/coinjecture-operator
  become: true
"""

RETURN = r"""
said: {description: How far it is; empty where no copy is under way., type: str, returned: success}
"""


def main() -> None:
    """Look and say."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "path", "required": True},
            "copy": {"type": "str", "required": True},
            "folder": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    operator = OperatorFolder(Path(given["folder"]))
    module.exit_json(changed=False, said=progress(Path(given["database"]), given["copy"], operator))


if __name__ == "__main__":
    main()
