"""Whether an installed release is, byte for byte, the wheel that it is named after.

The folder of a release has the SHA-256 of its wheel as its name and keeps the wheel. The wheel is the record:
every file of it lies in the folder with the same bytes, and nothing else does. A few megabytes, some 20 ms.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_NAMED = 5
"""Differences that are named; the rest is counted."""


def compare(release: Path, sha256: str | None = None) -> dict[str, Any]:
    """Compare a release with its wheel.

    Args:
        release: The folder.
        sha256: The hash of its wheel; its name, where none is given.

    Returns:
        ``wheel``: the path of the kept wheel, None where its bytes are not those of the name; ``differs``: in
        words what is not as it was installed, empty where all is.
    """
    if release.is_symlink():
        return {"wheel": None, "differs": [f"{release} is a link"]}
    try:
        present = dict(_files(release))
    except OSError as error:
        return {"wheel": None, "differs": [f"{release}: {error.strerror}"]}
    kept = [name for name in present if "/" not in name and name.endswith(".whl")]
    if len(kept) != 1:
        return {"wheel": None, "differs": [f"{release} keeps {len(kept)} wheels instead of one"]}
    wheel = release / kept[0]
    if present.pop(kept[0]) or _sha256(wheel) != (sha256 or release.name):
        return {"wheel": None, "differs": [f"{wheel} is not the wheel that the release is named after"]}
    return {"wheel": str(wheel), "differs": _shortened(_differences(release, wheel, present))}


def _differences(release: Path, wheel: Path, present: dict[str, str]) -> list[str]:
    """What is missing, other, linked or too much; ``present`` is name and oddity of what is there."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        wanted = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
        for name, entry in wanted.items():
            if name not in present:
                found.append(f"{name} is missing")
            elif odd := present[name]:
                found.append(f"{name} is {odd}")
            elif not _same(release / name, archive.read(entry)):
                found.append(f"{name} has other bytes")
    return found + [f"{name} does not belong there" for name in present if name not in wanted]


def _same(path: Path, content: bytes) -> bool:
    """Whether a file has this content."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _files(release: Path) -> Iterator[tuple[str, str]]:
    """Name and oddity of everything below a folder but its folders; no link is followed."""
    for path in sorted(release.iterdir()):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            for name, odd in _files(path):
                yield f"{path.name}/{name}", odd
        else:
            yield path.name, "" if stat.S_ISREG(mode) else "a link" if stat.S_ISLNK(mode) else "no file"


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _shortened(differences: list[str]) -> list[str]:
    more = len(differences) - MOST_NAMED
    return differences if more <= 0 else [*differences[:MOST_NAMED], f"and {more} more"]
