#!/usr/bin/python
"""Ansible module, run on the controller: name and pack what a wheel is made of, reproducibly.

The same files give the same bytes on every machine: sorted names, no times, no owners. The hash is over names
and contents, not over the archive, so that it does not move with a compressor's version.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import durable

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

SKIPPED_FOLDERS = frozenset({"target", "__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
SKIPPED_SUFFIXES = frozenset({".so", ".pyc", ".pyd"})


def source_files(root: Path, include: Sequence[str], everything: bool = False) -> list[str]:
    """Names below ``root`` of every file of the named files and folders, sorted.

    What tools leave behind (compiled files, caches, build output) is no source and is
    skipped, unless ``everything`` is asked for.

    Raises:
        FileNotFoundError: A named file or folder is not there.
    """
    names = set()
    for item in include:
        start = root / item
        if not start.exists():
            raise FileNotFoundError(f"{start} is not there")
        for path in [start] if start.is_file() else start.rglob("*"):
            relative = path.relative_to(root)
            if path.is_file() and (everything or not _skipped(relative)):
                names.add(relative.as_posix())
    return sorted(names)


def context_hash(root: Path, names: Iterable[str], extra: Iterable[str] = ()) -> str:
    """SHA-256 in hex over names, contents and whatever else decides the result (features, target)."""
    digest = hashlib.sha256()
    for part in extra:
        digest.update(_framed(part.encode()))
    for name in names:
        digest.update(_framed(name.encode()))
        digest.update(_framed((root / name).read_bytes()))
    return digest.hexdigest()


def pack(root: Path, names: Iterable[str], archive: Path) -> None:
    """Write a ``.tar.gz`` of the named files; it appears whole or not at all."""
    with (
        durable.replacing(archive) as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in names:
            content = (root / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if (root / name).stat().st_mode & 0o100 else 0o644
            tar.addfile(entry, io.BytesIO(content))


def _skipped(relative: Path) -> bool:
    return bool(SKIPPED_FOLDERS.intersection(relative.parts)) or relative.suffix in SKIPPED_SUFFIXES


def _framed(data: bytes) -> bytes:
    """Length before content, so that no two lists of files give one stream."""
    return len(data).to_bytes(8, "big") + data


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
