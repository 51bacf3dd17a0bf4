"""The sealed copy of what the migration removes, so that going back stays possible afterwards.

Under one folder lies one sealed copy per content, named by it: every Python file beside node.py,
the wheel in force, and a manifest with all their hashes. Files are root's and read-only; what is
taken out is checked against the manifest first.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import durable
from .bounded_reader import Unreadable, read_bytes
from .importers import place_of
from .node_import import ImportEditRefused, complete, legacy_importers, wrap
from .owned_place import of_root
from .vocabulary import DROPPED

SCHEMA = 1
LEGACY_MODULE, LEGACY_FILE, NODE_FILE = "consensus", "consensus.py", "node.py"
MARKER_OF_A_VENV = "pyvenv.cfg"


class SealError(Exception):
    """The copy cannot be made or is not what was sealed; the message says why and what to do."""


def sha256(content: bytes) -> str:
    """The hash of a file's content in hex."""
    return hashlib.sha256(content).hexdigest()


def source(path: Path) -> bytes:
    """A file of the node's sources, in a folder that may be the node's user's.

    Raises:
        OSError: It is not there.
        SealError: It is a link, or nothing that is sealed.
    """
    try:
        content: bytes = read_bytes(path)
    except Unreadable as error:
        raise SealError(str(error)) from error
    return content


def obstacles(src: Path, folder: Path) -> list[str]:
    """Why the legacy file cannot be removed now; empty where it can, or is gone with a copy sealed."""
    found: list[str] = []
    try:
        node_py, place = source(src / NODE_FILE), place_of(src / NODE_FILE, src)
        if complete(node_py, place) == node_py and not (src / LEGACY_FILE).exists():
            find(folder)  # it has been removed: what is left to ask is that the way back is there
    except (OSError, ImportEditRefused, SealError) as error:
        return [str(error)]
    return found + [text for certain, text in _users(src) if certain]


def undecided(src: Path) -> list[str]:
    """Places of which nobody can tell without running them whether they import the legacy file."""
    return [text for certain, text in _users(src) if not certain]


def _users(src: Path) -> list[tuple[bool, str]]:
    """Every place in the source folder that imports the legacy file, and whether that is certain."""
    found = []
    for path in _python_files(src):
        parts = path.relative_to(src).parts
        place = place_of(path, src)
        try:
            content = source(path)
        except (FileNotFoundError, SealError) as error:
            found.append((False, f"{path} cannot be read: {error}"))
            continue
        try:
            users = legacy_importers(content, place)
        except ImportEditRefused as error:
            if LEGACY_MODULE.encode() in content:
                found.append((False, f"{path} names {LEGACY_MODULE} and cannot be read: {error}"))
            continue
        for user in users:
            if user.certain and parts != (NODE_FILE,):  # that of node.py is what the edit is about
                found.append((True, f"{path}, line {user.line}, imports the legacy module too: {user.text}"))
            elif not user.certain:
                text = (
                    f"{path}, line {user.line}: {user.text} tells only when it runs which module it imports"
                )
                found.append((False, text))
    return found


def _python_files(src: Path) -> list[Path]:
    """Every Python file in the folder but the legacy one, what the migration drops, and libraries."""
    foreign = {marker.parent for marker in src.rglob(MARKER_OF_A_VENV)}
    return [
        path
        for path in sorted(src.rglob("*.py"))
        if path.relative_to(src).parts[0] not in (LEGACY_FILE, *DROPPED)
        and not foreign.intersection(path.parents)
    ]


