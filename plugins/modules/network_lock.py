#!/usr/bin/python
"""Documentation of the action plugin network_lock; it asks with the module operator_lock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_lock
short_description: Take, renew, give back or read the operator lock of every node
description:
  - Asks all nodes side by side with C(operator_lock), once for every node that the run works on.
  - Fails where another run holds one of them, and then gives back what it has just taken.
  - Of two runs that ask at the same moment, the one that got the first node goes on.
  - A node that does not answer is left out.
options:
  nodes:
    description: The nodes in the order of the inventory.
    type: list
    elements: str
    required: true
  state: {description: What to do., type: str, choices: [taken, released, read], required: true}
  folder: {description: Folder of the lock., type: path, required: true}
  who: {description: The operator., type: str, default: ""}
  what: {description: What the run does., type: str, default: ""}
  ttl: {description: Seconds the run may stay away., type: float, default: 1800}
  users: {description: Nodes that the run works on., type: list, elements: str, default: []}
  reads:
    description:
      - Nodes of which, with C(taken), is read in the same call what a way back needs of C(node_info).
      - In check mode they are read without the lock.
    type: list
    elements: str
    default: []
  kept: {description: "With C(reads), where the controller keeps what belongs to the network.", type: path}
  closes:
    description: By node, with C(released), the operation that is closed after it, see C(pending_operation).
    type: dict
    default: {}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Take the lock
  coinjecture.migration.network_lock:
    nodes: "{{ groups['nodes'] }}"
    state: taken
    folder: /run/coinjecture-lock
    who: ann@laptop
    what: phase 1
    users: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
answers: {description: What every node answered., type: list, elements: dict, returned: always}
silent: {description: By node why it could not be asked., type: dict, returned: always}
"""
