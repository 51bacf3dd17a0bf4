#!/usr/bin/python
"""Documentation of the action plugin clock_skew; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: clock_skew
short_description: Measure how far a node's clock is from the controller's
options:
  limit: {description: Seconds beyond which the task fails., type: float, default: 2}
author: ["The migration toolkit"]
"""
