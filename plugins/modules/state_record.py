#!/usr/bin/python
"""Ansible module: pack what a node keeps of its migration. All of it is in module_utils/record.py."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.record import pack

DOCUMENTATION = r"""
module: state_record
short_description: Pack evidence, captures and journal of a node into an archive that only root reads
description:
  - Returns C(archive), or null where there is nothing to pack, and C(left), what was not packed.
  - The caller takes the archive and the folder that it lies in away.
options:
  folders: {description: What is packed., type: list, elements: path, required: true}
  leave_out: {description: Names that stay out., type: list, elements: str, default: []}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Pack what is to outlive the wrapper
  coinjecture.migration.state_record:
    folders: [/var/lib/coinjecture-migration]
    leave_out: [reserve]
  become: true
"""

RETURN = r"""
archive: {description: The archive; null where there is nothing to pack., type: str, returned: success}
left: {description: What was not packed., type: list, elements: str, returned: success}
"""


def main() -> None:
    """Pack, into a folder of its own."""
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "path", "required": True},
            "leave_out": {"type": "list", "elements": "str", "default": []},
        },
    )
    places = [Path(name) for name in module.params["folders"]]
    if not any(place.is_dir() for place in places):
        module.exit_json(changed=False, archive=None, left=[])
    try:
        archive = Path(tempfile.mkdtemp(prefix="coinjecture-record-", dir="/run")) / "record.tar.gz"
        left = pack(places, archive, tuple(module.params["leave_out"]))
    except OSError as error:
        module.fail_json(msg=f"the record of the migration cannot be packed: {error}")
    module.exit_json(changed=True, archive=str(archive), left=left)


if __name__ == "__main__":
    main()
