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
