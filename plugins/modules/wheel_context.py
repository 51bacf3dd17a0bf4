#!/usr/bin/python
"""Ansible module, run on the controller: name and pack what a wheel is made of."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.source_archive import context_hash, pack, source_files

DOCUMENTATION = r"""
module: wheel_context
short_description: Hash the sources of the wheel, and pack them reproducibly
description: The same sources give the same hash and the same bytes on every machine.
options:
  root: {description: Root of the clone., type: path, required: true}
  include: {description: Files and folders below it., type: list, elements: str, required: true}
  extra: {description: What else decides the bytes (features and target)., type: list, elements: str}
  everything: {description: Leave nothing out (for vendored crates)., type: bool, default: false}
  archive: {description: Where to pack the sources; nothing is packed without it., type: path}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Name what the wheel is made of
  coinjecture.migration.wheel_context:
    root: "{{ migration_root }}"
    include: [Cargo.toml, Cargo.lock, rust, python]
  delegate_to: localhost
"""

RETURN = r"""
context: {description: The hash of the sources., type: str, returned: success}
files: {description: How many they are., type: int, returned: success}
"""


def main() -> None:
    """Return the hash as ``context``; write the archive where one is asked for and is not there."""
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "include": {"type": "list", "elements": "str", "required": True},
            "extra": {"type": "list", "elements": "str", "default": []},
            "everything": {"type": "bool", "default": False},
            "archive": {"type": "path"},
        },
        supports_check_mode=True,
    )
    root, archive = Path(module.params["root"]), module.params["archive"]
    try:
        names = source_files(root, module.params["include"], module.params["everything"])
        context = context_hash(root, names, module.params["extra"])
        missing = archive is not None and not Path(archive).exists()
        if missing and not module.check_mode:
            Path(archive).parent.mkdir(parents=True, exist_ok=True)
            pack(root, names, Path(archive))
    except OSError as error:
        module.fail_json(msg=f"the sources of the wheel cannot be read: {error}")
    module.exit_json(changed=missing, context=context, files=len(names))


if __name__ == "__main__":
    main()
