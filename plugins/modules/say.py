#!/usr/bin/python
"""Documentation of the action plugin say; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: say
short_description: Print lines as they are
options:
  lines: {description: The lines., type: list, elements: str, required: true}
author: ["The migration toolkit"]
"""
