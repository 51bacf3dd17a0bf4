#!/usr/bin/python
"""Documentation of the action plugin failing_checks_info; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: failing_checks_info
short_description: Say which assertions of a file of tasks would fail
description: Evaluates each C(ansible.builtin.assert) of the file for this host, also after one that fails.
options:
  path: {description: The file of tasks., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Ask what would be refused
  coinjecture.migration.failing_checks_info:
    path: "{{ migration_root }}/roles/preflight/tasks/node.yml"
"""

RETURN = r"""
refused: {description: What each of them says., type: list, elements: str, returned: always}
"""
