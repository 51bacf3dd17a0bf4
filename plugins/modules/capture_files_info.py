#!/usr/bin/python
"""Ansible module: read the captured divergences of a node. All of it is in module_utils/captures.py."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.captures import read

DOCUMENTATION = r"""
module: capture_files_info
short_description: Read the divergences that a node has captured
description: Returns C(captures), content in base64 by name, and C(refused), what is none. Changes nothing.
options:
  folder: {description: Where the node keeps them., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Read what the node has captured
  coinjecture.migration.capture_files_info:
    folder: /var/lib/coinjecture-migration/captures
  become: true
"""

RETURN = r"""
captures: {description: Content in base64 by name., type: dict, returned: success}
refused:
  description: "What lies there and is none, each with the reason."
  type: list
  elements: str
  returned: success
"""


def main() -> None:
    """Read and return them."""
    module = AnsibleModule(
        argument_spec={"folder": {"type": "path", "required": True}}, supports_check_mode=True
    )
    module.exit_json(changed=False, **read(Path(module.params["folder"])))


if __name__ == "__main__":
    main()
