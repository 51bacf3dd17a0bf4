#!/usr/bin/python
"""Ansible module: read a file that another user has laid down, by module_utils/bounded_reader.py."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.bounded_reader import Unreadable, read_object

DOCUMENTATION = r"""
module: bounded_file
short_description: Read a JSON object from a file in a folder of another user
description: Follows no link, waits for nothing, reads no more than a limit. Returns C(content).
options:
  path: {description: The file., type: path, required: true}
author: ["The migration toolkit"]
"""


def main() -> None:
    """Read and return it."""
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True
    )
    try:
        module.exit_json(changed=False, content=read_object(Path(module.params["path"])))
    except (OSError, Unreadable) as error:
        module.fail_json(msg=f"{error}; it is not read")


if __name__ == "__main__":
    main()
