"""The tree across restarts: a file of the wrapper's own, where the node's storage keeps no log of blocks.

A call only remembers which node came; a thread writes it down a moment later, so the disk is never on
the path of a block. It is all or nothing: where a block has no durable form, the disk refuses or the bound is
reached, the file goes, an alert says so, and the next start begins at the genesis, as it did before us.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.legacy import LegacyEngine, field
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.engines.storage_proxy import LOG
from coinjecture_migration.engines.tree_file import (
    KEPT,
    Content,
    Grown,
    Row,
    TreeFile,
    TreeFileError,
    TreeFullError,
    read,
)
from coinjecture_migration.engines.whole import NotWholeError
from coinjecture_migration.runtime import durable
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED, ModeChangeError
from coinjecture_migration.runtime.periodic import Periodic
from coinjecture_migration.settings import Settings

log = logging.getLogger("coinjecture.migration")

Engine = LegacyEngine | RustEngine
FAULTS = (OSError, TreeFileError, NotWholeError)
EVERY_S = 0.05
"""Between two looks for what has come; a process that is killed loses as much."""
ROOM = 0.9
"""What of its bound a file that was written anew may fill at most; else it would soon be full again."""
ATTEMPTS = 3
"""How often a block is written down that the node changes meanwhile."""


class TreeLog:
    """Keeps the tree in a file, and gives it to the engines of the next process.

    Args:
        settings: Whether, where and up to what size.
        storage: The node's; one that has a log of its own rebuilds the tree itself.
        active: Gives the engines in force.
        alerts: Told where the tree is not kept, or was not taken over.
        judging: The lock of all calls that change a tree.
    """

    def __init__(
        self,
        settings: Settings,
        storage: Any,
        active: Callable[[], ActiveEngines],
        alerts: Alerts,
        judging: threading.RLock,
    ) -> None:
        self._carries = not hasattr(storage, LOG)
        self.wanted = self._carries if settings.tree_log is None else settings.tree_log
        self._path, self._most = settings.tree_file, settings.tree_log_max_bytes
        self._file = TreeFile(self._path, self._most)
        self._active, self._alerts, self._judging = active, alerts, judging
        self._disk = threading.Lock()
        self._waiting: deque[Row] = deque()
        self._noted: dict[Any, tuple[float, float]] = {}
        self._tip: tuple[Any, ...] = ()
        self._roots: list[Any] = []
        self._rows = 0
        self._stale, self._process = False, os.getpid()
        self._why: str | None = None if self.wanted else "it is switched off"
        self._carried: dict[str, Any] | None = None
        self._refused: str | None = None
        self.thread = Periodic("tree log", EVERY_S, self.flush)

    # On the path of a block, under the judging lock

    def note(self, block: Any, verdict: str | None) -> None:
        """A call about a block has ended; nothing here may cost its answer."""
        if self._why is not None:
            return
        try:
            self._note(field(LegacyEngine.read(block), "block_hash"), verdict or "not_a_rule")
        except Exception as error:
            self._lose_track(error)

    def _note(self, key: Any, verdict: str) -> None:
        engine = self._active().answering
        node = engine.node(key)
        if node is None or self._noted.get(key) == (node.receipt_time, node.cumulative_work):
            return
        self._noted[key] = node.receipt_time, node.cumulative_work
        tip = _identity(engine.tip())
        is_tip = tip == (key, node.receipt_time, node.cumulative_work)
        if is_tip:
            self._tip = tip
        self._waiting.append(Row(key, node, verdict, is_tip))

    def note_tip(self) -> None:
        """A call that may have moved the tip has ended."""
        try:
            if self._why is None and (tip := _identity(self._active().answering.tip())) != self._tip:
                self._tip = tip
                self._waiting.append(Row(tip[0], None, "", is_tip=True))
        except Exception as error:
            self._lose_track(error)

    def _lose_track(self, error: Exception) -> None:
        log.warning("the tree is written down anew, since it could not be read just now: %r", error)
        self._stale = True

    # At a start

    def carry(self, engines: Mapping[str, Engine]) -> None:
        """Give the kept tree to the engines of this process, then go on writing it down."""
        roots = next(iter(engines.values())).keys_in_order()
        self._roots = roots if self._carries else []
        if not self.wanted:
            self._leave_none()
            return
        try:
            self._file.claim()
            content = self._kept(engines) if self._carries else None
            if content is None:
                self._begin()
            else:
                self._file.go_on(content)
                self._remember(self._active().answering)
                self._rows = _nodes_in(content.rows)
        except FAULTS as error:
            self._give_up(error)
        self.thread.start()
        atexit.register(self.close)

    def _kept(self, engines: Mapping[str, Engine]) -> Content | None:
        """What the file holds, once every engine has taken it over; None where they begin at their roots."""
        try:
            content = read(self._path, self._most)
            if content.roots != self._roots:
                raise TreeFileError(f"it begins at {content.roots!r} and this engine at {self._roots!r}")
            grown = self._grown(engines, content.rows)
            self._take(engines, grown)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever is in that file, the node starts
            self._refuse(f"{self._path}: {error}")
            return None
        self._carried = _summary(grown) | {"torn": content.torn}
        log.info("the tree was taken over from %s: %s", self._path, self._carried)
        return content

    def _grown(self, engines: Mapping[str, Engine], rows: Iterable[Row]) -> Grown:
        one = next(iter(engines.values()))
        grown = Grown({key: one.node(key) for key in self._roots}, one.tip())
        for row in rows:
            grown.add(row, lambda block: _score(engines, block))
        return grown

    def _take(self, engines: Mapping[str, Engine], grown: Grown) -> None:
        """Let every engine take over the tree, or none."""
        before = {
            name: ([(key, engine.node(key)) for key in self._roots], engine.tip())
            for name, engine in engines.items()
        }
        came = [(key, node) for key, node in grown.nodes.items() if key in grown.verdicts]
        try:
            for engine in engines.values():
                engine.take(came, grown.tip)
                if (found := _summary_of(engine)) != _summary(grown):
                    raise TreeFileError(f"{engine.name} made {found} of it and not {_summary(grown)}")
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:  # a panic is no Exception
            for name, engine in engines.items():
                engine.take(*before[name], replace=True)
            raise TreeFileError(f"an engine could not take it over: {error!r}") from error

    def _refuse(self, why: str) -> None:
        """Begin at the genesis; what was refused is put aside for whoever wants to look."""
        self._refused = why
        aside = self._path.with_suffix(".refused")
        self._file.close()
        try:
            durable.set_aside(self._path, aside)
        except OSError as error:
            log.error("%s could not be put aside: %s", self._path, error)
        message = f"the tree of before this start was not taken over, it begins at the genesis: {why}"
        self._alerts.add("tree_log", message, aside=str(aside))

    def _leave_none(self) -> None:
        """No file of an earlier time may pass for today's tree at a later start."""
        try:
            durable.remove(self._path)
        except OSError as error:
            log.debug("%s: %s", self._path, error)

    # The disk

    def rows(self) -> list[Row]:
        """What came into the tree, in that order; empty where it is not kept, or the storage has a log."""
        with self._disk:
            self._flush()
            try:
                return read(self._path, self._most).rows if self._carries and self._why is None else []
            except FAULTS as error:
                log.warning("%s could not be read again: %s", self._path, error)
                return []

    def flush(self) -> None:
        """Write down what has come since the last time."""
        with self._disk:
            self._flush()

    def renew(self) -> None:
        """The tree becomes another one than calls have made: the next flush writes it down anew."""
        self._stale = self.wanted

    def export(self) -> dict[str, Any]:
        """Have the tree on the disk, whole; what `export_tree` of the control socket answers.

        Raises:
            ModeChangeError: It is not kept.
        """
        with self._disk:
            if self.wanted:
                self._flush()
                if self._why is not None or not self._is_alike():
                    self._try(self._begin)
                self._try(self._file.settle)
        if self.wanted and self._why is not None:
            raise ModeChangeError(
                "tree_not_kept", f"the tree is not kept: {self._why}", "the next start begins at the genesis"
            )
        return self.report()

    def close(self) -> None:
        """Write down what is left, and let go of the file; judging would still work."""
        atexit.unregister(self.close)
        self.thread.close(wait=True)
        with self._disk:
            self._flush()
            if self._why is None:
                self._try(self._file.settle)
            self._why = self._why or "this process has ended"
            self._file.close()

    def _flush(self) -> None:
        if os.getpid() != self._process:
            return  # a child that the node has forked: the file is its parent's
        if self._stale:
            self._stale = False
            self._try(self._begin)
        if self._why is None and self._waiting:
            rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
            self._try(lambda: self._append(rows))

    def _append(self, rows: list[Row]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                self._file.append(rows)
                break
            except TreeFullError as error:
                self._begin()  # blocks that came again and again leave one line each
                if self._file.size > ROOM * self._most:
                    raise error from None
                return
            except RuntimeError:  # a dict that changes while it is read
                if attempt + 1 == ATTEMPTS:
                    raise
        self._rows += _nodes_in(rows)

    def _begin(self) -> None:
        """Write the whole tree anew."""
        with self._judging:
            engine = self._active().answering
            grown = Grown({key: engine.node(key) for key in self._roots}, engine.tip())
            came = [(key, engine.node(key)) for key in engine.keys_in_order() if key not in self._roots]
            self._waiting.clear()
            self._remember(engine)
        tip, rows = _identity(grown.tip), list(_as_rows(came, grown.tip))
        for row in rows:
            grown.add(row, lambda block: _score({engine.name: engine}, block))
        if _identity(grown.tip) != tip:
            raise TreeFileError(f"the best tip {tip[0]!r} is not in the tree")
        self._file.begin(self._roots, rows)
        self._rows, self._why = _nodes_in(rows), None

    def _remember(self, engine: Engine) -> None:
        nodes = [(key, engine.node(key)) for key in engine.keys_in_order()]
        self._noted = {key: (node.receipt_time, node.cumulative_work) for key, node in nodes}
        self._tip = _identity(engine.tip())

    def _is_alike(self) -> bool:
        """Whether what was noted is the answering engine's tree."""
        with self._judging:
            engine = self._active().answering
            same_keys = list(self._noted) == engine.keys_in_order()
            return same_keys and self._tip == _identity(engine.tip())

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except RuntimeError as error:  # the node changes a block again and again: at the next turn, all of it
            self._lose_track(error)
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        self._why = str(error) or repr(error)
        self._waiting.clear()
        self._file.close(remove=True)
        message = f"the tree is not kept any more, the next start begins at the genesis: {self._why}"
        self._alerts.add("tree_log", message)
        self._alerts.deliver()

    def report(self) -> dict[str, Any]:
        """`tree` of `status`."""
        return {
            "state": "off" if not self.wanted else "kept" if self._why is None else "lost",
            "why": self._why,
            "nodes": len(self._noted),
            "rows": self._rows,
            "bytes": self._file.size,
            "max_bytes": self._most,
            "carried": self._carried,
            "refused": self._refused,
        }


def _identity(node: Any) -> tuple[Any, ...]:
    return field(node.block, "block_hash"), node.receipt_time, node.cumulative_work


def _nodes_in(rows: Iterable[Row]) -> int:
    """How many of some rows bring a node; the others only move the tip."""
    return sum(row.node is not None for row in rows)


def _as_rows(came: Iterable[tuple[Any, Any]], tip: Any) -> Iterator[Row]:
    """A tree as the calls could have made it; a tip that was replaced under its key came before the other."""
    key_of_tip = _identity(tip)[0]
    for key, node in came:
        if key == key_of_tip and _identity(node) != _identity(tip):
            yield Row(key, tip, KEPT, is_tip=True)
            key_of_tip = None
        yield Row(key, node, KEPT, is_tip=False)
        if key == key_of_tip:
            yield Row(key, None, "", is_tip=True)


def _summary(grown: Grown) -> dict[str, Any]:
    """What must be the same before and after: how many nodes and roots, and where the tip is."""
    roots = sum(node.parent_hash not in grown.nodes for node in grown.nodes.values())
    key, _, cumulative = _identity(grown.tip)
    return {"nodes": len(grown.nodes), "roots": roots, "tip": key, "cumulative": cumulative}


def _summary_of(engine: Engine) -> dict[str, Any]:
    nodes = {key: engine.node(key) for key in engine.keys_in_order()}
    return _summary(Grown(nodes, engine.tip()))


def _score(engines: Mapping[str, Engine], block: Any) -> float | None:
    """The work score of a block by the first engine that can tell it."""
    for engine in engines.values():
        if (work := engine.work(block)) is not None:
            return work
    return None