def seal(src: Path, release: Path, folder: Path, by: str, at: float) -> tuple[bool, dict[str, Any]]:
    """Seal the files beside node.py and the wheel in force; what is sealed already is left alone.

    Args:
        src: The node's folder of sources.
        release: The folder of the release in force, with its wheel in it.
        folder: Where sealed copies lie.
        by: Who seals, for the manifest.
        at: When, in seconds since the epoch.

    Returns:
        Whether a copy was made, and its manifest with its own hash as ``sha256`` and its place as ``folder``.

    Raises:
        SealError: The legacy file or the wheel is missing, node.py cannot be edited, or a copy is damaged.
    """
    wheels = sorted(release.glob("*.whl"))
    if not (src / LEGACY_FILE).is_file():
        raise SealError(
            f"{src / LEGACY_FILE} is not there, so it cannot be sealed; put it back from a backup"
        )
    if len(wheels) != 1:
        raise SealError(f"{release} holds {len(wheels)} wheels, one is expected; install the release again")
    files = {path.name: source(path) for path in sorted(src.glob("*.py"))}
    files |= {path.name: path.read_bytes() for path in wheels}
    try:
        place = place_of(src / NODE_FILE, src)
        wrapped = wrap(files[NODE_FILE], place)
        completed = sha256(complete(wrapped, place))
    except (KeyError, ImportEditRefused) as error:
        raise SealError(f"{src / NODE_FILE} cannot be edited: {error}") from error
    files[NODE_FILE] = wrapped
    listed = {name: sha256(content) for name, content in files.items()}
    key = sha256(json.dumps(listed, sort_keys=True).encode())[:16]
    if (folder / key).is_dir():
        return False, read(folder / key)
    manifest = {
        "schema": SCHEMA, "sealed": at, "by": by, "files": listed, "completed_node_py": completed,
        "release": release.resolve().name,
    }  # fmt: skip
    _write(folder, key, files, manifest)
    return True, read(folder / key)


def read(copy: Path) -> dict[str, Any]:
    """Read a sealed copy's manifest and check every file against it.

    Raises:
        SealError: A file is missing or another one than was sealed.
    """
    try:
        text = (copy / "manifest.json").read_bytes()
        manifest: dict[str, Any] = json.loads(text)
        for name, expected in manifest["files"].items():
            if sha256((copy / name).read_bytes()) != expected:
                raise SealError(
                    f"{copy / name} is not what was sealed; take the file from another node's copy"
                )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SealError(f"{copy} is damaged ({error}); take the copy of another node") from error
    return manifest | {"sha256": sha256(text), "folder": str(copy)}


def find(folder: Path) -> dict[str, Any]:
    """The copy that was sealed last, checked.

    Raises:
        SealError: There is none, or it is damaged.
    """
    copies = [path for path in folder.glob("*") if (path / "manifest.json").is_file()]
    if not copies:
        raise SealError(
            f"no sealed copy in {folder}: take one from another node, or the legacy file from a backup"
        )
    return max((read(copy) for copy in copies), key=lambda manifest: float(manifest["sealed"]))


def changes_back(src: Path, folder: Path) -> list[dict[str, str]]:
    """What brings wrapper import and legacy file back, as changes for the role restart.

    node.py comes from the sealed copy where it was not edited since; else its import alone is changed.

    Raises:
        SealError: There is no copy, it is damaged, or node.py cannot be edited.
    """
    copy = find(folder)
    node = src / NODE_FILE
    content = source(node)
    changes = [{"path": str(src / LEGACY_FILE), "from": f"{copy['folder']}/{LEGACY_FILE}"}]
    if sha256(content) == copy["completed_node_py"]:
        return [*changes, {"path": str(node), "from": f"{copy['folder']}/{NODE_FILE}"}]
    try:
        return [*changes, {"path": str(node), "content": wrap(content, place_of(node, src)).decode()}]
    except ImportEditRefused as error:
        raise SealError(f"{node} cannot be turned back: {error}") from error


def _write(folder: Path, key: str, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    """Write a copy beside its place and rename it there, so that it is there whole or not at all."""
    of_root(folder)
    folder.mkdir(mode=0o755, exist_ok=True)
    fresh = folder / f".{key}.new"
    if fresh.exists():
        fresh.chmod(0o755)
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o755)
    contents = {**files, "manifest.json": (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()}
    for name, content in contents.items():
        durable.replace(fresh / name, content, 0o444)
    durable.rename(fresh, folder / key)
    (folder / key).chmod(0o555)
