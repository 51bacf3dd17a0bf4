"""What a node has of its own under names that the migration drops: kept for as long as ours are there.

Each file or folder is packed into an archive in root's folder, byte for byte with owner and mode, before
anything of ours is written, and put back when ours is taken out. The manifest is written last: where it is,
all of that is done, and what lies there since is ours.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import durable
from .bounded_reader import UnreadableError, read_bytes, read_object
from .engine_imports import ImportEditError, parse
from .entries import Entries
from .importers import Imports, place_of
from .owned_place import act, of_root, rights
from .sealed import python_files

FOLDER = "displaced"
"""Its name in root's folder on the node."""
MAX_BYTES = 8 * 1024 * 1024
SCHEMA = 1


@dataclass(frozen=True)
class Displaced:
    """What is kept of a node.

    Attributes:
        folder: Root's folder for it.
    """

    folder: Path

    @property
    def manifest(self) -> Path:
        """What tells of every path its archive and that one's hash."""
        return self.folder / "manifest.json"

    def kept(self) -> dict[str, dict[str, str]] | None:
        """Archive and hash by path; None where nothing has been decided yet.

        Raises:
            OSError: The manifest is damaged.
        """
        try:
            found: dict[str, Any] = read_object(self.manifest)
        except FileNotFoundError:
            return None
        except UnreadableError as error:
            raise OSError(str(error)) from error
        kept: dict[str, dict[str, str]] = found["kept"]
        return kept

    def keep(self, paths: Sequence[Path]) -> list[str]:
        """Keep what lies at these paths; once that is decided, what lies there is left alone.

        Returns:
            What is kept.

        Raises:
            OSError: Something cannot be kept so that it could be put back, or the disk refused.
        """
        if (known := self.kept()) is not None:
            return sorted(known)
        of_root(self.folder)
        durable.make_folder(self.folder)
        self.folder.chmod(0o700)
        kept = {}
        for path in (path for path in paths if os.path.lexists(path)):
            content, name = packed(path), f"{quote(str(path), safe='')}.tar"
            durable.replace(self.folder / name, content, 0o600)
            kept[str(path)] = {"archive": name, "sha256": hashlib.sha256(content).hexdigest()}
        durable.replace(self.manifest, json.dumps({"schema": SCHEMA, "kept": kept}) + "\n", 0o600)
        return sorted(kept)

    def put_back(self) -> list[str]:
        """Let what is kept lie where it lay, in the place of whatever lies there; again does nothing else.

        Returns:
            What was put back.

        Raises:
            OSError: An archive is not what was kept, or the disk refused.
        """
        known = self.kept() or {}
        for name, of in sorted(known.items()):
            path = Path(name)
            content = (self.folder / of["archive"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != of["sha256"]:
                raise OSError(f"{self.folder / of['archive']} is not what was kept of {path}")
            act(path.parent, partial(_unpack, path, content))
        return sorted(known)


def packed(path: Path) -> bytes:
    """A file or folder as an archive, read with its owner's rights.

    Raises:
        OSError: It could not be put back as it is; the message says why and what to do.
    """
    place = path if stat.S_ISDIR(path.lstat().st_mode) else path.parent
    try:
        return base64.b64decode(act(place, partial(_pack, path, rights(path.parent))))
    except OSError as error:
        raise OSError(f"{path} is the node's own and cannot be kept: {error}; move it away first") from error


def in_use(entries: Entries, own: Sequence[Path]) -> list[str]:
    """Where the node's files import one of its own that would be displaced: it could not do without."""
    found = []
    for path in python_files(entries) if own else ():
        try:
            imports = Imports(parse(read_bytes(path)), place_of(path, entries.src))
        except (OSError, UnreadableError, ImportEditError):
            continue  # what reads it for its own sake says so
        for file in own:
            found += [
                f"{path}, line {one.line}, imports {file}, which is the node's own and has a name that the "
                "migration needs there; give it another name first"
                for one in imports.of(file.name.removesuffix(".py"))
                if one.certain
            ]
    return found


def _pack(path: Path, who: tuple[int, int] | None) -> str:
    """An archive in base64; ``who`` is with whose rights it would be put back, None for root's."""
    size = 0

    def fits(member: tarfile.TarInfo) -> tarfile.TarInfo:
        nonlocal size
        size += member.size
        if size > MAX_BYTES:
            raise OSError(f"it has more than {MAX_BYTES} bytes")
        if not (member.isreg() or member.isdir() or member.issym()):
            raise OSError(f"{member.name} is neither a file nor a folder nor a link")
        if who is not None and (member.uid, member.gid) != who:
            raise OSError(f"{member.name} belongs to another user than the folder that it lies in")
        if who is None and os.geteuid() == 0 and member.isdir() and member.uid != 0:
            raise OSError(f"{member.name} is a folder of another user")
        return member

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.dereference = False
        tar.add(path, arcname=path.name, filter=fits)
    return base64.b64encode(archive.getvalue()).decode()


def _unpack(path: Path, content: bytes) -> None:
    """Lay an archive down beside its place and rename it there, so that it is whole or not there."""
    fresh = path.with_name(f".{path.name}.kept")
    _take_away(fresh)
    made: list[tuple[Path, tarfile.TarInfo]] = []
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar.getmembers():
            target = fresh / Path(member.name).relative_to(path.name)
            made.append((target, member))
            if member.isdir():
                target.mkdir(mode=0o700)
            elif member.issym():
                target.symlink_to(member.linkname)
            else:
                _write(target, tar, member)
    for target, member in reversed(made):
        if os.geteuid() == 0:
            os.chown(target, member.uid, member.gid, follow_symlinks=False)
        if not member.issym():
            target.chmod(member.mode)
            os.utime(target, (member.mtime, member.mtime))
    _take_away(path)
    durable.rename(fresh, path)


def _write(target: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    source = tar.extractfile(member)
    assert source is not None
    with target.open("xb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def _take_away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
