"""The sealed copy of what the migration removes, so that going back stays possible afterwards.

Under one folder lies one sealed copy per content, named by it: every Python file beside the legacy
engine, the entry files that lie elsewhere, the wheel in force, and a manifest with all their hashes. Files
are root's and read-only; what is taken out is checked against the manifest first.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import durable
from .bounded_reader import UnreadableError, read_bytes
from .entries import Entries
from .importers import LEGACY_FILE, LEGACY_MODULE, place_of
from .node_import import ImportEditError, legacy_importers
from .owned_place import of_root
from .vocabulary import DROPPED

SCHEMA = 1
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
    except UnreadableError as error:
        raise SealError(str(error)) from error
    return content


def obstacles(entries: Entries, folder: Path) -> list[str]:
    """Why the legacy file cannot be removed now; empty where it can, or is gone with a copy sealed."""
    try:
        contents = entries.read()
        done = entries.edited(contents, "rust") == contents
        entries.brought(entries.read(importers=True))
        if done and not (entries.src / LEGACY_FILE).exists():
            find(folder)  # it has been removed: what is left to ask is that the way back is there
    except (OSError, ImportEditError, SealError) as error:
        return [str(error)]
    return importing(entries)


def importing(entries: Entries) -> list[str]:
    """Places that import the legacy file, neither edited nor left as they are on purpose."""
    return [text for certain, text in _users(entries) if certain]


def undecided(entries: Entries) -> list[str]:
    """Places of which nobody can tell without running them whether they import the legacy file."""
    return [text for certain, text in _users(entries) if not certain]


def _users(entries: Entries) -> list[tuple[bool, str]]:
    """Every place that imports the legacy file, and whether that is certain."""
    found = []
    for path in python_files(entries):
        if path in entries.ignored:
            continue
        try:
            content = source(path)
        except (FileNotFoundError, SealError) as error:
            found.append((False, f"{path} cannot be read: {error}"))
            continue
        try:
            users = legacy_importers(content, place_of(path, entries.src))
        except ImportEditError as error:
            if LEGACY_MODULE.encode() in content:
                found.append((False, f"{path} names {LEGACY_MODULE} and cannot be read: {error}"))
            continue
        for user in users:
            if user.certain and path not in (*entries.paths, *entries.importers):  # what the edit is about
                found.append((True, f"{path}, line {user.line}, imports the legacy module too: {user.text}"))
            elif not user.certain:
                text = (
                    f"{path}, line {user.line}: {user.text} tells only when it runs which module it imports"
                )
                found.append((False, text))
    return found


def python_files(entries: Entries) -> list[Path]:
    """Every Python file of the source folder but the legacy one, what the migration drops, and libraries.

    Beside them those in the folder above it and of entry files elsewhere, without the folders in there.
    """
    src = entries.src
    foreign = {marker.parent for marker in src.rglob(MARKER_OF_A_VENV)}
    inside = [
        path
        for path in sorted(src.rglob("*.py"))
        if path.relative_to(src).parts[0] not in (LEGACY_FILE, *DROPPED)
        and not foreign.intersection(path.parents)
    ]
    named = (*entries.paths, *entries.importers)
    beside = {src.parent, *(path.parent for path in named if not path.is_relative_to(src))}
    return inside + [path for folder in sorted(beside) for path in sorted(folder.glob("*.py"))]


def seal(entries: Entries, release: Path, folder: Path, by: str, at: float) -> tuple[bool, dict[str, Any]]:
    """Seal the node's sources and the wheel in force; what is sealed already is left alone.

    Args:
        entries: The node's entry files and its folder of sources.
        release: The folder of the release in force, with its wheel in it.
        folder: Where sealed copies lie.
        by: Who seals, for the manifest.
        at: When, in seconds since the epoch.

    Returns:
        Whether a copy was made, and its manifest with its own hash as ``sha256`` and its place as ``folder``.

    Raises:
        SealError: The legacy file or the wheel is missing, an entry file cannot be edited, or a copy is
            damaged.
    """
    src, wheels = entries.src, sorted(release.glob("*.whl"))
    if not (src / LEGACY_FILE).is_file():
        raise SealError(
            f"{src / LEGACY_FILE} is not there, so it cannot be sealed; put it back from a backup"
        )
    if len(wheels) != 1:
        raise SealError(f"{release} holds {len(wheels)} wheels, one is expected; install the release again")
    files = {path.name: source(path) for path in sorted(src.glob("*.py"))}
    files |= {path.name: path.read_bytes() for path in wheels}
    try:
        wrapped = entries.edited(entries.read(), "wrapped")
        others = entries.read(importers=True)
        completed = entries.edited(wrapped, "rust") | entries.brought(others)
    except ImportEditError as error:
        raise SealError(str(error)) from error
    files |= {_name(path, src): content for path, content in {**wrapped, **others}.items()}
    listed = {name: sha256(content) for name, content in files.items()}
    key = sha256(json.dumps(listed, sort_keys=True).encode())[:16]
    if (folder / key).is_dir():
        return False, read(folder / key)
    manifest = {
        "schema": SCHEMA, "sealed": at, "by": by, "files": listed, "release": release.resolve().name,
        "completed": {str(path): sha256(content) for path, content in completed.items()},
    }  # fmt: skip
    _write(folder, key, files, manifest)
    return True, read(folder / key)


def _name(path: Path, src: Path) -> str:
    """The name of an entry file in a copy, in which there is no folder."""
    return path.name if path.parent == src else quote(str(path), safe="")


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


def changes_back(entries: Entries, folder: Path) -> list[dict[str, str]]:
    """What brings wrapper import and legacy file back, as changes for the role restart.

    An entry file comes from the sealed copy where it was not edited since; else its import alone is changed.

    Raises:
        SealError: There is no copy, it is damaged, or a file cannot be edited.
    """
    copy, src = find(folder), entries.src
    completed = copy.get("completed") or {str(src / "node.py"): copy.get("completed_node_py")}
    changes = [{"path": str(src / LEGACY_FILE), "from": f"{copy['folder']}/{LEGACY_FILE}"}]
    try:
        others, contents = entries.read(importers=True), entries.read()
        edited = entries.brought(others, back=True) | entries.edited(contents, "wrapped")
    except ImportEditError as error:
        raise SealError(f"the way back is not clear: {error}") from error
    for path, content in edited.items():
        if sha256({**others, **contents}[path]) == completed.get(str(path)):
            changes.append({"path": str(path), "from": f"{copy['folder']}/{_name(path, src)}"})
        else:
            changes.append({"path": str(path), "content": content.decode()})
    return changes


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
