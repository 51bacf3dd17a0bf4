"""Both engines side by side along a node's log: every stored block, and mutants of it that leave no trace."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from coinjecture import _core
from coinjecture._types import Profile
from coinjecture.replay import captures
from coinjecture.replay.legacy import Legacy, record_of
from coinjecture.replay.mutants import mutant
from coinjecture.replay.network import Network
from coinjecture.replay.node import Known, TreeNode
from coinjecture.replay.outcome import Outcome
from coinjecture.replay.rust import Rust
from coinjecture.replay.snapshot import Row
from coinjecture.replay.tally import FILES_KEPT, Tally

ROWS_AT_ONCE = 2048
"""Rows that Rust judges in one call, at most."""

BYTES_AT_ONCE = 32 << 20
"""Bytes of blocks after which a call has enough, however few rows they are."""


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in lists for one call each: enough to make threads worth starting, few enough for the memory."""
    batch: list[Row] = []
    held = 0
    for row in rows:
        batch.append(row)
        held += len(row.raw)
        if len(batch) == ROWS_AT_ONCE or held >= BYTES_AT_ONCE:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


class SeededTree(dict[Any, Any]):
    """A legacy tree that begins as another engine's tree was; nodes are made when they are asked for."""

    def __init__(self, seed: _core.Engine, legacy: Legacy) -> None:
        super().__init__()
        self._seed = seed
        self._legacy = legacy

    def __missing__(self, key: Any) -> Any:
        node = self._seed.get(key)
        if node is None:
            raise KeyError(key)
        made = self[key] = self._legacy.node_of(_record(node))
        return made

    def __contains__(self, key: Any) -> bool:
        return super().__contains__(key) or key in self._seed

    def get(self, key: Any, default: Any = None) -> Any:
        """As of a dict."""
        try:
            return self[key]
        except KeyError:
            return default


