"""The one change in each of the node's entry files: where its consensus engine is imported from.

Every import of the legacy module in the file changes, and nothing else::

    from .consensus import ConsensusConfig, ConsensusEngine
    from .consensus_wrapper import ConsensusConfig, DualRunConsensus as ConsensusEngine
    from _coinjecture_release.consensus import ConsensusConfig, ConsensusEngine

It may stand once or in a try/except pair, relative or by the name of a package, anywhere in the file, and it
may take the module instead of names out of it (``import consensus``, ``from . import consensus``,
``import_module("consensus")``).

The third form is that of a completed migration: the Rust engine is no sibling of the file, so both lines of a
pair become the same. Which of them was the relative one is known to the sealed copy alone; without it the
first one is taken to have been, and an import that stands alone is taken to have been a plain one.

The edit works on bytes at the places the parser names, so comments, quotes, line ends and layout stay. Before
it is made it is taken back, which must give the very same bytes, and completed. Where the file would not run
on what the edit names, the edit is refused with the line and what to write.
"""

from __future__ import annotations

import ast

from .engine_imports import (
    FORMER,
    LEGACY,
    OFFERED,
    RUST,
    WRAPPED,
    ImportEditError,
    Side,
    Taking,
    Takings,
    lines_of,
    parse,
)
from .import_edit import edit
from .importers import Imported, Imports, Place

SIDES = {"legacy": LEGACY, "wrapped": WRAPPED, "rust": RUST}

__all__ = [
    "ImportEditError",
    "bring",
    "bring_back",
    "complete",
    "legacy_importers",
    "look",
    "names",
    "state",
    "unwrap",
    "wrap",
]


def state(source: bytes, place: Place | None = None) -> str:
    """Say which engine an entry file imports.

    Args:
        source: The file.
        place: Where it lies, for imports by the name of its package.

    Returns:
        ``legacy``, ``wrapped`` or ``rust``.

    Raises:
        ImportEditError: Neither, or not clearly.
    """
    return _Source(source, place).state


def look(source: bytes, place: Place | None = None) -> str:
    """The same as `state`, and a legacy file that could not be edited is refused as well.

    Raises:
        ImportEditError: See `state` and `wrap`.
    """
    file = _Source(source, place)
    if file.state == "legacy":
        _wrapped(file)
    return file.state


def wrap(source: bytes, place: Place | None = None) -> bytes:
    """Return the file with the wrapper in place of the legacy engine; unchanged where it is there already.

    Raises:
        ImportEditError: The engine's import is not found, is ambiguous, or cannot be taken back exactly;
            or it takes what only the legacy module has.
    """
    return _wrapped(_Source(source, place)).source


def unwrap(source: bytes, place: Place | None = None) -> bytes:
    """Return the file with the legacy engine's import again; unchanged where it is there already.

    Raises:
        ImportEditError: The engine's import is not found or is ambiguous.
    """
    file = _Source(source, place)
    return source if file.state == "legacy" else _wrapped(file).edited("legacy")


def complete(source: bytes, place: Place | None = None) -> bytes:
    """Return the file with the Rust engine itself in place of the wrapper; unchanged where it is already.

    Raises:
        ImportEditError: The engine's import is not found or is ambiguous.
    """
    file = _Source(source, place)
    return source if file.state == "rust" else _wrapped(file).edited("rust")


def names(source: bytes, place: Place | None = None) -> list[str]:
    """The names that the file takes from its engine's module; all of them are needed of another one.

    Raises:
        ImportEditError: The engine's import is not found or is ambiguous.
    """
    file = _Source(source, place)
    side = file.sides[file.state]
    taken = {name for one in file.taken(file.state) for name in one.names}
    return sorted(LEGACY.name if name == side.name else name for name in taken)


def bring(source: bytes, place: Place | None = None) -> bytes:
    """Return a file that takes something of the legacy module with the Rust engine in its place.

    It need not make the engine: a type, or an exception, is enough. Unchanged where nothing is taken.

    Raises:
        ImportEditError: It takes what the Rust engine has not, or in a way that cannot be edited.
    """
    file = _Source(source, place)
    if why := _unclear(LEGACY, file.taken("legacy")) or _lacking(file.taken("legacy")):
        raise ImportEditError(why)
    brought: bytes = edit(source, file.taken("legacy"), LEGACY, RUST)
    return brought


def bring_back(source: bytes, place: Place | None = None) -> bytes:
    """Return such a file with the legacy module again.

    Raises:
        ImportEditError: It takes it in a way that cannot be edited.
    """
    file = _Source(source, place)
    taken = file.taken("rust")
    if why := _unclear(file.sides["rust"], taken):
        raise ImportEditError(why)
    back: bytes = edit(source, taken, file.sides["rust"], LEGACY)
    return back


def legacy_importers(source: bytes, place: Place) -> list[Imported]:
    """Every place at which a Python file imports the legacy module, or may.

    Raises:
        ImportEditError: It is not Python.
    """
    found: list[Imported] = Imports(parse(source), place).of(LEGACY.module)
    return found


