#!/usr/bin/python
"""Documentation of the action plugin nodes_info; it asks with the module node_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nodes_info
short_description: Read what every node is now
description:
  - Asks all nodes side by side with C(node_info), each by its own variables. Changes nothing.
  - A node that does not answer is one of the results; one that answers and cannot be read fails the task.
options:
  nodes:
    description: The nodes in the order in which they migrate.
    type: list
    elements: str
    required: true
  kept: {description: "Where the controller keeps what belongs to the network.", type: path, required: true}
  peers: {description: URL of the API of every node whose chain is compared., type: dict, default: {}}
  shape: {description: How the API is read if not as the reference node's., type: dict, default: {}}
  lag: {description: How far below the lowest tip they are compared., type: int, default: 6}
  depth: {description: From how deep on another block is a fork., type: int, default: 20}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Read the state of every node
  coinjecture.migration.nodes_info:
    nodes: "{{ groups['nodes'] }}"
    kept: build/networks/node1-22
  register: state_read
"""

RETURN = r"""
answers:
  description: For every node its C(state), what was C(asked), or why it could not be asked.
  type: list
  elements: dict
  returned: always
"""
