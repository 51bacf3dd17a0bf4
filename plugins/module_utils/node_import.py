"""The one change in ``node.py``: where its consensus engine is imported from.

A node takes its engine in a try/except pair, once as part of a package and once as a
plain file. Both lines change, and only they::

    from .consensus import ConsensusConfig, ConsensusEngine
    from .consensus_wrapper import ConsensusConfig, DualRunConsensus as ConsensusEngine
    from coinjecture.consensus import ConsensusConfig, ConsensusEngine

The third form is that of a completed migration: the Rust engine is no sibling of node.py, so
both lines of the pair become the same. Which of them was the relative one is known to the
sealed copy alone; without it the first one is taken to have been.

The edit works on bytes at the places the parser names, so comments, quotes, line ends
and layout stay; taking it back gives the very same bytes. Where the pair is not found,
or something else in the file also imports the legacy module, the edit is refused.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from .importers import Imported, Place, importers

LEGACY_MODULE, WRAPPER_MODULE, RUST_MODULE = "consensus", "consensus_wrapper", "coinjecture.consensus"
LEGACY_CLASS, WRAPPER_CLASS = "ConsensusEngine", "DualRunConsensus"


class ImportEditRefused(ValueError):
    """The file does not have the shape that can be edited; the message says why and where."""


@dataclass(frozen=True)
class _Side:
    """One side of the change: the module imported from, and the class in it."""

    module: str
    name: str
    sibling: bool = True
    """Whether the module lies beside node.py, so that one of the pair's imports is relative."""


_LEGACY = _Side(LEGACY_MODULE, LEGACY_CLASS)
_WRAPPED = _Side(WRAPPER_MODULE, WRAPPER_CLASS)
_RUST = _Side(RUST_MODULE, LEGACY_CLASS, sibling=False)
_SIDES = {"legacy": _LEGACY, "wrapped": _WRAPPED, "rust": _RUST}


def state(source: bytes) -> str:
    """Say which engine a node.py imports.

    Returns:
        ``legacy``, ``wrapped`` or ``rust``.

    Raises:
        ImportEditRefused: Neither, or not clearly.
    """
    tree = _parse(source)
    imported = {name: found for name, side in _SIDES.items() if (found := _imports(tree, side.module))}
    if len(imported) > 1:
        (one, first), (other, second) = list(imported.items())[:2]
        raise ImportEditRefused(
            f"line {first[0].lineno} imports {_SIDES[one].module} and line {second[0].lineno} "
            f"imports {_SIDES[other].module}: a half-made edit; put the backup of node.py back first"
        )
    name = next(iter(imported), "legacy")
    _find_pair(tree, _SIDES[name])
    return name


def wrap(source: bytes) -> bytes:
    """Return node.py with the wrapper in place of the legacy engine; unchanged where it is there already.

    Raises:
        ImportEditRefused: The import pair is not found, is ambiguous, or cannot be taken back exactly.
    """
    found = state(source)
    if found != "legacy":
        return source if found == "wrapped" else _edit(source, _RUST, _WRAPPED)
    edited = _edit(source, _LEGACY, _WRAPPED)
    if _edit(edited, _WRAPPED, _LEGACY) != source:
        raise ImportEditRefused("the edit could not be taken back byte for byte")
    return edited


def unwrap(source: bytes) -> bytes:
    """Return node.py with the legacy engine's import again; unchanged where it is there already.

    Raises:
        ImportEditRefused: The import pair is not found or is ambiguous.
    """
    return source if state(source) == "legacy" else _edit(wrap(source), _WRAPPED, _LEGACY)


def complete(source: bytes) -> bytes:
    """Return node.py with the Rust engine itself in place of the wrapper; unchanged where it is already.

    Raises:
        ImportEditRefused: The import pair is not found or is ambiguous.
    """
    return source if state(source) == "rust" else _edit(wrap(source), _WRAPPED, _RUST)


def names(source: bytes) -> list[str]:
    """The names that node.py takes from its engine's module; all of them are needed of another one.

    Raises:
        ImportEditRefused: The import pair is not found or is ambiguous.
    """
    side = _SIDES[state(source)]
    taken = {alias.name for node in _find_pair(_parse(source), side) for alias in node.names}
    return sorted(LEGACY_CLASS if name == side.name else name for name in taken)


def legacy_importers(source: bytes, place: Place) -> list[Imported]:
    """Every place at which a Python file imports the legacy module, or may.

    Raises:
        ImportEditRefused: It is not Python.
    """
    found: list[Imported] = importers(_parse(source), LEGACY_MODULE, place)
    return found


