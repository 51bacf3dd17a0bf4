"""What a legacy engine offers and how it judges, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .source_files import Source

JUDGING = ("validate_header", "verify_block", "validate_and_process_block")
"""Calls that judge a block."""
CHECKING = (*JUDGING, "validate_reveal")

Method = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Call:
    """A use of a method of the engine in another file.

    Attributes:
        name: The method.
        path: The file that uses it.
        line: Where.
    """

    name: str
    path: str
    line: int


def shape(source: Source, name: str) -> dict[str, Any] | None:
    """The public face of a class.

    Args:
        source: The file of the engine.
        name: The class.

    Returns:
        ``class``, ``line``, ``arguments`` of its constructor, ``methods`` (public ones, each with its
        arguments), ``attributes`` (public ones that its methods set), ``private`` (methods whose name begins
        with one underscore), ``judges`` (how each judging call that it has rejects: ``raises`` with the
        classes, ``returns_false``, ``returns_dict``) and ``prints`` (whether something in it prints); None
        where the file has no such class.
    """
    tree = source.tree
    found = next(
        (one for one in (tree.body if tree else []) if isinstance(one, ast.ClassDef) and one.name == name),
        None,
    )
    if tree is None or found is None:
        return None
    methods = {one.name: one for one in _with_bases(found, tree)}
    public = {key: _arguments(one) for key, one in sorted(methods.items()) if not key.startswith("_")}
    return {
        "class": name,
        "line": found.lineno,
        "arguments": _arguments(methods["__init__"]) if "__init__" in methods else [],
        "methods": public,
        "attributes": sorted(_attributes(methods.values()) - set(public)),
        "private": sorted(key for key in methods if key.startswith("_") and not key.startswith("__")),
        "judges": {key: _rejects(key, methods) for key in CHECKING if key in methods},
        "prints": any(_prints(node) for one in methods.values() for node in ast.walk(one)),
    }


def calls(source: Source, names: Sequence[str]) -> list[Call]:
    """Where a file uses methods of the engine by these names.

    A name that the file defines itself is its own business, and so is what it calls on itself.
    """
    if source.tree is None:
        return []
    nodes = list(ast.walk(source.tree))
    own = {node.name for node in nodes if isinstance(node, Method)}
    return [
        Call(node.attr, str(source.path), node.lineno)
        for node in nodes
        if isinstance(node, ast.Attribute)
        and node.attr in names
        and node.attr not in own
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    ]


def _with_bases(found: ast.ClassDef, tree: ast.Module) -> Iterator[Method]:
    """The methods of a class, those of its bases in the same file first."""
    classes = {one.name: one for one in tree.body if isinstance(one, ast.ClassDef)}
    order, waiting = [found], [found]
    while waiting:
        for base in waiting.pop().bases:
            one = classes.get(base.id) if isinstance(base, ast.Name) else None
            if one is not None and one not in order:
                order.append(one)
                waiting.append(one)
    for one in reversed(order):
        yield from (node for node in one.body if isinstance(node, Method))


def _arguments(method: Method) -> list[str]:
    told = method.args
    names = [one.arg for one in (*told.posonlyargs, *told.args)][1:]
    names += [f"*{told.vararg.arg}"] if told.vararg else []
    names += [one.arg for one in told.kwonlyargs]
    return names + ([f"**{told.kwarg.arg}"] if told.kwarg else [])


def _attributes(methods: Iterable[Method]) -> set[str]:
    return {
        node.attr
        for method in methods
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and not node.attr.startswith("_")
    }


def _rejects(name: str, methods: Mapping[str, Method]) -> dict[str, Any]:
    """How a call rejects, with what it calls of its own class taken in."""
    raised: set[str] = set()
    for one in _reached(name, methods):
        for node in ast.walk(methods[one]):
            if isinstance(node, ast.Raise) and node.exc is not None:
                raised.add(_name(node.exc.func if isinstance(node.exc, ast.Call) else node.exc))
    returned = [node.value for node in ast.walk(methods[name]) if isinstance(node, ast.Return)]
    return {
        "raises": sorted(one for one in raised if one.endswith(("Error", "Exception"))),
        "returns_false": any(isinstance(one, ast.Constant) and one.value is False for one in returned),
        "returns_dict": any(isinstance(one, ast.Dict) for one in returned),
    }


def _reached(name: str, methods: Mapping[str, Method]) -> list[str]:
    found = [name]
    for one in found:  # grows while it is gone through
        for node in ast.walk(methods[one]):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in methods and called.attr not in found:
                found.append(called.attr)
    return found


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _prints(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
