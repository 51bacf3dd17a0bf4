#!/usr/bin/python
"""Documentation of the action plugin gate_wait; it runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_wait
short_description: Stay until the gate lets the steps of some nodes start, refuses one, or the time is over
description: Asks every node again, ever more seldom, and shows how it stands. Holds no lock, changes nothing.
options:
  nodes: {description: The nodes whose steps wait., type: list, elements: str, required: true}
  results:
    description: The answers of C(nodes_info), which it asks again.
    type: list
    elements: dict
    required: true
  phase: {description: The phase., type: int, required: true}
  phases: {description: The calendar., type: list, elements: dict, required: true}
  criteria: {description: What a soak has to show., type: dict, required: true}
  serial: {description: How many nodes are in a wave., type: raw, required: true}
  timeout: {description: Seconds to stay., type: float, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Wait for the gate
  coinjecture.migration.gate_wait:
    nodes: [node2]
    results: "{{ state_read.answers }}"
    phase: 1
    phases: "{{ phases }}"
    criteria: "{{ gate_criteria }}"
    serial: 1
    timeout: 3600
  run_once: true
"""

RETURN = r"""
answers:
  description: What every node answered at the last look.
  type: list
  elements: dict
  returned: always
looks: {description: How often the nodes were asked again., type: int, returned: always}
"""
