"""The file of a tree: one line for each block that came into it, in that order, each sealed by those before.

The first line names the roots that the engine makes itself. A line that does not fit its seal is damage,
unless it is the last one: a process that is killed in the middle of writing leaves such a line, and what
stands before it is the tree of a moment before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from consensus_surface import BlockNode

from coinjecture_migration.engines import whole
from coinjecture_migration.engines.legacy import field as block_field
from coinjecture_migration.engines.observation import same
from coinjecture_migration.runtime import durable

SCHEMA = 1
SEAL = 16
"""Hex digits of a line's seal."""
LONGEST_LINE = 2**24
"""Bytes; a block of the parity domain has at most a sixteenth of that."""

ACCEPT, UNJUDGED, KEPT = "accept", "unjudged", "kept"
"""What is said of a block that is no reject; `kept`: nobody remembers."""

Score = Callable[[Any], float | None]


class TreeFileError(ValueError):
    """What the file holds is no tree of this node; the message says why."""


class TreeFullError(TreeFileError):
    """The tree does not fit the file's bound."""


@dataclass(frozen=True, slots=True)
class Row:
    """A block that came into the tree, or, without one, a tip that was moved there.

    Attributes:
        key: The hash that the block claims.
        node: Its node; None where only the tip moved.
        verdict: `accept`, the code of a reject that came into the tree all the same, `unjudged` for a block
            that a program of the node put there, `error`, or `kept` where nobody remembers.
        is_tip: Whether it was the best tip afterwards.
    """

    key: Any
    node: Any
    verdict: str
    is_tip: bool

    def as_text(self) -> str:
        """One line; raises `whole.NotWholeError` where the block has no durable form."""
        if self.node is None:
            return whole.as_text({"tip": self.key})
        node = self.node
        return whole.as_text(
            {
                "key": self.key,
                "parent": node.parent_hash,
                "height": node.height,
                "work": node.cumulative_work,
                "received": node.receipt_time,
                "verdict": self.verdict,
                "tip": self.is_tip,
                "block": node.block,
            }
        )


@dataclass
class Grown:
    """A tree as it grows row by row, on the nodes that the engine has by itself.

    Attributes:
        nodes: The nodes by key, oldest first; the engine's own among them.
        tip: The best tip's node.
        rows: How many blocks came.
        verdicts: What was said of the block that is under a key now.
    """

    nodes: dict[Any, Any]
    tip: Any
    rows: int = 0
    verdicts: dict[Any, str] = field(default_factory=dict)

    def add(self, row: Row, score: Score) -> None:
        """Put a row into the tree.

        Args:
            row: The row.
            score: The work score of a block, None where nobody here can tell.

        Raises:
            TreeFileError: It does not fit what came before.
        """
        if row.node is None:
            if row.key not in self.nodes:
                raise TreeFileError(f"the tip moves to block {row.key!r}, which is not in the tree")
            self.tip = self.nodes[row.key]
            return
        node, block = row.node, row.node.block
        if (block_field(block, "block_hash"), block_field(block, "previous_hash")) != (
            row.key,
            node.parent_hash,
        ):
            raise TreeFileError(f"row {self.rows} says {row.key!r} and its block another hash or parent")
        parent = self.nodes.get(node.parent_hash)
        height = block_field(block, "index") if parent is None else parent.height + 1
        if not same(node.height, height):
            raise TreeFileError(f"block {row.key!r} stands at height {node.height!r} and not {height!r}")
        work = score(block)
        if work is not None:
            total = work if parent is None else parent.cumulative_work + work
            if not same(float(total), float(node.cumulative_work)):
                raise TreeFileError(
                    f"block {row.key!r} has the sum {node.cumulative_work!r} and not {total!r}"
                )
        self.nodes[row.key] = node
        self.verdicts[row.key] = row.verdict
        self.rows += 1
        if row.is_tip:
            self.tip = node


@dataclass
class Content:
    """What was read of a file.

    Attributes:
        roots: Keys that the engine had by itself.
        rows: What came after them.
        seal: The seal of the last whole line.
        size: Bytes up to its end.
        torn: Whether something stands behind it.
    """

    roots: list[Any]
    rows: list[Row]
    seal: str
    size: int
    torn: bool


def read(path: Path, most: int) -> Content:
    """Read a file to its last whole line.

    Args:
        path: The file.
        most: Bytes that are read at most.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read, is no regular file, or is larger.
        TreeFileError: It is damaged, or of another form.
    """
    with durable.reading(path, most) as file:
        return _content(file)


