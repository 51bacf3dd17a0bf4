"""Taking paths away for good: whole trees, folders that have become empty, and no link followed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from . import durable
from .owned_place import act


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
