#!/usr/bin/python
"""Ansible module: take paths away for good: whole trees, and folders that are empty; no link is followed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import durable
from ..module_utils.owned_place import act

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


def doomed(paths: Sequence[Path], keep: Sequence[Path] = ()) -> list[Path]:
    """What there is of ``paths``; of a folder that holds something to ``keep``, its other entries."""
    found: list[Path] = []
    for path in paths:
        if not (path.exists() or path.is_symlink()) or path in keep:
            continue
        if path.is_dir() and not path.is_symlink() and any(path in kept.parents for kept in keep):
            found += doomed(sorted(path.iterdir()), keep)
        else:
            found.append(path)
    return found


def remove(paths: Sequence[Path]) -> None:
    """Remove files, links and whole folders, each with the rights of whoever owns the folder that it lies in.

    Raises:
        OSError: One of them cannot be removed; those before it are gone.
    """
    for path in paths:
        act(path.parent, partial(_remove, path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(_aside(path))
    else:
        path.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    """A folder under another name: whoever is cut off has it whole or not at all under its own."""
    gone = path.with_name(f".{path.name}.gone")
    if gone.is_dir():
        shutil.rmtree(gone)  # of a run that was cut off
    try:
        durable.rename(path, gone)
    except OSError:  # something is mounted there
        return path
    return gone


def empty(folders: Sequence[Path], gone: Sequence[Path] = ()) -> list[Path]:
    """Those of the folders that hold nothing, or nothing but what is ``gone`` already or will be."""
    return [
        folder
        for folder in folders
        if folder.is_dir() and not folder.is_symlink() and all(entry in gone for entry in folder.iterdir())
    ]


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
