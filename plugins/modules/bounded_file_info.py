#!/usr/bin/python
"""Ansible module: read a file that another user has laid down, by module_utils/bounded_reader.py."""

from __future__ import annotations

import base64
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.bounded_reader import Unreadable, read_bytes, read_object

DOCUMENTATION = r"""
module: bounded_file_info
short_description: Read a file in a folder of another user
description: Follows no link, waits for nothing, reads no more than a limit. Returns C(content).
options:
  path: {description: The file., type: path, required: true}
  form:
    description: What it is and is returned as; C(base64) is for bytes.
    type: str
    choices: [object, base64]
    default: object
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Read what another user has written
  coinjecture.migration.bounded_file_info:
    path: /var/lib/coinjecture-migration/result.json
  become: true
"""

RETURN = r"""
content: {description: The JSON object, or the bytes in base64., type: raw, returned: success}
"""


def main() -> None:
    """Read and return it."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "form": {"type": "str", "choices": ["object", "base64"], "default": "object"},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    try:
        if module.params["form"] == "base64":
            module.exit_json(changed=False, content=base64.b64encode(read_bytes(path)).decode("ascii"))
        module.exit_json(changed=False, content=read_object(path))
    except (OSError, Unreadable) as error:
        module.fail_json(msg=f"{error}; it is not read")


if __name__ == "__main__":
    main()
