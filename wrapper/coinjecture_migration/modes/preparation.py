"""Preparing a mode change: build the missing engine and bring it in sync while the node goes on answering."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.legacy import LegacyEngine, field
from coinjecture_migration.engines.loader import EngineLoader
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.engines.tree_file import ACCEPT, Row
from coinjecture_migration.engines.tree_sync import Tree, compare_trees, copy_keys, tips_agree
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED

log = logging.getLogger("coinjecture.migration")


class LogDivergenceError(RuntimeError):
    """The engine that was built does not make of the stored log what the running engine made of it."""


class Preparation:
    """One prepared mode change. The bulk runs in a thread without the judging lock, only the tail under it.

    The engine re-judges the stored log with its receipt times (its constructor does; where the storage keeps
    none, the Rust engine is given the wrapper's own), is compared with the running one node by node, and gets
    copied what the log cannot contain. Once `ready` it follows the
    running engine block by block until the commit.

    Attributes:
        target: The mode prepared for.
        state: `running`, `ready` or `failed`.
        done: Rows of the log judged so far.
        total: Nodes of the running engine when it began; what `done` goes towards.
        error: Why it failed.
        engine: The engine that was built; None where none is missing.
        has_way_back: The engines (legacy, Rust) that a restart was tried with and could be built again;
            None where it was not tried.
    """

    def __init__(
        self,
        target: str,
        missing: str | None,
        loader: EngineLoader,
        own_log: Callable[[], list[Row]] = list,
    ) -> None:
        self.target = target
        self.state = "running" if missing else "ready"
        self.done = self.total = 0
        self.error: str | None = None
        self.engine: LegacyEngine | RustEngine | None = None
        self.has_way_back: tuple[LegacyEngine | None, RustEngine | None] | None = None
        self._on_divergence: Callable[[], None] = lambda: None
        self._missing = missing
        self._loader, self._own_log = loader, own_log
        self._judged_again: set[Any] = set()
        self._changed_meanwhile: dict[int, Any] = {}
        self._tip_moved = False
        self._ended = threading.Event()
        if not missing:
            self._ended.set()

    def as_json(self) -> dict[str, Any]:
        """The preparation as `status` shows it."""
        return {
            "target": self.target,
            "state": self.state,
            "done": self.done,
            "total": max(self.total, self.done),
            "error": self.error,
        }

    def start(
        self,
        active: ActiveEngines,
        judging: threading.RLock,
        still_in_force: Callable[[ActiveEngines], bool],
        on_divergence: Callable[[], None],
    ) -> None:
        """Begin in a thread of its own; where there is none to be had, it has failed.

        Args:
            active: The engines whose answering engine is followed.
            judging: The judging lock, for the tail.
            still_in_force: Whether a active's answering engine is still the one that answers.
            on_divergence: Told where the stored log is the cause of a failure.
        """
        self._on_divergence = on_divergence
        thread = threading.Thread(
            target=self._run, args=(active, judging, still_in_force), name="prepare", daemon=True
        )
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            self._fail(f"no thread could be started ({error}); prepare again")

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is ready or has failed. Returns False if neither within `seconds`."""
        return self._ended.wait(seconds)

    def note(self, source: Tree, active: ActiveEngines, key: Any, *, tip_moved: bool = False) -> None:
        """A call about the block under `key` has ended on `active`. Under the judging lock."""
        self._tip_moved |= tip_moved
        if self.state == "running":
            self._changed_meanwhile[id(key)] = key
        elif self.state == "ready" and self.engine and self.engine not in (active.legacy, active.rust):
            try:
                copy_keys(source, self.engine, [key])
            except Exception as error:
                self._fail(f"the prepared engine could not follow block {key!r}: {error!r}")

    def _run(
        self, active: ActiveEngines, judging: threading.RLock, still_in_force: Callable[[ActiveEngines], bool]
    ) -> None:
        try:
            running = active.answering
            self.total = len(running.keys_in_order())
            with self._loader.printing.aside():
                engine = self._loader.build(self._missing or "", answering=False, on_row=self._count_row)
                if isinstance(engine, RustEngine):
                    self._judge_again(engine, running)
            copied = self._compare(engine, running)
            with judging:
                if not still_in_force(active):
                    raise RuntimeError("the mode changed meanwhile; prepare again")
                tail = list(self._changed_meanwhile.values())
                if not (copied or tail or self._tip_moved) and not tips_agree(engine, running):
                    raise LogDivergenceError(f"{engine.name} stands on another tip than {running.name}")
                copy_keys(running, engine, tail)
                self.engine, self.state = engine, "ready"
            self._ended.set()
        except NEVER_SWALLOWED:
            self._fail("interrupted")
        except LogDivergenceError as error:
            self.error = str(error)
            self._on_divergence()
            self._fail(str(error))
        except BaseException as error:  # a panic is no Exception
            self._fail(f"{type(error).__name__}: {error}")

    def _judge_again(self, engine: RustEngine, running: LegacyEngine | RustEngine) -> None:
        """Let the engine judge what the wrapper has written down, where the storage has no log."""
        for row in self._own_log():
            if row.node is None:
                engine.call("handle_reorg", row.key)
                self._tip_moved |= field(engine.tip().block, "block_hash") != row.key
            elif row.verdict == ACCEPT:
                node = running.node(row.key)
                same_one = node is not None and node.receipt_time == row.node.receipt_time
                block = node.block if same_one else row.node.block  # the tree's own object, not a second one
                parsed, _ = engine.parse_unclocked(block)
                if parsed is None or parsed.out_of_domain is None:
                    result = engine.judge_alone(block, row.node.receipt_time, "header")
                    if result.error is not None:
                        raise result.error
                    self._judged_again.add(row.key)
                self.done += 1

    def _logged(self, keys: set[Any], engine: LegacyEngine | RustEngine, rows: int) -> Iterator[Any]:
        if self._judged_again:
            return iter(keys & self._judged_again)
        return self._loader.logged(keys, engine, rows)

    def _compare(self, engine: LegacyEngine | RustEngine, running: LegacyEngine | RustEngine) -> int:
        """Compare with the running engine and copy what the log cannot contain; returns how many nodes."""
        changed = self._changed_meanwhile
        rows = self.done
        comparison = compare_trees(
            engine,
            running,
            skip=lambda key: any(key is other or key == other for other in list(changed.values())),
            logged=lambda keys: self._logged(keys, engine, rows),
        )
        if comparison.differences:
            shown = "; ".join(comparison.differences[:5])
            raise LogDivergenceError(f"{len(comparison.differences)} differences in the stored log: {shown}")
        copy_keys(running, engine, comparison.to_copy)
        return len(comparison.to_copy)

    def _count_row(self, _raw: bytes, _received_at: float) -> None:
        self.done += 1

    def _fail(self, error: str) -> None:
        self.engine, self.error, self.state = None, error, "failed"
        self._changed_meanwhile.clear()
        log.error("prepare %s failed: %s; the node goes on as it was", self.target, error)
        self._ended.set()
