#!/usr/bin/python
"""Ansible module: a node's way back as far as that goes without a restart, in one call."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.bounded_reader import UnreadableError
from ..module_utils.control_client import ControlClient, ControlError
from ..module_utils.journal_file import JournalBrokenError, JournalFile
from ..module_utils.journal_record import recorded
from ..module_utils.operator_folder import OperatorFolder
from ..module_utils.pending_operation import OperationError, write
from ..module_utils.vocabulary import ANSWERING, MODES

DOCUMENTATION = r"""
module: rollback
short_description: Take a node back without a restart
description:
  - Fixes the target on the node, then prepares and sets the mode through the control socket, then records it.
  - Each of the three is left out where it is not given. Interrupted and called again, it goes on.
  - A wrapper that says no or does not answer is no failure; C(refused) says why, and the rest is left out.
  - The action plugin of the same name keeps the controller's copy of the journal.
options:
  folder: {description: Where root writes on the node., type: path, required: true}
  old: {description: The folder of the node's user that held the same before., type: path, required: true}
  operation: {description: "What has been begun, see C(pending_operation).", type: dict}
  mode: {description: The mode to set., type: str, choices: [legacy, shadow, rust, final]}
  if_mode: {description: Set the mode only where the node is in this one., type: str}
  who: {description: Who asks., type: str, default: ""}
  socket: {description: The control socket., type: str, required: true}
  entry: {description: "The record of the step journal, see C(step_journal).", type: dict}
  network: {description: "See C(step_journal).", type: str, default: ""}
  known: {description: Set by the action plugin., type: dict, default: {}}
  kept: {description: "See C(step_journal).", type: path}
  node: {description: The node's name in the inventory., type: str}
  refuses: {description: Why there is no way back; the action plugin fails with it., type: str, default: ""}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Go back
  coinjecture.migration.rollback:
    folder: /var/lib/coinjecture-operator
    old: /var/lib/coinjecture-migration
    operation: "{{ begun }}"
    mode: legacy
    if_mode: final
    who: ann@laptop
    socket: /run/coinjecture-migration/control.sock
    entry: "{{ record }}"
    kept: build/networks/node1-22
    node: node1
  become: true
"""

RETURN = r"""
refused: {description: Why the wrapper did not set the mode, type: str, returned: always}
preparing: {description: Whether the mode is still being prepared., type: bool, returned: always}
status: {description: The wrapper's status., type: dict, returned: where the mode is in force}
silent: {description: Why the node could not be asked any more., type: str, returned: where it could not}
record: {description: The record as it was written., type: dict, returned: where one was}
"""

WHY = "rollback"
SETTLE = 2.0
"""Seconds that a prepare is waited for in this call."""


def set_mode(client: ControlClient, given: dict[str, Any]) -> dict[str, Any]:
    """Prepare the mode and set it.

    Raises:
        ControlError: The wrapper says no, or does not answer.
    """
    status, mode = client.status(), given["mode"]
    changed = status["mode"] != mode
    if changed:
        if given["if_mode"] not in (None, status["mode"]):
            raise ControlError("if_mode", f"the node is in {status['mode']}, expected {given['if_mode']}")
        client.prepare(mode, given["who"])
        prepare = _prepared(client)
        if prepare.get("state") == "running":
            return {"changed": False, "preparing": True}
        if prepare.get("state") == "failed":
            raise ControlError("prepare_failed", f"{mode} cannot be prepared: {prepare.get('error')}")
        client.set_mode(mode, given["who"], WHY, status["mode"])
        status = client.status()
    if (status["mode"], status["answering"]) != (mode, ANSWERING[mode]):
        said = f"it is in {status['mode']} and {status['answering']} answers; expected {mode}"
        raise ControlError("not_in_force", said)
    return {"changed": changed, "status": status}


def _prepared(client: ControlClient) -> dict[str, Any]:
    """How the preparation stands when it is over, or after a while."""
    deadline = time.monotonic() + SETTLE
    while (found := client.status().get("prepare") or {}).get("state") == "running":
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return dict(found)


def go_back(given: dict[str, Any]) -> dict[str, Any]:
    """Fix the target, set the mode, record it: in this order, each durable before the next begins."""
    folder = OperatorFolder(Path(given["folder"]), Path(given["old"]))
    done: dict[str, Any] = {"changed": False, "refused": "", "preparing": False}
    if given["operation"]:
        done["changed"] = write(folder, given["operation"])
    if given["mode"]:
        try:
            mode = set_mode(ControlClient(given["socket"]), given)
        except ControlError as error:
            return done | {"refused": str(error)}
        done |= mode | {"changed": done["changed"] or mode["changed"]}
    if given["entry"] and not done["preparing"]:
        journal = JournalFile(folder, given["known"])
        done |= recorded(journal, given | {"if_broken": "set_aside"}) | {"changed": True}
    return done


def main() -> None:
    """Check the options and carry them out."""
    module = AnsibleModule(
        argument_spec={
            **{name: {"type": "path", "required": True} for name in ("folder", "old")},
            "operation": {"type": "dict"},
            "mode": {"type": "str", "choices": list(MODES)},
            "if_mode": {"type": "str"},
            "who": {"type": "str", "default": ""},
            "socket": {"type": "str", "required": True},
            "entry": {"type": "dict"},
            "network": {"type": "str", "default": ""},
            "known": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    given = module.params
    if module.check_mode:
        module.exit_json(changed=bool(given["operation"] or given["mode"] or given["entry"]), refused="")
    try:
        module.exit_json(**go_back(given))
    except (OperationError, JournalBrokenError, OSError, UnreadableError, ValueError, KeyError) as error:
        module.fail_json(msg=f"the way back cannot be noted on the node: {error}")


if __name__ == "__main__":
    main()
