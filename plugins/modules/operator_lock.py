#!/usr/bin/python
"""Ansible module: the operator lock of a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.operator_lock import Claim, LockFile, describe

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
"""


def carry_out(options: dict[str, Any], lock: LockFile) -> dict[str, Any]:
    """Do what is asked; ``changed`` is true where a lock was broken, the one thing that outlives a run."""
    if options["state"] == "read":
        found = lock.read()
        return {"lock": found, "why": describe(found, lock.uptime()) if found else ""}
    if options["state"] == "broken":
        return {"changed": lock.break_lock(options["run"], options["who"], options["what"])}
    if options["state"] == "released":
        return {"gone": lock.release(options["run"], options["users"]), "lock": lock.read()}
    names = ("who", "what", "place", "pid")
    claim = Claim(id=options["run"], **{name: options[name] for name in names})
    result: dict[str, Any] = {}
    for user in options["users"]:
        result = lock.take(claim, options["ttl"], user, options["dead"])
        if result["outcome"] in ("refused", "broken"):
            break
    return result


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
        },
        required_if=[("state", "taken", ["run", "users"]), ("state", "released", ["run"]),
                     ("state", "broken", ["run"])],
        supports_check_mode=True,
    )  # fmt: skip
    if module.check_mode and module.params["state"] != "read":
        module.exit_json(changed=False, skipped=True, msg="a play that changes nothing takes no lock")
    try:
        module.exit_json(
            **({"changed": False} | carry_out(module.params, LockFile(Path(module.params["folder"]))))
        )
    except OSError as error:
        module.fail_json(msg=f"the operator lock cannot be used: {error}")


if __name__ == "__main__":
    main()
