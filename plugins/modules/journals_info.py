#!/usr/bin/python
"""Documentation of the action plugin journals_info; it asks with the module step_journal."""

from __future__ import annotations

DOCUMENTATION = r"""
module: journals_info
short_description: Read and verify the step journal of every node
description:
  - Asks all nodes side by side with C(step_journal). Changes nothing.
  - A node that does not answer is one of the answers, and so is a journal that cannot be read.
options:
  nodes: {description: The nodes., type: list, elements: str, required: true}
  kept: {description: "Where the controller keeps what belongs to the network.", type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Read and verify every journal
  coinjecture.migration.journals_info:
    nodes: "{{ groups['nodes'] }}"
    kept: build/networks/node1-22
"""

RETURN = r"""
answers: {description: What every node answered., type: list, elements: dict, returned: always}
"""
