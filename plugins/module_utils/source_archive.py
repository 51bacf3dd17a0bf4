"""A reproducible archive of sources, and the hash that names what is in it.

The same files give the same bytes on every machine: sorted names, no times, no owners.
The hash is over names and contents, not over the archive, so that it does not move with
a compressor's version.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import durable

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
