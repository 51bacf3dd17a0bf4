#!/usr/bin/python
"""Documentation of the action plugin stopped; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stopped
short_description: End a host's part in a play, with exit status 4 where nodes could not be asked
description:
  - Ends as C(fail) does; with C(silent) as an unreachable host does, and no C(rescue) or C(always) runs then.
options:
  msg: {description: The reason in a sentence., type: str, required: true}
  silent: {description: By node why it could not be asked (C(state_silent))., type: dict, default: {}}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: End with what a program reads of it
  coinjecture.migration.stopped:
    msg: the page does not tell of the whole network
    silent: "{{ state_silent }}"
"""

RETURN = r"""
msg: {description: The reason., type: str, returned: always}
"""
