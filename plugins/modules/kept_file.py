#!/usr/bin/python
"""Documentation of the action plugin kept_file; it writes on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kept_file
short_description: Keep a text on the controller
description:
  - Makes the folder, replaces the file, and lets a link point to it. Works in check mode too.
  - What it writes is a cache of the controller, so nothing counts as changed.
options:
  path: {description: The file., type: path, required: true}
  content: {description: The text., type: str, required: true}
  link: {description: A link that points to the file., type: path}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Keep it for programs
  coinjecture.migration.kept_file:
    path: build/networks/node1-22/status.json
    content: "{{ report | to_nice_json }}\n"
    link: build/status.json
"""

RETURN = r"""
msg: {description: Why it could not be kept., type: str, returned: where it could not}
"""
