#!/usr/bin/python
"""Ansible module: the step journal of a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.bounded_reader import UnreadableError
from ..module_utils.journal import recorded_mode
from ..module_utils.journal_file import JournalBrokenError, JournalFile
from ..module_utils.journal_record import recorded, set_aside
from ..module_utils.operator_folder import OperatorFolder

DOCUMENTATION = r"""
module: step_journal
short_description: Write to the step journal of a node, verify it, or set a broken one aside
description:
  - Every record is chained to the one before by SHA-256; nothing is written to a broken chain.
  - C(verified) never fails; it returns C(broken), the number of records, their digests and the last one.
options:
  state: {description: What to do., type: str, choices: [appended, verified, set_aside], required: true}
  folder: {description: Where root writes on the node., type: path, required: true}
  old: {description: The folder of the node's user that held the same before., type: path, required: true}
  known:
    description:
      - Set by the action plugin; what the copies know, see C(counting) in module_utils/journal.py.
      - A journal that does not go on from the one that counts is broken, whatever is asked.
    type: dict
  network:
    description:
      - The identity of the network that a node without one is given with C(appended); empty for none.
      - C(new) stands for one that the action plugin makes, the same for every node of a run.
    type: str
    default: ""
  if_broken:
    description: What C(appended) does to a broken journal; the first record of a new one names the old.
    type: str
    choices: [refuse, set_aside]
    default: refuse
  entry: {description: The record without what chains it and without its time., type: dict}
  kept:
    description:
      - Where the controller keeps what belongs to the network, without its identity; see C(kept.py).
      - The action plugin of the same name compares the journal with the copy there and writes it.
      - A copy that disagrees is set aside by name and never overwritten.
    type: path
  node: {description: The node's name in the inventory, and of the copy., type: str}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Verify the journal
  coinjecture.migration.step_journal:
    state: verified
    kept: build/networks/node1-22
    node: node1
    folder: /var/lib/coinjecture-operator
    old: /var/lib/coinjecture-migration
  become: true
"""

RETURN = r"""
broken: {description: Why it is broken; null where it is whole., type: str, returned: with C(verified)}
record: {description: The record as it was written., type: dict, returned: with C(appended)}
network: {description: The identity of the node's network., type: str, returned: with C(appended)}
"""


def verified(journal: JournalFile) -> dict[str, Any]:
    """What a person and the controller's copy are told of the journal."""
    found = journal.read()
    return {
        "broken": found["broken"],
        "digests": [record["digest"] for record in found["records"]],
        "mode": recorded_mode(found["records"]),
        "last": found["records"][-1] if found["records"] else None,
        "path": str(journal.path),
        "moved": journal.path.parent == journal.folder.path,
        "counted": journal.counted(),
    }


def main() -> None:
    """Check the options and carry them out."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["appended", "verified", "set_aside"], "required": True},
            "folder": {"type": "path", "required": True},
            "old": {"type": "path", "required": True},
            "known": {"type": "dict", "default": {}},
            "network": {"type": "str", "default": ""},
            "if_broken": {"type": "str", "choices": ["refuse", "set_aside"], "default": "refuse"},
            "entry": {"type": "dict"},
        },
        required_if=[("state", "appended", ["entry"])],
        supports_check_mode=True,
    )
    folder = OperatorFolder(Path(module.params["folder"]), Path(module.params["old"]))
    journal = JournalFile(folder, module.params["known"])
    try:
        if module.params["state"] == "verified":
            module.exit_json(changed=False, **verified(journal))
        if module.params["state"] == "set_aside":
            module.exit_json(**set_aside(journal, module.check_mode))
        if module.check_mode:
            module.exit_json(changed=True)
        module.exit_json(changed=True, **recorded(journal, module.params))
    except JournalBrokenError as error:
        module.fail_json(msg=f"the step journal is broken: {error}", is_broken=True)
    except (OSError, UnreadableError, ValueError, KeyError) as error:
        module.fail_json(msg=f"the step journal cannot be written: {error}")


if __name__ == "__main__":
    main()
