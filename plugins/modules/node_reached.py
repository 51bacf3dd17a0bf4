#!/usr/bin/python
"""Documentation of the action plugin node_reached; it needs nothing on the node but a shell."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_reached
short_description: Ask whether a node answers and lets this user work as root
description:
  - A node that does not answer is unreachable, one that refuses sudo fails; both are told with what to do.
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Ask whether the node answers
  coinjecture.migration.node_reached:
  become: true
"""

RETURN = r"""
msg: {description: "Why it cannot be asked, and what to do.", type: str, returned: when it does not}
"""
