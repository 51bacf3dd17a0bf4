#!/usr/bin/python
"""Ansible module: one request to the wrapper's control socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.control_client import ControlClient, ControlError
from ..module_utils.vocabulary import CONTROL_SOCKET, MODES

DOCUMENTATION = r"""
module: consensus_control
short_description: Ask a node's wrapper for its status, or change its mode
description:
  - Speaks to the control socket on the node; needs root.
  - C(set_mode) gives the status as it is afterwards.
  - C(export_tree) has the tree on the disk, where the wrapper keeps one; a restart takes it over from there.
  - C(prepare) returns when the mode is prepared, or after a second; the action plugin of the same name
    waits on and shows progress.
options:
  op:
    description: The request.
    type: str
    required: true
    choices: [status, prepare, set_mode, ack, export_tree]
  mode:
    description: The mode to prepare or to set.
    type: str
    choices: [legacy, shadow, rust, final]
  if_mode: {description: Set the mode only where the node is in this one., type: str}
  who: {description: Who asks., type: str}
  why: {description: The reason that is recorded., type: str}
  socket: {description: The control socket., type: str, default: /run/coinjecture-migration/control.sock}
  timeout: {description: Seconds to wait for the answer., type: float, default: 10}
  prepare_timeout:
    description: With C(prepare), seconds that the action plugin waits for its end.
    type: float
    default: 3600
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Set the mode
  coinjecture.migration.consensus_control:
    op: set_mode
    mode: rust
    if_mode: shadow
    who: ann@laptop
    why: phase 2
  become: true
"""

RETURN = r"""
status: {description: The wrapper's status., type: dict, returned: but for C(ack) and C(export_tree)}
tree: {description: What is kept of the tree., type: dict, returned: with C(export_tree)}
before: {description: The mode before., type: str, returned: with C(set_mode)}
after:
  description: "The mode afterwards, in check mode as it would be."
  type: str
  returned: with C(set_mode)
acknowledged: {description: What was acknowledged., type: list, elements: dict, returned: with C(ack)}
"""

OPS = ["status", "prepare", "set_mode", "ack", "export_tree"]
SETTLE = 1.0
"""Seconds that a prepare is waited for on the node; a short chain takes less than another call would."""


def prepare(module: AnsibleModule, client: ControlClient) -> dict[str, Any]:
    """Begin to prepare the mode and look whether it is over already."""
    client.prepare(module.params["mode"], module.params["who"])
    deadline = time.monotonic() + SETTLE
    status = client.status()
    while (status.get("prepare") or {}).get("state") == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
        status = client.status()
    return {"changed": False, "status": status}


def set_mode(module: AnsibleModule, client: ControlClient) -> dict[str, Any]:
    """Change the mode where it is another one; in check mode say what would change."""
    wanted = module.params["mode"]
    status = client.status()
    before = status["mode"]
    expected = module.params["if_mode"]
    if before == wanted:
        return {"changed": False, "before": before, "after": wanted, "status": status}
    if expected is not None and before != expected:
        raise ControlError(
            "if_mode", f"the node is in {before}, expected {expected}", "read its status first"
        )
    if not module.check_mode:
        client.set_mode(wanted, module.params["who"], module.params["why"], before)
        status = client.status()
    return {
        "changed": True,
        "before": before,
        "after": wanted,
        "status": status,
        "diff": {"before": f"mode: {before}\n", "after": f"mode: {wanted}\n"},
    }


def unacknowledged(status: Mapping[str, Any]) -> list[Any]:
    """All that waits for an operator: the node's latch, a fork, an engine that contradicts itself."""
    latched = status.get("latched")
    own = [{"kind": "latch", "why": latched.get("why")}] if latched else []
    return list(status.get("unacknowledged", own))


def carry_out(module: AnsibleModule, client: ControlClient) -> dict[str, Any]:
    """Carry out the request and return the result for Ansible."""
    op = module.params["op"]
    if op == "set_mode":
        return set_mode(module, client)
    if op == "ack":
        waiting = unacknowledged(client.status())
        if waiting and not module.check_mode:
            client.ack(module.params["who"], module.params["why"])
        return {"changed": bool(waiting), "acknowledged": waiting}
    if op == "export_tree" and not module.check_mode:
        return {"changed": False, "tree": client.export_tree()}
    if op == "prepare" and not module.check_mode:
        return prepare(module, client)
    return {"changed": False, "status": client.status()}


def main() -> None:
    """Check the options, carry out the request, report a refusal with what to do next."""
    module = AnsibleModule(
        argument_spec={
            "op": {"type": "str", "required": True, "choices": OPS},
            "mode": {"type": "str", "choices": list(MODES)},
            "if_mode": {"type": "str"},
            "who": {"type": "str"},
            "why": {"type": "str"},
            "socket": {"type": "str", "default": CONTROL_SOCKET},
            "timeout": {"type": "float", "default": 10.0},
        },
        required_if=[
            ("op", "prepare", ["mode", "who"]),
            ("op", "set_mode", ["mode", "who", "why"]),
            ("op", "ack", ["who", "why"]),
        ],
        supports_check_mode=True,
    )
    client = ControlClient(module.params["socket"], module.params["timeout"])
    try:
        module.exit_json(**carry_out(module, client))
    except ControlError as error:
        module.fail_json(msg=str(error), code=error.code, next=error.next_step)


if __name__ == "__main__":
    main()
