#!/usr/bin/python
"""Ansible module: take paths away in one call. All of it is in module_utils/removal.py."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.removal import doomed, empty, remove

DOCUMENTATION = r"""
module: paths_absent
short_description: Remove files, links and folders, and folders that have become empty
description: Whatever lies there goes, with the rights of whoever owns its folder.
options:
  paths: {description: What is removed, whole., type: list, elements: path, required: true}
  keep: {description: Files that stay although they lie in one of I(paths)., type: list, elements: path}
  if_empty: {description: Folders that are removed where nothing else is in them., type: list, elements: path}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Remove what the migration has laid down
  coinjecture.migration.paths_absent:
    paths: [/opt/coinjecture/releases]
    if_empty: [/etc/systemd/system/coinjecture-node.service.d]
  become: true
"""

RETURN = r"""
gone: {description: What was removed., type: list, elements: str, returned: success}
"""


def main() -> None:
    """Find, show and remove."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "keep": {"type": "list", "elements": "path", "default": []},
            "if_empty": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    paths, keep, if_empty = (
        [Path(name) for name in module.params[key]] for key in ("paths", "keep", "if_empty")
    )
    try:
        found = doomed(paths, keep)
        found += empty(if_empty, found)
        if not module.check_mode:
            remove(found)
    except OSError as error:
        module.fail_json(msg=f"not everything is gone: {error}; run the same command again")
    gone = [str(path) for path in found]
    before = "".join(f"{path}\n" for path in gone)
    module.exit_json(changed=bool(gone), gone=gone, diff={"before": before, "after": ""})


if __name__ == "__main__":
    main()