class Walk:
    """One walk along the log.

    Blocks before the part that is compared are passed by Rust alone with ``skip``, which is fast; ``compare``
    then goes on from the same tree with both. Where another part finds a divergence, what follows it is
    compared from Rust's tree.
    """

    def __init__(
        self, module: ModuleType, network: Network, profile: Profile, folder: Path, builds: dict[str, Any]
    ) -> None:
        self._network = network
        self._legacy = Legacy(module, network, profile)
        self._rust = Rust(network, profile)
        self._folder = folder
        self._builds = builds
        self._level = True
        self.tally = Tally()

    def skip(self, rows: Iterable[Row], threads: int = 1) -> None:
        """Let Rust alone judge and insert blocks, many in a call.

        Raises:
            EngineError: Rust fails at a block of its domain.
        """
        for batch in batches(rows):
            while batch:
                batch = batch[self._skipped(batch, threads) :]

    def _skipped(self, rows: list[Row], threads: int) -> int:
        """Skip blocks up to the first one outside the domain, and that one too. Returns how many it were."""
        raw = [(row.raw, row.received_at) for row in rows]
        judged, end = self._rust.engine.pass_many(raw, self._rust.profile, threads=threads)
        self._level = False
        if end is None:
            return judged
        if not isinstance(end, _core.OutOfDomainError):
            raise end
        row = rows[judged]
        self._seed()
        self._legacy.judge(row.raw, row.received_at)
        self._copy()
        return judged + 1

    def compare(self, row: Row, mutants: int, seed: int) -> None:
        """Judge a stored block and mutants of it by both; half of the mutants come before it, half after."""
        self._seed()
        rng = random.Random(f"{seed}:{row.sequence}")  # noqa: S311 - repeatable, not secret
        before, parent = mutants // 2, self._parent(row.raw)
        for number in range(before):
            self._mutant(row, parent, rng, number)
        self._stored(row)
        for number in range(before, mutants):
            self._mutant(row, parent, rng, number)

    def _seed(self) -> None:
        """Make the legacy tree what Rust's is, where Rust has gone ahead alone."""
        if self._level:
            return
        seed = _core.Engine(self._network.genesis, self._network.timestamp)
        seed.import_(self._rust.engine.export())
        self._legacy.engine.block_tree = SeededTree(seed, self._legacy)
        self._legacy.engine.best_tip = self._legacy.node_of(_record(self._rust.engine.tip()))
        self._level = True

    def _stored(self, row: Row) -> None:
        tally, tip = self.tally, self._legacy.engine.best_tip
        legacy, rust = self._in_turn(row)
        tally.calls["legacy"] += 1
        if rust.code == "out_of_domain":
            why = self._rust.why_out_of_domain(row.raw)
            tally.out_of_domain.append({"sequence": row.sequence, "why": why, "legacy": legacy.code})
            tally.blocks["out_of_domain"] += 1
            tally.seconds["legacy"] += self._legacy.seconds
            self._copy()
        else:
            tally.blocks[legacy.code] += 1
            if legacy.verdict != "accept":
                tally.not_accepted.append({"sequence": row.sequence, "reason": legacy.code})
            if rust == legacy:
                self._rust.apply()
            else:
                self._diverged(row, row.raw, "", legacy, rust, tip)
                self._copy()
            tally.calls["rust"] += 1
            tally.seconds["legacy"] += self._legacy.seconds
            tally.seconds["rust"] += self._rust.seconds
            if rust == legacy and legacy.verdict == "accept":
                tally.add_pair(self._legacy.seconds, self._rust.seconds)
            if self._legacy.seconds > 0:  # a coarse clock may see nothing
                tally.ratios.append(self._rust.seconds / self._legacy.seconds)
        self._legacy.trim()

    def _in_turn(self, row: Row) -> tuple[Outcome, Outcome]:
        """Let both judge a stored block, every other one first by legacy: neither always meets it cold."""
        if row.sequence % 2:
            rust = self._rust.judge(row.raw, row.received_at)
            return self._legacy.judge(row.raw, row.received_at), rust
        legacy = self._legacy.judge(row.raw, row.received_at)
        return legacy, self._rust.judge(row.raw, row.received_at)

    def _mutant(self, row: Row, parent: Known | None, rng: random.Random, number: int) -> None:
        raw, note = mutant(rng, row.raw, parent)
        tip, tally = self._legacy.engine.best_tip, self.tally
        rust = self._rust.judge(raw, row.received_at)
        if rust.code == "out_of_domain":  # the legacy engine could compute for minutes
            tally.mutants["out_of_domain"] += 1
            return
        legacy = self._legacy.judge(raw, row.received_at, keep=False)
        tally.mutants[legacy.code] += 1
        for engine, seconds in (("legacy", self._legacy.seconds), ("rust", self._rust.seconds)):
            tally.calls[engine] += 1
            tally.seconds[engine] += seconds
        if rust != legacy:
            self._diverged(row, raw, f"mutant {number}: {note}", legacy, rust, tip)

    def _parent(self, raw: bytes) -> Known | None:
        node = self._legacy.node(json.loads(raw).get("previous_hash"))
        return None if node is None else Known(node.block["block_hash"], node.height, node.block["timestamp"])

    def _diverged(self, row: Row, raw: bytes, note: str, legacy: Outcome, rust: Outcome, tip: Any) -> None:
        self.tally.diverging += 1
        if len(self.tally.divergences) >= FILES_KEPT:
            return
        parent = self._legacy.parent
        capture = captures.Capture(
            raw=raw,
            profile=self._rust.profile,
            received_at=row.received_at,
            parent=None if parent is None else record_of(parent),
            tip=record_of(tip),
        )
        path = captures.write(self._folder, capture, legacy, rust, self._builds)
        self.tally.divergences.append(
            {
                "sequence": row.sequence,
                "change": note,
                "differs": list(captures.kinds(legacy, rust)) or ["verdict"],
                "legacy": legacy.code,
                "rust": rust.code,
                "file": path.name,
            }
        )

    def _copy(self) -> None:
        """Make Rust's node of the last stored block, and its tip, those of the legacy engine."""
        if self._legacy.inserted is not None:
            self._rust.put(record_of(self._legacy.inserted))
        self._rust.set_tip(record_of(self._legacy.engine.best_tip))


def _record(node: _core.Node) -> TreeNode:
    return TreeNode(
        node.block_hash, node.parent, node.height, node.timestamp, node.cumulative, node.received_at
    )
