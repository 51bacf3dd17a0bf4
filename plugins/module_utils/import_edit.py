"""The change of a file's engine imports, as bytes: module and class, at the places that the parser names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from .engine_imports import ImportEditError, Side, Taking

Change = tuple[int, int, bytes]
"""From a byte up to another one: these bytes instead."""
FROM = rb"from\s+((?:\.\s*)*)((?:\w+\s*\.\s*)*?)(%s)\b"
LITERAL = rb"(?P<quote>['\"])(\.*(?:\w+\.)*?)(%s)(?P=quote)"


def edit(source: bytes, taken: Sequence[Taking], old: Side, new: Side) -> bytes:
    """Swap module and class in every import; the last change first, so that offsets stay true.

    Raises:
        ImportEditError: An import is written in a way that cannot be edited.
    """
    starts = _line_starts(source)
    changes = [change for one in taken for change in _changes(_Text(source, starts), one, old, new)]
    for start, end, text in sorted(changes, reverse=True):
        source = source[:start] + text + source[end:]
    return source


class _Text:
    """A file's bytes, and where its nodes stand in them."""

    def __init__(self, source: bytes, starts: list[int]) -> None:
        self.source, self._starts = source, starts

    def start(self, node: ast.stmt | ast.expr | ast.alias) -> int:
        """Where a node begins."""
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr | ast.alias) -> int:
        """Where it ends."""
        return self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


def _changes(text: _Text, taking: Taking, old: Side, new: Side) -> Iterator[Change]:
    if taking.form == "literal":
        yield _in_literal(text, taking, old, new)
    elif taking.form == "names":
        yield _module_of(text, taking, old, new)
        yield from _class_of(text, taking, old, new)
    else:
        yield from _whole_module(text, taking, old, new)


def _module_of(text: _Text, taking: Taking, old: Side, new: Side) -> Change:
    """The module of ``from module import names``."""
    match = re.compile(FROM % re.escape(old.module).encode()).match(text.source, text.start(taking.node))
    if match is None:
        raise ImportEditError(f"line {taking.line}: the import is written in a way that cannot be edited")
    if old.sibling and new.sibling:
        return match.start(3), match.end(3), new.module.encode()
    dot = b"." if new.sibling and taking.tried else b""
    return match.start(1), match.end(3), dot + new.module.encode()


def _class_of(text: _Text, taking: Taking, old: Side, new: Side) -> Iterator[Change]:
    """The class among the names, where it is one of them."""
    assert isinstance(taking.node, ast.ImportFrom)
    if old.name == new.name:
        return
    for alias in (one for one in taking.node.names if one.name == old.name):
        start, end = text.start(alias), text.end(alias)
        if alias.asname is None:  # ConsensusEngine -> DualRunConsensus as ConsensusEngine
            yield start, end, f"{new.name} as {old.name}".encode()
        elif alias.asname == new.name:  # DualRunConsensus as ConsensusEngine -> ConsensusEngine
            yield start, end, new.name.encode()
        else:  # an alias of the node's own stays
            yield start, start + len(old.name), new.name.encode()


def _whole_module(text: _Text, taking: Taking, old: Side, new: Side) -> Iterator[Change]:
    """``import module`` or ``from package import module``: the same local name for another module."""
    node = taking.node
    assert isinstance(node, ast.Import | ast.ImportFrom)
    last = old.module.rpartition(".")[2]
    alias = next(one for one in node.names if one.name.split(".")[-1] == last)
    if isinstance(node, ast.Import):
        package = alias.name.rpartition(".")[0] if old.sibling and new.sibling else ""
        module = f"{package}.{new.module}" if package else new.module
    elif not old.sibling and not taking.tried:  # which package it was is not known any more
        yield text.start(node), text.end(node), f"import {new.module} as {taking.local}".encode()
        return
    else:
        if not (old.sibling and new.sibling):
            yield _package(text, taking, new)
        module = new.module.rpartition(".")[2]
    told = module if module == taking.local else f"{module} as {taking.local}"
    yield text.start(alias), text.end(alias), told.encode()


def _package(text: _Text, taking: Taking, new: Side) -> Change:
    """The package of ``from package import module``, which the Rust engine has another one of."""
    node = taking.node
    assert isinstance(node, ast.ImportFrom)
    if len(node.names) > 1:
        raise ImportEditError(f"line {taking.line}: import {taking.local} on a line of its own")
    match = re.compile(rb"from\s+((?:\.\s*)*(?:\w+\s*\.\s*)*\w*)\s*import\b").match(
        text.source, text.start(node)
    )
    if match is None:
        raise ImportEditError(f"line {taking.line}: the import is written in a way that cannot be edited")
    package = new.module.rpartition(".")[0].encode() or b"."
    return match.start(1), match.start(1) + len(match[1].rstrip()), package


def _in_literal(text: _Text, taking: Taking, old: Side, new: Side) -> Change:
    """The name of the module in a call such as ``import_module("consensus")``."""
    assert isinstance(taking.node, ast.Call)
    told = taking.node.args[0]
    match = re.compile(LITERAL % re.escape(old.module).encode()).match(text.source, text.start(told))
    if match is None or match.end() != text.end(told):
        raise ImportEditError(
            f"line {taking.line}: the module's name is written in a way that cannot be edited"
        )
    start = match.start(3) if old.sibling and new.sibling else match.start(2)
    return start, match.end(3), new.module.encode()


def _line_starts(source: bytes) -> list[int]:
    """Byte offset of every line, lines counted as the parser counts them."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts
