"""A wheel, checked and unpacked without an installer: nothing that it holds or names is run.

What is unpacked is what its own record lists, byte for byte, as plain files below one folder. A wheel with
more than modules (scripts, files for elsewhere) is refused: placing those is an installer's work.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator
from itertools import product
from pathlib import Path, PurePosixPath

MAX_BYTES = 512 * 1024 * 1024
"""What a wheel may hold in all, unpacked."""
MAX_FILES = 10_000

_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, csv.Error),
    *(NotImplementedError, RuntimeError, EOFError, ValueError),
)
"""What reading a damaged archive raises."""


class WheelRefusedError(Exception):
    """The wheel is not unpacked; the message names what is wrong with it."""


def tags(name: str) -> frozenset[str]:
    """The tags of interpreter, binary interface and platform in a wheel's file name.

    Raises:
        WheelRefusedError: It is no name of a wheel.
    """
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) not in (5, 6) or not all(parts):
        raise WheelRefusedError(f"{name} is no name of a wheel")
    return frozenset("-".join(tag) for tag in product(*(part.split(".") for part in parts[-3:])))


def check_tags(name: str, supported: Collection[str], python: str) -> None:
    """Refuse a wheel that is made for another interpreter or machine.

    Args:
        name: Its file name.
        supported: The tags that the interpreter takes.
        python: The interpreter, for the message.

    Raises:
        WheelRefusedError: It takes none of the wheel's tags.
    """
    if not tags(name).intersection(supported):
        raise WheelRefusedError(
            f"{name} is made for {', '.join(sorted(tags(name)))}, which {python} does not take"
        )


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel into an empty folder; every file and folder gets its mode, whatever the umask.

    Raises:
        WheelRefusedError: It is no wheel of modules alone, or not what its own record says.
        OSError: The disk refused.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = _entries(archive)
            recorded = _recorded(archive, entries)
            for name, entry in entries.items():
                content = archive.read(entry)
                if name in recorded and recorded[name] != _digest(content):
                    raise WheelRefusedError(f"{name} is not what the wheel's RECORD says")
                _write(folder, name, content)
    except _UNREADABLE as error:
        raise WheelRefusedError(f"{wheel.name} is no wheel that can be read: {error}") from error


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of the archive by name.

    Raises:
        WheelRefusedError: One of them may not be unpacked.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    listed = archive.infolist()
    if len(listed) > MAX_FILES or sum(entry.file_size for entry in listed) > MAX_BYTES:
        raise WheelRefusedError(f"the wheel holds more than {MAX_FILES} files or {MAX_BYTES} bytes")
    for entry in listed:
        if odd := _oddity(entry):
            raise WheelRefusedError(f"{entry.orig_filename!r} {odd}")
        if entry.is_dir():
            continue
        if entry.filename in found:
            raise WheelRefusedError(f"{entry.filename} is in the wheel twice")
        found[entry.filename] = entry
    for name in found:
        if above := [str(path) for path in PurePosixPath(name).parents if str(path) in found]:
            raise WheelRefusedError(f"{above[0]} is a file and a folder in the wheel")
    return found


def _oddity(entry: zipfile.ZipInfo) -> str:
    """Why an entry may not be unpacked, in words; empty where it may."""
    name = entry.filename.removesuffix("/") if entry.is_dir() else entry.filename
    if entry.orig_filename != entry.filename or "\\" in name or not name.isprintable():
        return "is no name of a file"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "leads out of the folder"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        return "is a link or no plain file"
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _PACKED:
        return "is packed in a way that wheels are not"
    if name.split("/")[0].endswith(".data"):
        return "belongs to what only an installer can place"
    return ""


def _recorded(archive: zipfile.ZipFile, entries: Collection[str]) -> dict[str, str]:
    """The digest of every file but the record itself, as the record has it.

    Raises:
        WheelRefusedError: There is no record, or it does not list the very files of the wheel.
    """
    records = [name for name in entries if name.endswith(".dist-info/RECORD") and name.count("/") == 1]
    if len(records) != 1:
        raise WheelRefusedError(f"the wheel has {len(records)} RECORDs instead of one")
    found: dict[str, str] = {}
    for row in csv.reader(archive.read(records[0]).decode("utf-8").splitlines()):
        if len(row) != 3 or row[0] in found:
            raise WheelRefusedError(f"RECORD has a line that is none, or a file twice: {row}")
        found[row[0]] = row[1]
    found.pop(records[0], None)
    if odd := sorted(found.keys() ^ (set(entries) - {records[0]})):
        raise WheelRefusedError(f"RECORD and wheel do not name the same files: {', '.join(odd[:5])}")
    return found


def _digest(content: bytes) -> str:
    """A digest as RECORD has it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode('ascii')}"


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write one file, and the folders that it lies in."""
    path = folder / name
    for parent in _missing(path.parent):
        parent.mkdir()
        parent.chmod(_FOLDER_MODE)
    with os.fdopen(os.open(path, _FRESH, 0o600), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), _FILE_MODE)
        file.flush()
        os.fsync(file.fileno())


def _missing(folder: Path) -> Iterator[Path]:
    """The folders that are not there yet, the outermost first."""
    if not folder.exists():
        yield from _missing(folder.parent)
        yield folder
