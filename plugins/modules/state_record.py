#!/usr/bin/python
"""Ansible module: pack what a node keeps of its migration into one archive, before it is taken away.

The state folder belongs to the node's user, so every file of it is read as a stranger's: what is no plain
file, or too large, stays out and is named.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.bounded_reader import UnreadableError, folder, names, read_at

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

MAX_FILE = 256 * 1024 * 1024
MAX_TOTAL = 1024 * 1024 * 1024
MAX_DEPTH = 4


def pack(places: list[Path], archive: Path, leave_out: tuple[str, ...]) -> list[str]:
    """Pack folders with their files into a ``.tar.gz`` that only root reads.

    Args:
        places: The folders; one that is not there is left out.
        archive: A file that does not exist yet.
        leave_out: Names of files and folders that stay out.

    Returns:
        What was not packed, and why.

    Raises:
        OSError: The archive cannot be written.
    """
    left: list[str] = []
    handle = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    room = MAX_TOTAL
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
        waiting = [(place, place.name, 0) for place in places]
        while waiting:
            place, name, depth = waiting.pop(0)
            try:
                with folder(place) as inner:
                    for entry in names(inner, place):
                        if entry in leave_out:
                            continue
                        found = os.stat(entry, dir_fd=inner, follow_symlinks=False)
                        if stat.S_ISDIR(found.st_mode) and depth < MAX_DEPTH:
                            waiting.append((place / entry, f"{name}/{entry}", depth + 1))
                            continue
                        try:
                            content = read_at(inner, entry, place / entry, min(MAX_FILE, room), 120)
                        except (FileNotFoundError, UnreadableError) as error:
                            left.append(str(error))
                            continue
                        room -= len(content)
                        tar.addfile(_entry(f"{name}/{entry}", content, found.st_mtime), io.BytesIO(content))
            except FileNotFoundError:
                continue
            except UnreadableError as error:
                left.append(str(error))
    return left


def _entry(name: str, content: bytes, changed: float) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(content), int(changed), 0o644
    return entry


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
