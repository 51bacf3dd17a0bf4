"""Who imports a module: every way in which a Python file may, found without running it.

Used where an entry file is edited and where the legacy file is removed, so that neither sees an import
that the other overlooks. An import is certain, or it cannot be decided without running the file: a name that
is put together only then, or one of a package of which nobody knows whether it is the node's own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

BY_NAME = (
    "import_module",
    "__import__",
    "find_spec",
    "run_module",
    "resolve_name",
    "spec_from_file_location",
)
"""Functions that take a module by its name, as their first argument."""
RUNS_TEXT = ("exec", "eval")
LEGACY_MODULE = "consensus"
"""The legacy engine's module, as it is imported from the source folder."""
LEGACY_FILE = f"{LEGACY_MODULE}.py"
ROOT = "/"
"""Begins the name of what a file outside of the source folder imports relatively: the whole path follows."""
MIGRATION = ("coinjecture", "_coinjecture_release", "coinjecture_migration")
"""Packages that the migration brings along: a module of theirs is no other one of that name."""


@dataclass(frozen=True)
class Imported:
    """One place that imports the module, or may.

    Attributes:
        node: The statement or call.
        text: What stands there, on one line.
        certain: Whether it surely is the module.
    """

    node: ast.ImportFrom | ast.Import | ast.Call
    text: str
    certain: bool

    @property
    def line(self) -> int:
        """The line at which it begins, from 1 on."""
        return self.node.lineno


@dataclass(frozen=True)
class Place:
    """Where a file lies.

    Attributes:
        package: The folders from the source folder down to the file; of one that lies elsewhere, its folder
            from the root of the file system on.
        own: Names under which the source folder itself may be imported as a package.
        others: Names of modules or packages of their own, beside the file and in the source folder.
        inside: Whether the file lies in the source folder.
    """

    package: tuple[str, ...] = ()
    own: tuple[tuple[str, ...], ...] = ()
    others: tuple[str, ...] = ()
    inside: bool = True


def place_of(path: Path, src: Path) -> Place:
    """Where a file lies, in the source folder or elsewhere, and the names of this folder as a package."""
    own = packages(src.resolve())
    if path.is_relative_to(src):
        return Place(path.relative_to(src).parts[:-1], own, _others(src))
    beside = path.parent.resolve()
    return Place(beside.parts[1:], own, (*_others(src), *_others(beside)), inside=False)


def packages(src: PurePath) -> tuple[tuple[str, ...], ...]:
    """The names under which a source folder may be imported as a package, the longest first."""
    return tuple(src.parts[at:] for at in range(1, len(src.parts)))


def _others(folder: Path) -> tuple[str, ...]:
    """Packages in a folder that have a module of the legacy engine's name themselves."""
    return tuple(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and ((path / LEGACY_FILE).exists() or (path / LEGACY_MODULE).is_dir())
    )


class Imports:
    """All that imports something in a file, found in one walk however many modules are asked for.

    Args:
        tree: The parsed file.
        place: Where the file lies; None for one directly in the source folder.
    """

    def __init__(self, tree: ast.Module, place: Place | None = None) -> None:
        self._place = place or Place()
        nodes = list(ast.walk(tree))
        self._callers = _callers(nodes)
        self._nodes = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)]

    def of(self, module: str) -> list[Imported]:
        """Every import of a module of the source folder, lazy ones too, by line.

        Args:
            module: Its name as it is imported from the source folder, such as ``consensus``.
        """
        found = [
            Imported(node, " ".join(ast.unparse(node).split())[:80], certain)
            for node in self._nodes
            if (certain := self._certain(node, module)) is not None
        ]
        return sorted(found, key=lambda one: one.line)

    def _certain(self, node: ast.Import | ast.ImportFrom | ast.Call, module: str) -> bool | None:
        if isinstance(node, ast.Call):
            return _call(node, self._callers, module, self._place)
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else _names_of(node, self._place)
        )
        return _worst(_is_module(name, module, self._place) for name in names)


def _worst(found: Iterable[bool | None]) -> bool | None:
    """True where one is certain, False where one cannot be decided, None where none is the module."""
    told = set(found)
    return True if True in told else False if False in told else None


def _is_module(name: str, module: str, place: Place) -> bool | None:
    """Whether an absolute name is the module or something in it; False where nobody can tell."""
    parts, wanted = tuple(name.split(".")), tuple(module.split("."))
    if parts[0] == ROOT:
        whole = (*place.own[0], *wanted) if place.own else wanted
        return True if parts[1 : len(whole) + 1] == whole else None
    if parts[: len(wanted)] == wanted:
        return True
    for own in place.own:
        if parts[: len(own) + len(wanted)] == own + wanted:
            return True
    inside = any(parts[at : at + len(wanted)] == wanted for at in range(1, len(parts)))
    known = parts[0] in (*MIGRATION, *place.others)
    return False if inside and not known else None


def _names_of(node: ast.ImportFrom, place: Place) -> Iterator[str]:
    """Every module that ``from ... import`` may mean, as named from the source folder."""
    base = _base(node.level, place)
    if base is None:  # beyond the source folder: a package of which nothing is known here
        base = ("?",)
    stem = ".".join((*base, *((node.module or "").split(".") if node.module else ())))
    if stem:
        yield stem
    for alias in node.names:
        yield f"{stem}.{alias.name}" if stem else alias.name


def _base(level: int, place: Place) -> tuple[str, ...] | None:
    """The package, seen from the source folder, that a relative import starts from; elsewhere from `ROOT`."""
    if level == 0:
        return ()
    up = len(place.package) - (level - 1)
    base = place.package[:up] if up >= 0 else None
    return base if base is None or place.inside else (ROOT, *base)


def _callers(nodes: Sequence[ast.AST]) -> set[str]:
    """The names under which functions that import by name are called in this file."""
    renamed = {
        alias.asname
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in BY_NAME and alias.asname
    }
    assigned = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and _called(node.value) in BY_NAME
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return {*BY_NAME, *renamed, *assigned}


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _call(node: ast.Call, callers: set[str], module: str, place: Place) -> bool | None:
    """The same of a call: of a function that takes a module's name, or of one that runs a text."""
    name = _called(node.func)
    runs = name in RUNS_TEXT and isinstance(node.func, ast.Name)
    if not runs and name not in callers:
        return None
    arguments = [*node.args[:1], *(word.value for word in node.keywords if word.arg in ("name", "mod_name"))]
    if not arguments:
        return False if node.keywords else None
    told = arguments[0]
    if not isinstance(told, ast.Constant):
        return False
    if runs:
        return _text(told.value, module, place)
    if not isinstance(told.value, str):
        return None
    return _literal(told.value.partition(":")[0], module, place)


def _literal(name: str, module: str, place: Place) -> bool | None:
    """A name given as a text; a relative one starts from a package that the call names."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return _is_module(name, module, place)
    base = _base(level, place)
    bare = name.lstrip(".")
    if base is not None and _is_module(".".join((*base, bare)), module, place):
        return True
    return False if bare.split(".")[0] == module else None


def _text(code: object, module: str, place: Place) -> bool | None:
    """A text that is run as code."""
    if not isinstance(code, str | bytes):
        return None
    try:
        return _worst(found.certain for found in Imports(ast.parse(code), place).of(module))
    except (SyntaxError, ValueError, RecursionError):
        return None
