#!/usr/bin/python
"""Ansible module: what a host tells of a node that nobody has described yet (module_utils/discovery.py)."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.discovery import read

DOCUMENTATION = r"""
module: discover_info
short_description: Find a node on a host, and what its files say of its consensus engine
description:
  - Reads and changes nothing, and runs nothing of the node's. Files are read as its user, within limits.
  - An action plugin of the same name adds the settings that follow.
options:
  places:
    description: Folders that root is to own alone.
    type: list
    elements: str
    default: []
  unit: {description: The unit, where several make an engine., type: str, default: ""}
  database: {description: The chain's SQLite file, where several could be it., type: str, default: ""}
  port: {description: The port of users, where several tell the chain., type: int, default: 0}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Find the node of this host
  coinjecture.migration.discover_info:
    places: [/opt/coinjecture/releases]
  become: true
"""

RETURN = r"""
found: {description: What the host tells., type: dict, returned: success}
outcome:
  description: What follows, with C(unit), C(settings), C(open), C(refused), C(unproved) and C(engine).
  type: dict
  returned: success
"""


def main() -> None:
    """Look once."""
    module = AnsibleModule(
        argument_spec={
            "places": {"type": "list", "elements": "str", "default": []},
            "unit": {"type": "str", "default": ""},
            "database": {"type": "str", "default": ""},
            "port": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, found=read(module.params["places"]))
    except OSError as error:
        module.fail_json(msg=f"this host cannot be looked at: {error}; nothing was changed")


if __name__ == "__main__":
    main()
