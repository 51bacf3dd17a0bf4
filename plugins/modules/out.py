#!/usr/bin/python
"""Documentation of the action plugin out; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: out
short_description: Print lines as they are
description: Prints them alone, without a task's banner, and changes nothing.
options:
  lines: {description: The lines., type: list, elements: str, required: true}
  painted:
    description: Whether they have colours, and what is a stranger's in them has been made visible already.
    type: bool
    default: false
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Say what comes next
  coinjecture.migration.out:
    lines: [every step is done]
"""

RETURN = r"""
lines: {description: The lines., type: list, elements: str, returned: always}
"""
