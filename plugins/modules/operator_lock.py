#!/usr/bin/python
"""Ansible module: the operator lock of a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.api_shape import ShapeError
from ..module_utils.node_asked import ARGUMENTS, answer
from ..module_utils.operator_folder import OperatorFolder
from ..module_utils.operator_lock import Claim, LockFile, describe
from ..module_utils.pending_operation import close, would_close

CLOSES: dict[str, dict[str, Any]] = {
    **{name: {"type": "path", "required": True} for name in ("folder", "old")},
    "target": {"type": "str", "default": ""},
}

DOCUMENTATION = r"""
module: operator_lock
short_description: Take, renew, give back, break or read the operator lock of a node
description:
  - The action plugin of the same name says which run asks; the lock of a run that has ended is taken over.
  - A lock that another run holds is no failure of the module; see C(outcome).
  - C(released) takes away the lock of a run that has ended or has lost it, too.
options:
  state: {description: What to do., type: str, choices: [taken, released, broken, read], required: true}
  folder: {description: Folder of the lock., type: path, required: true}
  run: {description: The run that is asked about; set by the action plugin except for C(broken)., type: str}
  who: {description: The operator., type: str, default: ""}
  what: {description: What the run does; why a lock is broken., type: str, default: ""}
  place: {description: Set by the action plugin., type: str, default: ""}
  pid: {description: Set by the action plugin., type: int, default: 0}
  dead: {description: Set by the action plugin., type: str, default: ""}
  ttl: {description: Seconds the run may stay away., type: float, default: 1800}
  users: {description: Nodes that the run works on., type: list, elements: str, default: []}
  reads:
    description: Options of C(node_info). With C(taken), the node is read under the lock in the same call.
    type: dict
  closes:
    description: Options of C(pending_operation). With C(released), that operation is closed after it.
    type: dict
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Take the lock
  coinjecture.migration.operator_lock:
    state: taken
    folder: /run/coinjecture-lock
    who: ann@laptop
    what: phase 1
    users: [node1]
  become: true
"""

RETURN = r"""
outcome: {description: What became of the request., type: str, returned: but in check mode}
lock: {description: The lock that was found or taken., type: dict, returned: but in check mode}
state: {description: What the node is., type: dict, returned: with C(reads) where the lock is this run's}
"""


def carry_out(options: dict[str, Any], lock: LockFile) -> dict[str, Any]:
    """Do what is asked; ``changed`` is true where something outlives the run: a broken lock, a close."""
    if options["state"] == "read":
        found = lock.read()
        return {"lock": found, "why": describe(found, lock.uptime()) if found else ""}
    if options["state"] == "broken":
        return {"changed": lock.break_lock(options["run"], options["who"], options["what"])}
    if options["state"] == "released":
        released = {"gone": lock.release(options["run"], options["users"]), "lock": lock.read()}
        return released | ({"changed": closed(options["closes"])} if options["closes"] else {})
    result = taken(options, lock)
    if options["reads"] and result["outcome"] in ("taken", "renewed"):
        result["state"] = answer(options["reads"])
    return result


def taken(options: dict[str, Any], lock: LockFile) -> dict[str, Any]:
    """Take the lock for every node that the run works on."""
    names = ("who", "what", "place", "pid")
    claim = Claim(id=options["run"], **{name: options[name] for name in names})
    result: dict[str, Any] = {}
    for user in options["users"]:
        result = lock.take(claim, options["ttl"], user, options["dead"])
        if result["outcome"] in ("refused", "broken"):
            break
    return result


def closed(operation: dict[str, Any]) -> bool:
    """Close the operation; says whether one was open."""
    return bool(close(OperatorFolder(Path(operation["folder"]), Path(operation["old"])), operation["target"]))


def unlocked(module: AnsibleModule) -> dict[str, Any]:
    """What a play that changes nothing gets: no lock, and what it wants to read."""
    said = {"changed": False, "skipped": True, "msg": "a play that changes nothing takes no lock"}
    if module.params["closes"]:
        folder = OperatorFolder(Path(module.params["closes"]["folder"]), Path(module.params["closes"]["old"]))
        return said | {"skipped": False, "changed": would_close(folder, module.params["closes"]["target"])}
    return said | ({"state": answer(module.params["reads"])} if module.params["reads"] else {})


def main() -> None:
    """Check the options and carry them out."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["taken", "released", "broken", "read"], "required": True},
            "folder": {"type": "path", "required": True},
            "run": {"type": "str"},
            "who": {"type": "str", "default": ""},
            "what": {"type": "str", "default": ""},
            "place": {"type": "str", "default": ""},
            "pid": {"type": "int", "default": 0},
            "dead": {"type": "str", "default": ""},
            "ttl": {"type": "float", "default": 1800.0},
            "users": {"type": "list", "elements": "str", "default": []},
            "reads": {"type": "dict", "options": ARGUMENTS},
            "closes": {"type": "dict", "options": CLOSES},
        },
        required_if=[("state", "taken", ["run", "users"]), ("state", "released", ["run"]),
                     ("state", "broken", ["run"])],
        supports_check_mode=True,
    )  # fmt: skip
    if module.check_mode and module.params["state"] != "read":
        module.exit_json(**unlocked(module))
    try:
        module.exit_json(
            **({"changed": False} | carry_out(module.params, LockFile(Path(module.params["folder"]))))
        )
    except ShapeError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the operator lock cannot be used: {error}")


if __name__ == "__main__":
    main()