class _Source:
    """A file, parsed once, with what it takes of each of the three modules."""

    def __init__(self, source: bytes, place: Place | None) -> None:
        self.source, self.place = source, place
        self._tree = parse(source)
        self._takings = Takings(self._tree, place)
        self.sides = SIDES
        if not any(self.taken(name) for name in SIDES) and self._takings.of(FORMER):
            self.sides = SIDES | {"rust": FORMER}

    def taken(self, name: str) -> list[Taking]:
        """Every import of a side's module."""
        taken: list[Taking] = self._takings.of(self.sides[name])
        return taken

    @property
    def state(self) -> str:
        """See the function of this name."""
        found = {name: taken for name in SIDES if (taken := self.taken(name))}
        if len(found) > 1:
            raise ImportEditError(_two_sides(found))
        name = next(iter(found), "legacy")
        _check(self._tree, self.sides[name], self.taken(name))
        return name

    def edited(self, to: str) -> bytes:
        """The file with another side's module; ``legacy`` and ``rust`` are two sides of the wrapper."""
        now = self.state
        edited: bytes = edit(self.source, self.taken(now), self.sides[now], SIDES[to])
        return edited


def _wrapped(file: _Source) -> _Source:
    """The file with the wrapper; one that has the legacy engine now is known to go back, and on to Rust."""
    if file.state == "wrapped":
        return file
    if file.state == "legacy" and (lacking := _lacking(file.taken("legacy"))):
        raise ImportEditError(lacking)
    wrapped = _Source(file.edited("wrapped"), file.place)
    if file.state == "legacy":
        if wrapped.edited("legacy") != file.source:
            raise ImportEditError("the edit could not be taken back byte for byte")
        wrapped.edited("rust")
    return wrapped


def _lacking(taken: list[Taking]) -> str:
    """What the file takes from the legacy module that no other engine has: in `final` it would not start."""
    for one in taken:
        if missing := [name for name in one.names if name not in OFFERED and one.form != "literal"]:
            return (
                f"line {one.line} takes {', '.join(missing)} from {LEGACY.module}, which no other engine "
                "has; take that from where it is made, or keep it in a module of the node's own"
            )
    return ""


def _two_sides(found: dict[str, list[Taking]]) -> str:
    """Why a file that imports two of the three modules is not edited."""
    (one, first), (other, second) = list(found.items())[:2]
    both = (
        f"line {first[0].line} imports {SIDES[one].module} and line {second[0].line} "
        f"imports {SIDES[other].module}"
    )
    if one == "legacy" and not any(taking.gives_engine for taking in second):
        return (
            f"{both}, but takes no {WRAPPED.name} from it: a file of the node's own with the wrapper's name? "
            "Give it another name first"
        )
    return f"{both}: a half-made edit; put the backup of this file back first"


def _check(tree: ast.Module, side: Side, taken: list[Taking]) -> None:
    """Refuse a file in which the edit would not be what the node runs on; the first reason counts."""
    if why := _unclear(side, taken) or _nothing(tree, side, taken) or _rebound(side, taken):
        raise ImportEditError(why)


def _nothing(tree: ast.Module, side: Side, taken: list[Taking]) -> str:
    """Nothing in the file makes the engine of this module."""
    if any(one.gives_engine for one in taken):
        return ""
    write = f"write: from {side.module} import {side.name}"
    if taken:
        return (
            f"{lines_of(taken)} imports {side.module}, and nothing there takes {side.name} from it, so this "
            f"file makes no engine; name the file that does, or {write}"
        )
    candidates = [
        f"line {node.lineno}: {' '.join(ast.unparse(node).split())[:80]}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call) and _could_be(node, side)
    ]
    near = f"; nearest: {'; '.join(sorted(set(candidates))[:4])}" if candidates else ""
    return f"nothing takes {side.name} from {side.module}{near}; {write}"


def _could_be(node: ast.Import | ast.ImportFrom | ast.Call, side: Side) -> bool:
    """Whether a person who looks for the engine's import would look here."""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called in ("import_module", "__import__")
    if isinstance(node, ast.ImportFrom) and side.module in (node.module or "").split("."):
        return True
    return any(side.name == one.name or side.module in one.name.split(".") for one in node.names)


def _unclear(side: Side, taken: list[Taking]) -> str:
    """An import that cannot be edited for what it is."""
    for one in taken:
        if one.refused:
            return f"line {one.line}: {one.refused}"
    for one in taken:
        if one.names.count(side.name) > 1:
            return f"line {one.line} imports {side.name} more than once"
    return ""


def _rebound(side: Side, taken: list[Taking]) -> str:
    """The name of the engine means something else as well: the node may not use what is edited."""
    for one in taken:
        if one.rebound is not None:
            return (
                f"line {one.line} takes {one.local} from {side.module}, and line {one.rebound} gives that "
                "name another meaning, so the node may not use it; take one of the two out, or give it "
                "another name"
            )
    return ""
