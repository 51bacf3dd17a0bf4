#!/usr/bin/python
"""Ansible module: ask every node's API where its chain begins."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.api_shape import ApiShape, ShapeError
from ..module_utils.chain_api import roots

DOCUMENTATION = r"""
module: chain_roots_info
short_description: Fail where the chains of the nodes begin with different blocks
description: Reads the public HTTP API only and changes nothing.
options:
  targets: {description: URL of the API by node., type: dict, required: true}
  shape: {description: How the API is read if not as the reference node's., type: dict, default: {}}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Check that both nodes have one genesis
  coinjecture.migration.chain_roots_info:
    targets: {node1: "http://10.0.0.1:8080", node2: "http://10.0.0.2:8080"}
"""

RETURN = r"""
roots: {description: Height and hash of the lowest block that each node shows., type: dict, returned: always}
"""


def main() -> None:
    """Ask and compare."""
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "dict", "required": True},
            "shape": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        problems, found = roots(module.params["targets"], shape=ApiShape.of(module.params["shape"]))
    except ShapeError as error:
        module.fail_json(msg=str(error))
    if problems:
        module.fail_json(msg="; ".join(problems), roots=found)
    module.exit_json(changed=False, roots=found)


if __name__ == "__main__":
    main()
