"""The one change in the node's entry file, ``node.py``: where its consensus engine is imported from.

Every import of the legacy module in the file changes, and nothing else::

    from .consensus import ConsensusConfig, ConsensusEngine
    from .consensus_wrapper import ConsensusConfig, DualRunConsensus as ConsensusEngine
    from coinjecture.consensus import ConsensusConfig, ConsensusEngine

It may stand once or in a try/except pair, relative or by the name of a package, anywhere in the file, and it
may take the module instead of names out of it (``import consensus``, ``from . import consensus``,
``import_module("consensus")``).

The third form is that of a completed migration: the Rust engine is no sibling of node.py, so both lines of a
pair become the same. Which of them was the relative one is known to the sealed copy alone; without it the
first one is taken to have been, and an import that stands alone is taken to have been a plain one.

The edit works on bytes at the places the parser names, so comments, quotes, line ends and layout stay. Before
it is made it is taken back, which must give the very same bytes, and completed. Where the file would not run
on what the edit names, the edit is refused with the line and what to write.
"""

from __future__ import annotations

import ast

from .engine_imports import (
    LEGACY,
    OFFERED,
    RUST,
    WRAPPED,
    ImportEditRefused,
    Side,
    Taking,
    lines_of,
    parse,
    takings,
)
from .import_edit import edit
from .importers import Imported, Place, importers

LEGACY_MODULE = LEGACY.module
SIDES = {"legacy": LEGACY, "wrapped": WRAPPED, "rust": RUST}

__all__ = [
    "LEGACY_MODULE",
    "ImportEditRefused",
    "complete",
    "legacy_importers",
    "names",
    "state",
    "unwrap",
    "wrap",
]


def state(source: bytes, place: Place | None = None) -> str:
    """Say which engine a node.py imports.

    Args:
        source: The file.
        place: Where it lies, for imports by the name of its package.

    Returns:
        ``legacy``, ``wrapped`` or ``rust``.

    Raises:
        ImportEditRefused: Neither, or not clearly.
    """
    tree = parse(source)
    found = {name: taken for name, side in SIDES.items() if (taken := takings(tree, side, place))}
    if len(found) > 1:
        raise ImportEditRefused(_two_sides(found))
    name = next(iter(found), "legacy")
    _check(tree, SIDES[name], found.get(name, []))
    return name


def wrap(source: bytes, place: Place | None = None) -> bytes:
    """Return node.py with the wrapper in place of the legacy engine; unchanged where it is there already.

    Raises:
        ImportEditRefused: The engine's import is not found, is ambiguous, or cannot be taken back exactly;
            or it takes what only the legacy module has.
    """
    found = state(source, place)
    if found == "wrapped":
        return source
    if found == "rust":
        return _edited(source, RUST, WRAPPED, place)
    if lacking := _lacking(takings(parse(source), LEGACY, place)):
        raise ImportEditRefused(lacking)
    edited = _edited(source, LEGACY, WRAPPED, place)
    if _edited(edited, WRAPPED, LEGACY, place) != source:
        raise ImportEditRefused("the edit could not be taken back byte for byte")
    _edited(edited, WRAPPED, RUST, place)
    return edited


def unwrap(source: bytes, place: Place | None = None) -> bytes:
    """Return node.py with the legacy engine's import again; unchanged where it is there already.

    Raises:
        ImportEditRefused: The engine's import is not found or is ambiguous.
    """
    if state(source, place) == "legacy":
        return source
    return _edited(wrap(source, place), WRAPPED, LEGACY, place)


def complete(source: bytes, place: Place | None = None) -> bytes:
    """Return node.py with the Rust engine itself in place of the wrapper; unchanged where it is already.

    Raises:
        ImportEditRefused: The engine's import is not found or is ambiguous.
    """
    if state(source, place) == "rust":
        return source
    return _edited(wrap(source, place), WRAPPED, RUST, place)


def names(source: bytes, place: Place | None = None) -> list[str]:
    """The names that node.py takes from its engine's module; all of them are needed of another one.

    Raises:
        ImportEditRefused: The engine's import is not found or is ambiguous.
    """
    side, tree = SIDES[state(source, place)], parse(source)
    taken = {name for one in takings(tree, side, place) for name in one.names}
    return sorted(LEGACY.name if name == side.name else name for name in taken)


def legacy_importers(source: bytes, place: Place) -> list[Imported]:
    """Every place at which a Python file imports the legacy module, or may.

    Raises:
        ImportEditRefused: It is not Python.
    """
    found: list[Imported] = importers(parse(source), LEGACY_MODULE, place)
    return found


def _edited(source: bytes, old: Side, new: Side, place: Place | None) -> bytes:
    tree = parse(source)
    taken = takings(tree, old, place)
    _check(tree, old, taken)
    edited: bytes = edit(source, taken, old, new)
    return edited


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
    return f"{both}: a half-made edit; put the backup of node.py back first"


def _check(tree: ast.Module, side: Side, taken: list[Taking]) -> None:
    """Refuse a file in which the edit would not be what the node runs on; the first reason counts."""
    if why := _unclear(side, taken) or _nothing(tree, side, taken) or _rebound(side, taken):
        raise ImportEditRefused(why)


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