def _parse(source: bytes) -> ast.Module:
    try:
        source.decode("utf-8")
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ImportEditRefused(f"not Python that can be parsed: {error}") from error


def _imports(tree: ast.Module, module: str) -> list[ast.ImportFrom | ast.Import | ast.Call]:
    """Every place in node.py that surely imports ``module``."""
    return [found.node for found in importers(tree, module) if found.certain]


def _names(node: ast.Import | ast.ImportFrom, name: str) -> bool:
    return any(alias.name == name for alias in node.names)


def _find_pair(tree: ast.Module, side: _Side) -> tuple[ast.ImportFrom, ast.ImportFrom]:
    """The two imports of the try/except pair, the only ones of the module in the file."""
    pairs = [pair for node in tree.body if isinstance(node, ast.Try) and (pair := _pair_of(node, side))]
    if not pairs:
        raise ImportEditRefused(
            f"no try/except pair that imports {side.name} from .{side.module} and from {side.module}"
        )
    if len(pairs) > 1:
        lines = ", ".join(str(pair[0].lineno) for pair in pairs)
        raise ImportEditRefused(f"several import pairs of {side.module}, at lines {lines}")
    for node in _imports(tree, side.module):
        if node not in pairs[0]:
            raise ImportEditRefused(f"line {node.lineno} imports {side.module} outside the try/except pair")
    return pairs[0]


def _pair_of(node: ast.Try, side: _Side) -> tuple[ast.ImportFrom, ast.ImportFrom] | None:
    """The pair inside one try statement: an import in its body, another in ImportError's handler."""
    tried = [item for item in node.body if _takes_engine(item, side)]
    caught = [
        item
        for handler in node.handlers
        if _catches_import_error(handler)
        for item in handler.body
        if _takes_engine(item, side)
    ]
    if len(tried) != 1 or len(caught) != 1:
        return None
    first, second = tried[0], caught[0]
    assert isinstance(first, ast.ImportFrom) and isinstance(second, ast.ImportFrom)
    return (first, second) if {first.level, second.level} == ({0, 1} if side.sibling else {0}) else None


def _takes_engine(node: ast.stmt, side: _Side) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == side.module and _names(node, side.name)


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(
        isinstance(item, ast.Name) and item.id in ("ImportError", "ModuleNotFoundError") for item in kinds
    )


def _edit(source: bytes, old: _Side, new: _Side) -> bytes:
    """Swap module and class in both imports; the last change first, so that offsets stay true."""
    pair = _find_pair(_parse(source), old)
    starts = _line_starts(source)
    changes = [
        change for node in pair for change in _changes(source, starts, node, old, new, node is pair[0])
    ]
    for start, end, text in sorted(changes, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _changes(
    source: bytes, starts: list[int], node: ast.ImportFrom, old: _Side, new: _Side, is_first: bool
) -> list[tuple[int, int, bytes]]:
    """The two replacements of one import statement, as (start, end, new bytes)."""
    begin = starts[node.lineno - 1] + node.col_offset
    match = re.compile(rb"from\s+(\.?\s*)(%s)\b" % re.escape(old.module).encode()).match(source, begin)
    if match is None:
        raise ImportEditRefused(f"line {node.lineno}: the import is written in a way that cannot be edited")
    aliases = [alias for alias in node.names if alias.name == old.name]
    if len(aliases) != 1:
        raise ImportEditRefused(f"line {node.lineno} imports {old.name} more than once")
    alias = aliases[0]
    start = starts[alias.lineno - 1] + alias.col_offset
    end = starts[(alias.end_lineno or alias.lineno) - 1] + (alias.end_col_offset or 0)
    if alias.asname is None:  # ConsensusEngine -> DualRunConsensus as ConsensusEngine
        text = f"{new.name} as {old.name}".encode()
    elif alias.asname == new.name:  # DualRunConsensus as ConsensusEngine -> ConsensusEngine
        text = new.name.encode()
    else:  # an alias of the node's own stays
        text, end = new.name.encode(), start + len(old.name)
    dot = match[1] if old.sibling else b"." * is_first
    module = (dot if new.sibling else b"") + new.module.encode()
    return [(match.start(1), match.end(2), module), (start, end, text)]


def _line_starts(source: bytes) -> list[int]:
    """Byte offset of every line, lines counted as the parser counts them."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts
