#!/usr/bin/python
"""Documentation of the action plugin clock_skew; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: clock_skew
short_description: Measure how far a node's clock is from the controller's
description: Asks the node for the time a few times and keeps the answer that came fastest. Changes nothing.
options:
  limit: {description: Seconds beyond which the task fails., type: float, default: 2}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Check the clock
  coinjecture.migration.clock_skew:
    limit: 2
"""

RETURN = r"""
skew:
  description: "Seconds, the node's clock minus the controller's."
  type: float
  returned: when the clock was read
uncertainty:
  description: Seconds by which that may be wrong.
  type: float
  returned: when the clock was read
"""
