#!/usr/bin/python
"""Ansible module: read what a node keeps of its migration, for the page of a run."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.node_material import read

OPTIONS = ("src", "python", "user", "state_dir", "operator_dir")

DOCUMENTATION = r"""
module: node_material_info
short_description: Evidence since installation, step journal and captures of a node
description: Reads and changes nothing; what is absent is null.
options:
  src: {description: The folder with node.py and the wrapper., type: str, required: true}
  python: {description: The node's interpreter., type: str, required: true}
  user: {description: The node's user., type: str, required: true}
  state_dir: {description: The folder of the node's user., type: str, required: true}
  operator_dir: {description: Where root writes on the node., type: str, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Read what the node keeps of its migration
  coinjecture.migration.node_material_info:
    src: /opt/coinjecture/src
    python: /opt/coinjecture/venv/bin/python
    user: coinjecture
    state_dir: /var/lib/coinjecture-migration
    operator_dir: /var/lib/coinjecture-operator
  become: true
"""

RETURN = r"""
material: {description: Evidence, step journal and captures., type: dict, returned: success}
"""


def main() -> None:
    """Read and return it as ``material``."""
    module = AnsibleModule(
        argument_spec={name: {"type": "str", "required": True} for name in OPTIONS}, supports_check_mode=True
    )
    try:
        module.exit_json(changed=False, material=read(**module.params))
    except OSError as error:
        module.fail_json(msg=f"what the node keeps cannot be read: {error}")


if __name__ == "__main__":
    main()
