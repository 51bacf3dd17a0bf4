#!/usr/bin/python
"""Ansible module: files of the controller, whole and in one call, below a folder of the node."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import durable
from ..module_utils.bounded_reader import UnreadableError, read_bytes
from ..module_utils.owned_place import act

DOCUMENTATION = r"""
module: source_tree
short_description: Bring a set of source files below a folder
description:
  - The action plugin of the same name reads the files named by I(trees) on the controller.
  - Every folder among them is brought as it is; a source file that is not in it any more is removed.
options:
  dest: {description: The folder on the node., type: path, required: true}
  trees:
    description: What goes where; C(from) on the controller, C(to) below I(dest).
    type: list
    elements: dict
  files: {description: Set by the action plugin; content in base64 by name., type: dict}
  folders: {description: Set by the action plugin; folders that are brought whole., type: list, elements: str}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Bring the wrapper
  coinjecture.migration.source_tree:
    dest: /opt/coinjecture/src
    trees:
      - {from: "{{ migration_root }}/wrapper/coinjecture_migration", to: coinjecture_migration}
  become: true
"""

RETURN = r"""
files: {description: What was written or removed., type: list, elements: str, returned: success}
"""


def text(content: bytes | None) -> str:
    """Content for a diff."""
    return "" if content is None else content.decode("utf-8", "replace")


def present(path: Path) -> bytes | None:
    """What lies there; None where that is no plain file, which is replaced then."""
    try:
        content: bytes = read_bytes(path)
    except (FileNotFoundError, UnreadableError):
        return None
    return content


def write(path: Path, content: bytes) -> None:
    """Replace one file atomically; readable by all, writable by the owner of its folder."""
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir(mode=0o755)
    durable.replace(path, content)


def superfluous(dest: Path, folders: list[str], wanted: set[Path]) -> list[Path]:
    """Source files in the brought folders that are not among the wanted ones."""
    return sorted(
        path
        for folder in folders
        for path in (dest / folder).rglob("*")
        if path.is_file() and path not in wanted and path.suffix in (".py", ".typed", ".sql")
    )


def main() -> None:
    """Compare, show the difference, and write what differs."""
    module = AnsibleModule(
        argument_spec={
            "dest": {"type": "path", "required": True},
            "trees": {"type": "list", "elements": "dict"},
            "files": {"type": "dict", "required": True},
            "folders": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    dest = Path(module.params["dest"])
    files = {dest / name: base64.b64decode(data) for name, data in module.params["files"].items()}
    diffs, changed = [], []
    for path, content in sorted(files.items()):
        before = present(path)
        if before == content:
            continue
        changed.append(str(path))
        header = str(path)
        diffs.append(
            {"before_header": header, "after_header": header, "before": text(before), "after": text(content)}
        )
        if not module.check_mode:
            act(path.parent, partial(write, path, content))
    for path in superfluous(dest, module.params["folders"], set(files)):
        changed.append(str(path))
        diffs.append({"before_header": str(path), "after_header": "absent", "before": "", "after": ""})
        if not module.check_mode:
            act(path.parent, path.unlink)
    module.exit_json(changed=bool(changed), files=changed, diff=diffs)


if __name__ == "__main__":
    main()
