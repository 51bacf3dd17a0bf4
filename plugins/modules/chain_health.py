#!/usr/bin/python
"""Ansible module: ask every node's API whether the chain is well; run it on another node."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.api_shape import ApiShape, ShapeError
from ..module_utils.chain_api import Expectations, check

DOCUMENTATION = r"""
module: chain_health
short_description: Heights advance, nodes have peers and the same block at the same height
description: Reads the public HTTP API only and changes nothing.
options:
  targets: {description: URL of the API by node., type: dict, required: true}
  advance: {description: Blocks that every node has to gain while we watch., type: int, default: 1}
  lag: {description: How far below the lower tip the hashes are compared., type: int, default: 6}
  min_peers: {description: Peers that every node needs., type: int, default: 1}
  timeout: {description: Seconds within which all of it has to be so., type: float, default: 30}
  shape: {description: How the API is read if not as the reference node's., type: dict, default: {}}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Check that the chain goes on
  coinjecture.migration.chain_health:
    targets: {node1: "http://10.0.0.1:8080", node2: "http://10.0.0.2:8080"}
    advance: 1
  delegate_to: node2
"""

RETURN = r"""
problems:
  description: What is not so; empty where all of it is.
  type: list
  elements: str
  returned: always
chain: {description: What was seen last., type: dict, returned: success}
"""


def main() -> None:
    """Watch until healthy or out of time."""
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "dict", "required": True},
            "advance": {"type": "int", "default": 1},
            "lag": {"type": "int", "default": 6},
            "min_peers": {"type": "int", "default": 1},
            "timeout": {"type": "float", "default": 30.0},
            "shape": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    wanted = Expectations(
        **{name: module.params[name] for name in ("advance", "lag", "min_peers", "timeout")}
    )
    try:
        shape = ApiShape.of(module.params["shape"])
    except ShapeError as error:
        module.fail_json(msg=str(error))
    problems, seen = check(module.params["targets"], wanted, shape=shape)
    if problems:
        module.fail_json(
            msg=f"the chain is not healthy: {'; '.join(problems)}", chain=seen, problems=problems
        )
    module.exit_json(changed=False, chain=seen, problems=problems)


if __name__ == "__main__":
    main()
