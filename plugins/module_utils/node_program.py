"""What a service's files say of its engine: which file makes it, where it lies, who else imports it.

Runs with the rights of the node's user, reads within limits, and runs nothing of the node's.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import databases
from .command_lines import Started
from .engine_imports import LEGACY, ImportEditError
from .engine_shape import calls, shape
from .importers import LEGACY_FILE, Place, place_of
from .node_import import legacy_importers, wrap
from .programs import Program, Use, followed, source_folder, uses
from .source_files import Source, Sources
from .vocabulary import DROPPED

MEMORY = 1024 * 1024 * 1024
"""Bytes that looking at one service may take."""
OWN_PACKAGE = "coinjecture"
"""The name of the wheel's package, which the node may have as well."""
FOLDER = "coinjecture_migration"
"""The folder of the wrapper, wherever it lies."""
SHOWN = 50
"""Of what may be many, as many are told."""


def look(
    begun: Started,
    working: str,
    search: Sequence[str],
    opened: Sequence[str],
    data: Sequence[str] = (),
) -> dict[str, Any]:
    """What a service starts, as JSON has it. Called in a child, whose memory it limits.

    Args:
        begun: What its command line starts.
        working: The folder that it works in.
        search: The folders of its ``PYTHONPATH``.
        opened: Files that its processes have open.
        data: Folders in which its data may lie, beside those of its files.

    Returns:
        ``entry`` (the file that is started, empty where it is not found), ``loaded`` (how many files it
        imports), ``unknown`` and ``unread`` (sentences), ``makes`` (files that make the engine) and
        ``completed`` (files that make the Rust engine itself). Where it imports the engine also ``src``,
        ``home``, ``uses``, ``importers`` (other files, with the lines), ``calls`` (by method of the engine
        the file and line that uses it first, of what the program loads and the importers), ``shape`` of the
        engine, ``edit`` (by file: why it cannot be edited, empty where it can), ``ours`` (names of the
        migration's that are there) and ``databases``.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sources = Sources()
    found = followed(begun, working, search, sources)
    told: dict[str, Any] = {
        "entry": str(found.entry or ""),
        "loaded": len(found.loaded),
        "unknown": list(dict.fromkeys(found.unknown))[:SHOWN],
        "makes": [],
        "completed": _completed(found, sources),
    }
    src = source_folder(found, sources)
    if src is not None:
        home = src.parent if src.name == "src" else src
        told |= {"src": str(src), "home": str(home), **_of_engine(found, src, home, sources)}
        named = [Path(one) for one in (*data, str(home), str(src))]
        places = [one for one in named if len(one.parts) > 2]  # never all of the host
        listed = databases.candidates(list(dict.fromkeys(places)), [Path(one) for one in opened])
        told["databases"] = [databases.described(path) for path in listed]
    return told | {"unread": list(dict.fromkeys(sources.unread))[:SHOWN]}


def _of_engine(found: Program, src: Path, home: Path, sources: Sources) -> dict[str, Any]:
    """What is told of a program that imports the engine."""
    engine = sources.get(src / LEGACY_FILE)
    about = shape(engine, LEGACY.name) if engine else None
    own = [one for one in found.loaded if one != src / LEGACY_FILE and not _ours(one, src)]
    taken = [use for file in own for use in _uses(file, src, sources)]
    makes = list(dict.fromkeys(one.path for one in taken if one.makes))
    others = {path: it for path, it in _importers((src, home), src, sources).items() if path not in makes}
    return {
        "makes": makes,
        "uses": [vars(one) for one in taken],
        "importers": others,
        "calls": _calls([*map(str, own), *others], sources, about),
        "shape": about,
        "edit": {path: _refusal(sources.get(Path(path)), src) for path in (*makes, *others)},
        "ours": [str(src / name) for name in (*DROPPED, OWN_PACKAGE) if (src / name).exists()],
    }


def _completed(found: Program, sources: Sources) -> list[str]:
    """The files of a program that make the Rust engine itself, as after a whole migration."""
    made = []
    for file in found.loaded:
        source = sources.get(file)
        if source and any(one.engine == "rust" and one.makes for one in uses(source, Place())):
            made.append(str(file))
    return made


def _ours(file: Path, src: Path) -> bool:
    """Whether a file is one that the migration drops, beside the node or for what watches it."""
    return FOLDER in file.parts or (file.is_relative_to(src) and file.relative_to(src).parts[0] in DROPPED)


def _uses(file: Path, src: Path, sources: Sources) -> list[Use]:
    source = sources.get(file)
    try:
        return uses(source, place_of(file, src)) if source else []
    except (RecursionError, ValueError):
        return []


def _calls(files: Iterable[str], sources: Sources, about: dict[str, Any] | None) -> dict[str, list[Any]]:
    """By method of the engine the file and line that uses it first."""
    names = [*about["methods"], *about["private"]] if about else []
    found: dict[str, list[Any]] = {}
    for path in dict.fromkeys(files):
        source = sources.get(Path(path))
        for one in calls(source, names) if source else ():
            found.setdefault(one.name, [one.path, one.line])
    return found


def _importers(places: Iterable[Path], src: Path, sources: Sources) -> dict[str, dict[str, Any]]:
    """Files below these folders that import the legacy module, with the lines.

    Of some nobody can tell; those are named in the source folder alone, where the module lies.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in dict.fromkeys(path for place in dict.fromkeys(places) for path in sources.below(place)):
        source = sources.get(path)
        if source is None or source.tree is None or _ours(path, src) or path == src / LEGACY_FILE:
            continue
        try:
            taken = legacy_importers(source.content, place_of(path, src))
        except (ImportEditError, RecursionError, ValueError):
            continue
        lines = [[one.line, one.text] for one in taken if one.certain]
        undecided = [[one.line, one.text] for one in taken if not one.certain and path.is_relative_to(src)]
        if lines or undecided:
            found[str(path)] = {"lines": lines, "undecided": undecided}
    return found


def _refusal(source: Source | None, src: Path) -> str:
    """Why a file cannot be edited, empty where it can."""
    if source is None:
        return "it is not there"
    try:
        wrap(source.content, place_of(source.path, src))
    except (ImportEditError, RecursionError) as error:
        return str(error)
    return ""
