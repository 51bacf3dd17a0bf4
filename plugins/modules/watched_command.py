#!/usr/bin/python
"""Documentation of the action plugin watched_command; on the node runs Ansible's own module command."""

from __future__ import annotations

DOCUMENTATION = r"""
module: watched_command
short_description: Run a long command and show now and then how far it is
description:
  - Returns what C(ansible.builtin.command) returns.
  - The task needs C(async), the seconds that it may take, and C(poll=0).
options:
  argv: {description: The command., type: list, elements: str, required: true}
  progress:
    description: A file on the node whose last line is shown now and then.
    type: path
    required: true
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Build the wheel
  coinjecture.migration.watched_command:
    argv: [sh, /var/lib/coinjecture-wheel/build.sh]
    progress: /var/lib/coinjecture-wheel/progress.txt
  async: 3600
  poll: 0
"""

RETURN = r"""
stdout: {description: What the command printed., type: str, returned: when it has ended}
"""
