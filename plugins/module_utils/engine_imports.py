"""How a file takes its consensus engine: every import of one of the three modules, and what comes of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .importers import LEGACY_MODULE, Imports, Place


class ImportEditError(ValueError):
    """The file does not have a shape that can be edited; the message says why and where."""


@dataclass(frozen=True)
class Side:
    """One side of the change: the module imported from, and the class in it."""

    module: str
    name: str
    sibling: bool = True
    """Whether the module lies in the source folder, so that an import of it may be relative."""


LEGACY = Side(LEGACY_MODULE, "ConsensusEngine")
WRAPPED = Side("consensus_wrapper", "DualRunConsensus")
RUST = Side("_coinjecture_release.consensus", "ConsensusEngine", sibling=False)
"""The release by a name of its own: a package ``coinjecture`` of the node's would be found before it."""
FORMER = Side("coinjecture.consensus", "ConsensusEngine", sibling=False)
"""The same as earlier versions wrote it into completed nodes."""
OFFERED = (
    "BlockNode",
    "ConsensusConfig",
    "ConsensusEngine",
    "HeaderValidationError",
    "RevealValidationError",
    "ValidationError",
)
"""The names that the wrapper and the Rust engine have in every mode; the legacy module may have more."""

Node = ast.Import | ast.ImportFrom | ast.Call


@dataclass(frozen=True)
class Taking:
    """One import of an engine's module.

    Attributes:
        node: The statement or call.
        form: ``names`` out of the module, the ``module`` itself, or the module by a ``literal`` name.
        names: What is taken from the module; of the module itself, the attributes that are read of it.
        local: The name under which the engine, or the module, is known afterwards.
        gives_engine: Whether the engine's class comes from here, at run time.
        tried: Whether it is the one of a try/except pair that is tried first.
        refused: Why it cannot be edited for what it is; empty where it can.
        rebound: The line that gives `local` another meaning, None where none does.
    """

    node: Node
    form: str
    names: tuple[str, ...]
    local: str
    gives_engine: bool
    tried: bool = False
    refused: str = ""
    rebound: int | None = None

    @property
    def line(self) -> int:
        """The line at which it begins, from 1 on."""
        return self.node.lineno


def parse(source: bytes) -> ast.Module:
    """Parse a file.

    Raises:
        ImportEditError: It is not Python.
    """
    try:
        source.decode("utf-8")
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ImportEditError(f"not Python that can be parsed: {error}") from error


def lines_of(taken: Sequence[Taking]) -> str:
    """The lines of several imports in words."""
    lines = [str(one.line) for one in taken]
    return f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines)}"


class Takings:
    """What a file takes of each side, read from it once.

    Args:
        tree: The parsed file.
        place: Where it lies; None for one directly in the source folder.
    """

    def __init__(self, tree: ast.Module, place: Place | None = None) -> None:
        self._imports, self._scopes = Imports(tree, place), _Scopes(tree)
        self._found: dict[Side, list[Taking]] = {}

    def of(self, side: Side) -> list[Taking]:
        """Every import of a side's module, by line."""
        if side not in self._found:
            found = self._imports.of(side.module)
            nodes = [one.node for one in found if one.certain or _ours(one.node, side)]
            self._found[side] = [_taking(node, side, self._scopes, nodes) for node in nodes]
        return self._found[side]


def _ours(node: Node, side: Side) -> bool:
    """Whether an import that could be of another package is one that the edit has written."""
    return (
        side is WRAPPED
        and isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[-1] == side.module
        and any(alias.name == side.name for alias in node.names)
    )


class _Scopes:
    """Where in a file each node stands, and what each scope binds."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree

    @cached_property
    def _parent(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, from the inside out."""
        while (found := self._parent.get(node)) is not None:
            yield found
            node = found

    def of(self, node: ast.AST) -> ast.AST:
        """The function, class or module whose names a statement binds."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module, ast.Lambda)
        return next((one for one in self.above(node) if isinstance(one, kinds)), self.tree)

    def in_fallback(self, node: ast.AST) -> bool:
        """Whether a node stands in what is done only where an import has failed."""
        return any(isinstance(one, ast.ExceptHandler) and _catches(one) for one in self.above(node))

    def for_types(self, node: ast.AST) -> bool:
        """Whether a node is there for a type checker alone."""
        return any(isinstance(one, ast.If) and _names_checking(one.test) for one in self.above(node))

    def tried_first(self, node: ast.AST, others: Sequence[Node]) -> bool:
        """Whether a node is in the body of a try whose handler has another import of the module."""
        for one, inner in zip(self.above(node), (node, *self.above(node)), strict=False):
            if isinstance(one, ast.Try) and inner in one.body:
                caught = {item for handler in one.handlers for item in ast.walk(handler)}
                return any(other in caught for other in others)
        return False

    def rebound(self, name: str, taken: Sequence[Node], node: Node) -> int | None:
        """The first line in the scope of an import that binds its name to something else."""
        scope = self.of(node)
        lines = [
            getattr(one, "lineno", 0)
            for one in ast.walk(scope)
            if one not in taken
            and _binds(one, name)
            and self.of(one) is scope
            and not (self.in_fallback(one) or self.for_types(one))
        ]
        return min(lines, default=None)


def _catches(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    expected = ("ImportError", "ModuleNotFoundError", "Exception")
    return kind is None or any(isinstance(one, ast.Name) and one.id in expected for one in kinds)


def _names_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _binds(node: ast.AST, name: str) -> bool:
    """Whether a node gives a name a meaning; assignments, definitions and imports."""
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Store)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.Import | ast.ImportFrom):
        return any((alias.asname or alias.name.partition(".")[0]) == name for alias in node.names)
    return False


def _taking(node: Node, side: Side, scopes: _Scopes, others: Sequence[Node]) -> Taking:
    if isinstance(node, ast.Call):
        read = _attributes(scopes.tree, None)
        return Taking(node, "literal", read, "", LEGACY.name in read, refused=_literal(node, side))
    by_type, tried = scopes.for_types(node), scopes.tried_first(node, others)
    if isinstance(node, ast.ImportFrom) and _is_the_module(node, side):
        taken = tuple(alias.name for alias in node.names)
        local = next((alias.asname or alias.name for alias in node.names if alias.name == side.name), "")
        gives, star = bool(local) and not by_type, "*" in taken
        refused = f"it takes everything (*) from {side.module}; name what the file needs" if star else ""
        form = "names"
    else:
        local, refused = _module_name(node, side)
        taken = _attributes(scopes.tree, local)
        gives, form = LEGACY.name in taken and not by_type, "module"
    rebound = scopes.rebound(local, others, node) if gives and not refused else None
    return Taking(node, form, taken, local, gives, tried, refused, rebound)


def _is_the_module(node: ast.ImportFrom, side: Side) -> bool:
    """Whether names are taken out of the module, not the module out of its package."""
    module = node.module or ""
    return module == side.module or (side.sibling and module.endswith(f".{side.module}"))


def _module_name(node: ast.Import | ast.ImportFrom, side: Side) -> tuple[str, str]:
    """The local name of a module that is taken as a whole, and why it cannot be edited."""
    last = side.module.rpartition(".")[2]
    for alias in node.names:
        if isinstance(node, ast.ImportFrom) and alias.name == last:
            return alias.asname or alias.name, ""
        if isinstance(node, ast.Import) and alias.name.split(".")[-1] == last:
            if alias.asname is None and alias.name != last:
                package = alias.name.rpartition(".")[0]
                return "", f"it binds the package and not the module; write: from {package} import {last}"
            return alias.asname or last, ""
    what = " ".join(ast.unparse(node).split())[:80]
    return "", f"{what} takes something inside of {side.module}, which has to be one module"


def _literal(node: ast.Call, side: Side) -> str:
    told = node.args[0] if node.args else None
    text = told.value if isinstance(told, ast.Constant) and isinstance(told.value, str) else ""
    if text.lstrip(".").split(".")[-1] == side.module.rpartition(".")[2]:
        return ""
    return f"the module's name is in a text that cannot be edited; write: import {side.module}"


def _attributes(tree: ast.Module, name: str | None) -> tuple[str, ...]:
    """The attributes that a file reads of a name; of anything, where the name is not known."""
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (name is None or (isinstance(node.value, ast.Name) and node.value.id == name))
    }
    wanted = found if name is not None else found & {LEGACY.name}
    return tuple(sorted(wanted))
