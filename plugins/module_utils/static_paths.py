"""Which folders a Python file puts on its search path, told by its syntax tree: nothing is run.

Understood are constants, ``__file__`` and what is made of it by `os.path` and `pathlib`, and names that the
file binds once. A folder that cannot be told is named with its line instead of being guessed.
"""

from __future__ import annotations

import ast
import os.path
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

DEPTH = 50
"""How many steps an expression may take to be told."""


class UnknownError(Exception):
    """What an expression gives is known only when it runs."""


@dataclass(frozen=True)
class Added:
    """A folder that a file puts on the search path.

    Attributes:
        line: Where it does so.
        folder: The folder, absolute; empty where only a run tells.
        first: Whether it goes before what is there.
        text: What stands there, on one line.
    """

    line: int
    folder: str
    first: bool
    text: str


def added(tree: ast.Module, file: str, working: str) -> list[Added]:
    """Every folder that a file puts on ``sys.path``, by line.

    Args:
        tree: The parsed file.
        file: Its path, absolute.
        working: The folder that the program is started in.
    """
    values = _Values(tree, file, working)
    found = [
        Added(node.lineno, values.folder(one), first, " ".join(ast.unparse(node).split())[:80])
        for node in ast.walk(tree)
        for one, first in _changes(node)
        if isinstance(node, ast.Call | ast.Assign | ast.AugAssign)
    ]
    return sorted(found, key=lambda one: one.line)


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """The expressions that a statement or call puts on the path, and whether before the others."""
    if isinstance(node, ast.Call):
        called, arguments = _dotted(node.func), node.args
        if called == "sys.path.append" and arguments:
            yield arguments[0], False
        elif called == "sys.path.insert" and len(arguments) == 2:
            yield arguments[1], True
        elif called == "sys.path.extend" and arguments:
            yield from ((one, False) for one in _items(arguments[0]))
        elif called in ("site.addsitedir", "addsitedir") and arguments:
            yield arguments[0], False
    elif isinstance(node, ast.AugAssign) and _dotted(node.target) == "sys.path":
        yield from ((one, False) for one in _items(node.value))
    elif isinstance(node, ast.Assign) and any(
        _dotted(one) in ("sys.path", "sys.path[]") for one in node.targets
    ):
        value = node.value
        if isinstance(value, ast.BinOp):
            yield from ((one, True) for one in _items(value.left) if not _dotted(one))
            yield from ((one, False) for one in _items(value.right) if not _dotted(one))
        else:
            yield from ((one, True) for one in _items(value))


def _items(value: ast.expr) -> Sequence[ast.expr]:
    if isinstance(value, ast.List | ast.Tuple):
        items = [one.value if isinstance(one, ast.Starred) else one for one in value.elts]
        return [one for one in items if _dotted(one) != "sys.path"]
    return [] if _dotted(value) == "sys.path" else [value]


def _dotted(node: ast.AST) -> str:
    """A name with its attributes as it is written; a slice of it ends in ``[]``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        inner = _dotted(node.value)
        return f"{inner}[]" if inner else ""
    return ""


class _Values:
    """What expressions of a file give, as far as that is a path."""

    def __init__(self, tree: ast.Module, file: str, working: str) -> None:
        self._file, self._working = PurePosixPath(file), PurePosixPath(working)
        self._bound: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
            ):
                self._bound.setdefault(node.targets[0].id, []).append(node.value)

    def folder(self, node: ast.expr) -> str:
        """The folder that an expression gives, absolute; empty where only a run tells."""
        try:
            return os.path.normpath(self._working / self._value(node, DEPTH))
        except UnknownError:
            return ""

    def _value(self, node: ast.expr, left: int) -> PurePosixPath:
        """The path that an expression gives.

        Raises:
            UnknownError: Only a run tells.
        """
        if left == 0:
            raise UnknownError
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return PurePosixPath(node.value)
        if isinstance(node, ast.Name):
            return self._named(node.id, left)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self._value(node.left, left - 1) / self._value(node.right, left - 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            text = f"{self._value(node.left, left - 1)}{self._text(node.right, left - 1)}"
            return PurePosixPath(text)
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return self._value(node.value, left - 1).parent
        if isinstance(node, ast.Subscript):
            return self._above(node, left)
        if isinstance(node, ast.Call):
            return self._called(node, left)
        raise UnknownError

    def _text(self, node: ast.expr, left: int) -> str:
        """The text that an expression gives; `PurePosixPath` would drop a leading slash's meaning."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return str(self._value(node, left))

    def _named(self, name: str, left: int) -> PurePosixPath:
        if name == "__file__":
            return self._file
        bound = self._bound.get(name, [])
        if len(bound) != 1:
            raise UnknownError
        return self._value(bound[0], left - 1)

    def _above(self, node: ast.Subscript, left: int) -> PurePosixPath:
        """``parents[n]``."""
        at = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(node.value, ast.Attribute) and node.value.attr == "parents" and isinstance(at, int):
            above = (self._working / self._value(node.value.value, left - 1)).parents
            if 0 <= at < len(above):
                return above[at]
        raise UnknownError

    def _called(self, node: ast.Call, left: int) -> PurePosixPath:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else _dotted(node.func)
        if name in ("getcwd", "cwd") and not node.args:
            return self._working
        if name in ("resolve", "absolute", "as_posix") and isinstance(node.func, ast.Attribute):
            return self._whole(node.func.value, left)
        if name in ("abspath", "realpath", "normpath") and len(node.args) == 1:
            return self._whole(node.args[0], left)
        if name in ("str", "fspath", "Path", "PurePath") and len(node.args) == 1:
            return self._value(node.args[0], left - 1)
        if name == "dirname" and len(node.args) == 1:
            return self._value(node.args[0], left - 1).parent
        parts = list(node.args)
        if name == "joinpath" and isinstance(node.func, ast.Attribute):
            parts.insert(0, node.func.value)
        elif name not in ("join", "Path") or not parts:
            raise UnknownError
        values = [self._value(one, left - 1) for one in parts]
        return values[0].joinpath(*values[1:])

    def _whole(self, node: ast.expr, left: int) -> PurePosixPath:
        return PurePosixPath(os.path.normpath(self._working / self._value(node, left - 1)))
