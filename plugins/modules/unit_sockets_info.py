#!/usr/bin/python
"""Ansible module: where a unit takes connections, and whether its restart is felt by users."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.as_user import NotDoneError, output
from ..module_utils.kernel_sockets import LISTEN, SHOW, is_apart, listeners, read_sockets

ANSWER_SECONDS = 30.0

DOCUMENTATION = r"""
module: unit_sockets_info
short_description: Say where a unit takes connections
description:
  - Reads the kernel's tables for the processes of the unit's control group; changes nothing. Needs root.
options:
  unit: {description: The unit., type: str, required: true}
  port: {description: The port at which users ask., type: int, required: true}
  served_by: {description: The unit that serves users where it is another., type: str, default: ""}
  control: {description: The control socket, which no user asks., type: str, default: ""}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Look where the unit takes connections
  coinjecture.migration.unit_sockets_info:
    unit: coinjecture-node.service
    port: 8080
  become: true
"""

RETURN = r"""
listens:
  description: Addresses with ports, and paths of Unix sockets.
  type: list
  elements: str
  returned: success
unknown: {description: Why nobody can tell; empty where it was read., type: str, returned: success}
runs: {description: Whether the unit runs., type: bool, returned: success}
apart: {description: Whether it runs and takes no request of a user., type: bool, returned: success}
at_port: {description: Whether it has the port at which users ask., type: bool, returned: success}
"""


def main() -> None:
    """Look and tell."""
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "served_by": {"type": "str", "default": ""},
            "control": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        shown = output([*SHOW, given["unit"]], ANSWER_SECONDS)
    except (NotDoneError, OSError) as error:
        module.fail_json(msg=f"{given['unit']} cannot be asked for: {error}")
    found, unknown = [], ""
    try:
        found = listeners(shown)
    except OSError as error:  # then it is taken for what users reach, unless the inventory says otherwise
        unknown = f"where {given['unit']} takes connections cannot be read: {error}"
    runs = "MainPID=0" not in shown.split()
    taken = not unknown and any(one.port == given["port"] and one.state == LISTEN for one in read_sockets())
    apart = is_apart(found, given["port"], taken, given["served_by"], given["unit"], given["control"])
    module.exit_json(
        changed=False,
        listens=[one.place for one in found if one.place != given["control"]],
        runs=runs,
        unknown=unknown,
        apart=runs and apart,
        at_port=any(one.port == given["port"] for one in found),
    )


if __name__ == "__main__":
    main()