def _content(file: BinaryIO) -> Content:
    content: Content | None = None
    seal, number, line = "", 0, file.readline(LONGEST_LINE)
    while line:
        following, text = file.readline(LONGEST_LINE), _unsealed(line, seal)
        if text is None:
            if content is None or following:
                raise TreeFileError(f"its line {number} is damaged")
            content.torn = True
            break
        value = _value(text, number)
        if content is None:
            content = _beginning(value)
        else:
            content.rows.append(_row(value, number))
        content.seal = seal = line[:SEAL].decode()
        content.size += len(line)
        line, number = following, number + 1
    if content is None:
        raise TreeFileError("it is empty")
    return content


def _sealed(text: bytes, seal: str) -> str:
    """The seal of a line after the line with another one."""
    return hashlib.sha256(seal.encode() + text).hexdigest()[:SEAL]


def _unsealed(line: bytes, seal: str) -> bytes | None:
    """What a line holds; None where it does not fit its seal."""
    text = line[SEAL + 1 : -1]
    whole_line = line.endswith(b"\n") and line[SEAL : SEAL + 1] == b" "
    return text if whole_line and line[:SEAL] == _sealed(text, seal).encode() else None


def _value(text: bytes, number: int) -> dict[str, Any]:
    try:
        value = whole.from_text(text)
    except whole.NotWholeError as error:
        raise TreeFileError(f"its line {number}: {error}") from error
    if not isinstance(value, dict):
        raise TreeFileError(f"its line {number} is no object")
    return value


def _beginning(value: dict[str, Any]) -> Content:
    roots = value.get("roots")
    if value.get("schema") != SCHEMA or not isinstance(roots, list):
        raise TreeFileError("its first line is of another version")
    return Content(roots, [], "", 0, torn=False)


def _row(value: dict[str, Any], number: int) -> Row:
    try:
        if "block" not in value:
            return Row(value["tip"], None, "", is_tip=True)
        work, received, verdict = value["work"], value["received"], value["verdict"]
        hash((value["key"], value["parent"]))
        if not isinstance(verdict, str) or not all(isinstance(one, int | float) for one in (work, received)):
            raise TypeError("a number or a verdict is of another type")
        node = BlockNode(value["block"], value["parent"], work, value["height"], received)
        return Row(value["key"], node, verdict, value["tip"] is True)
    except (KeyError, TypeError) as error:
        raise TreeFileError(f"its line {number}: {error!r}") from error


class TreeFile:
    """The file, open for further rows; nobody else writes to it meanwhile.

    Every method raises `OSError` where the disk refuses, `TreeFileError` where another process has the file,
    and `whole.NotWholeError` where a block has no durable form.

    Args:
        path: The file.
        most: Its size in bytes at most.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path, self._most = path, most
        self._descriptor: int | None = None
        self._seal = ""
        self.size = 0

    def claim(self) -> None:
        """Have the file, if there is one, for this process alone."""
        with suppress(OSError):  # what is wrong with it the reader says
            self._open()

    def go_on(self, content: Content) -> None:
        """Write behind what was read, in place of what is torn."""
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, content.size)
        self._seal, self.size = content.seal, content.size

    def begin(self, roots: list[Any], rows: Iterable[Row]) -> None:
        """Write a file anew, in place of one that was there."""
        if self._descriptor is None:
            self.claim()  # what is there is nobody else's
        self._seal, self.size = "", 0
        with durable.replacing(self._path, 0o600) as file:
            file.write(self._line(whole.as_text({"schema": SCHEMA, "roots": roots})))
            for row in rows:
                file.write(self._line(row.as_text()))
        self._close()
        self._open()

    def append(self, rows: Iterable[Row]) -> None:
        """Write further rows. A row that cannot be written down leaves the file as it was."""
        assert self._descriptor is not None
        before = self._seal, self.size
        try:
            data = memoryview(b"".join([self._line(row.as_text()) for row in rows]))
        except BaseException:
            self._seal, self.size = before
            raise
        while data:
            data = data[os.write(self._descriptor, data) :]

    def settle(self) -> None:
        """Bring what is written to the disk, so that a power cut does not take it."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def close(self, *, remove: bool = False) -> None:
        """Let go of the file; `remove`: and take it away, if it is ours."""
        ours = self._descriptor is not None
        if ours and remove:
            with suppress(OSError):
                durable.remove(self._path)
        self._close()

    def _line(self, text: str) -> bytes:
        data = text.encode()
        self._seal = _sealed(data, self._seal)
        self.size += len(data) + SEAL + 2
        if self.size > self._most or len(data) + SEAL + 2 > LONGEST_LINE:
            raise TreeFullError(f"the tree takes more than tree_log_max_bytes ({self._most})")
        return self._seal.encode() + b" " + data + b"\n"

    def _open(self) -> None:
        try:
            self._descriptor = durable.appending(self._path)
        except BlockingIOError:
            raise TreeFileError("another process of this node keeps it") from None

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
