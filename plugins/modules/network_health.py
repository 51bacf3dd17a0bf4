#!/usr/bin/python
"""Documentation of the action plugin network_health; it asks with the module chain_health."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_health
short_description: Ask several nodes at the same time whether the chain is well
description:
  - Runs C(chain_health) on each. Fails where one of them finds something wrong. Changes nothing.
options:
  nodes: {description: "The nodes from which it is asked.", type: list, elements: str, required: true}
  targets: {description: URL of every node's API by name., type: dict, required: true}
  shape: {description: How the API is read if not as the reference node's., type: dict, default: {}}
  advance: {description: Blocks that every node has to gain., type: int}
  lag: {description: How far below the lower tip hashes are compared., type: int}
  min_peers: {description: Peers that every node needs., type: int}
  timeout: {description: Seconds within which all of it has to be so., type: float}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Ask two nodes whether the chain is well
  coinjecture.migration.network_health:
    nodes: [node2, node1]
    targets: {node1: "http://10.0.0.1:8080", node2: "http://10.0.0.2:8080"}
"""

RETURN = r"""
answers: {description: What each of them found., type: list, elements: dict, returned: always}
"""
