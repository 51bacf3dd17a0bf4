"""Which Python files a program loads, and which of them make the consensus engine: by syntax tree alone.

A name that the node imports is looked for where its interpreter would look: in the folder of the file that is
started, in ``PYTHONPATH``, and where the files themselves put folders on ``sys.path``.
"""

from __future__ import annotations

import ast
import os.path
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .command_lines import Started
from .engine_imports import LEGACY, RUST, WRAPPED, Side, Taking, Takings
from .importers import Place
from .source_files import Source, Sources
from .static_paths import added

SIDES = (LEGACY, WRAPPED, RUST)
MAX_LOADED = 400
"""Files of one program that are followed."""


@dataclass(frozen=True)
class Use:
    """A file that takes an engine's module.

    Attributes:
        path: The file.
        engine: ``legacy``, ``wrapped`` or ``rust``.
        lines: Where it takes it.
        forms: How: ``names`` out of the module, the ``module``, or a ``literal`` name.
        makes: Whether it makes an engine, and does not only name its type.
    """

    path: str
    engine: str
    lines: tuple[int, ...]
    forms: tuple[str, ...]
    makes: bool


@dataclass
class Program:
    """What a command line loads.

    Attributes:
        entry: The file that is started; None where it is not found.
        loaded: Every file that it imports, its own first.
        path: The folders in which it looks for a module, in order.
        unknown: Sentences about folders of the path that only a run tells.
    """

    entry: Path | None
    loaded: list[Path] = field(default_factory=list)
    path: list[Path] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def followed(begun: Started, working: str, search: Sequence[str], sources: Sources) -> Program:
    """Follow the imports of what a command line starts.

    Args:
        begun: What it starts.
        working: The folder that it is started in.
        search: The folders of ``PYTHONPATH``.
        sources: Reads the files.
    """
    base = Path(os.path.normpath(Path(working) / begun.folder))
    given = [Path(os.path.normpath(base / one)) for one in search if one]
    if begun.kind == "file":
        file = Path(os.path.normpath(base / begun.what))
        entry: Path | None = file
        path = [file.parent, *given]
    else:
        path = [base, *given]
        names = (begun.what, f"{begun.what}.__main__") if begun.kind == "module" else (begun.what,)
        entry = next((one for name in names if (one := find(name, path, sources))), None)
    if entry is None or sources.get(entry) is None:
        return Program(None, path=path)
    found = Program(entry, [entry], path)
    _follow(found, str(base), sources)
    return found


def find(name: str, path: Sequence[Path], sources: Sources) -> Path | None:
    """The file of a module, a package's own file too; None where the path does not lead to one."""
    inner = Path(*name.split("."))
    for place in path:
        for candidate in (place / inner / "__init__.py", place / f"{inner}.py"):
            if sources.get(candidate) is not None:
                return candidate
    return None


def _follow(found: Program, working: str, sources: Sources) -> None:
    """Add every file that the program's files import, breadth first."""
    for file in found.loaded:  # grows while it is gone through
        source = sources.get(file)
        if source is None or source.tree is None:
            continue
        for one in added(source.tree, str(file), working):
            if not one.folder:
                found.unknown.append(
                    f"{file}, line {one.line}: only a run tells which folder this adds: {one.text}"
                )
            elif Path(one.folder) not in found.path:
                found.path.insert(0 if one.first else len(found.path), Path(one.folder))
        for imported in _imported(source.tree, file, found.path, sources):
            if imported not in found.loaded and len(found.loaded) < MAX_LOADED:
                found.loaded.append(imported)


def _imported(tree: ast.Module, file: Path, path: Sequence[Path], sources: Sources) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _each(alias.name, path, sources)
        elif isinstance(node, ast.ImportFrom):
            places = [file.parents[node.level - 1]] if 0 < node.level <= len(file.parents) else path
            module = node.module or ""
            if module:
                yield from _each(module, places, sources)
            for alias in node.names:
                if (inner := find(f"{module}.{alias.name}".strip("."), places, sources)) is not None:
                    yield inner


def _each(name: str, path: Sequence[Path], sources: Sources) -> Iterator[Path]:
    """The module and the packages that it lies in."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        if (found := find(".".join(parts[:end]), path, sources)) is None:
            return
        yield found


def source_folder(found: Program, sources: Sources) -> Path | None:
    """Where the engine's module lies that the program would import; None where it imports none.

    With the wrapper in between the legacy module is not followed to: the wrapper lies in the same folder.
    """
    for side in (LEGACY, WRAPPED):
        for file in found.loaded:
            if file.name == f"{side.module}.py" and _defines(sources.get(file), side.name):
                return file.parent
    return None


def _defines(source: Source | None, name: str) -> bool:
    """Whether a file has a class of this name."""
    tree = source.tree if source is not None else None
    return tree is not None and any(isinstance(one, ast.ClassDef) and one.name == name for one in tree.body)


def uses(source: Source, where: Place) -> list[Use]:
    """How a file takes an engine's module, one use for each of the three."""
    if source.tree is None:
        return []
    found, takings = [], Takings(source.tree, where)
    for side, engine in zip(SIDES, ("legacy", "wrapped", "rust"), strict=True):
        if taken := takings.of(side):
            lines, forms = tuple(one.line for one in taken), tuple(dict.fromkeys(one.form for one in taken))
            found.append(Use(str(source.path), engine, lines, forms, _makes(source.tree, side, taken)))
    return found


def _makes(tree: ast.Module, side: Side, taken: Sequence[Taking]) -> bool:
    """Whether the engine's class is called, by a name that it has here."""
    names = {one.local for one in taken if one.form == "names" and one.gives_engine}
    modules = {one.local for one in taken if one.form == "module" and one.local}
    literal = any(one.form == "literal" and one.gives_engine for one in taken)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in names:
            return True
        if isinstance(called, ast.Attribute) and called.attr in (LEGACY.name, side.name):
            of_module = isinstance(called.value, ast.Name) and called.value.id in modules
            if of_module or literal:
                return True
    return False
