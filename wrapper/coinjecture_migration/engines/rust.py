"""The Rust engine as the wrapper uses it: judge and apply are two calls; nothing it does stops a block."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from consensus_surface import REASONS

from coinjecture_migration.engines.observation import Observation
from coinjecture_migration.runtime import timing
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED, BrokenEngineError
from coinjecture_migration.runtime.timing import NOTHING, Spent

CODES: dict[str | None, frozenset[str]] = {None: frozenset(), **{code: frozenset({code}) for code in REASONS}}
MALFORMED = CODES["malformed"]


class ForgetError(BrokenEngineError):
    """The Rust tree has a node that the other engine lacks; only a copy of the whole tree mends that."""


class RustEngine:
    """`coinjecture.consensus.ConsensusEngine`, seen as judge and as tree. `storage` is the node's own."""

    name = "rust"

    def __init__(self, engine: Any, storage: Any) -> None:
        self.engine = engine
        self._storage = storage
        self.spent = NOTHING
        """What the last block took so far, from its conversion to the tree: capture, judge and apply."""

    # Judging

    def parse(self, block: Any) -> tuple[Any, Observation | None]:
        """Parse a block once, before any engine can change it.

        Returns:
            The parsed block, or the observation that ends the matter: what is no block is malformed, all
            else an error.
        """
        self.spent = NOTHING
        started = timing.start()
        try:
            parsed = self.engine.capture(block)
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:  # a panic is no Exception
            return None, _not_parsed(error)
        self.spent = timing.since(started)
        return parsed, None

    def as_json(self, block: Any) -> bytes:
        """A block of any shape, read whole, as JSON.

        Raises:
            BrokenEngineError: It cannot be read.
        """
        parsed, ended = self.parse_unclocked(block)
        if ended is not None:
            raise BrokenEngineError(f"a block cannot be read: {ended.cause or ended.error!r}")
        return bytes(parsed.to_json())

    def parse_unclocked(self, block: Any) -> tuple[Any, Observation | None]:
        """As `parse`, for another thread than the one that judges: it leaves `spent` as it is."""
        return RustEngine(self.engine, self._storage).parse(block)

    def judge_alone(self, block: Any, received_at: float, profile: str) -> Observation:
        """Parse, judge and apply, without storage writes; `spent` is all three."""
        parsed, ended = self.parse(block)
        if ended is not None:
            return ended
        result, judgement = self.judge(parsed, received_at, profile)
        if result.error is None and result.inserted and (error := self.apply(judgement, block)):
            result = replace(result, error=error)
        return replace(result, spent=self.spent)

    def judge(self, parsed: Any, received_at: float, profile: str) -> tuple[Observation, Any]:
        """Judge a parsed block; the tree stays as it is until `apply`.

        Returns:
            The observation, with what the block took so far, and the judgement to apply. Exceptions, panics
            and answers that are none are its `error`.
        """
        started = timing.start()
        try:
            try:
                judgement = self.engine.judge(parsed, received_at, profile)
            finally:
                self.spent = self.spent.plus(timing.since(started))
            _check(judgement)
            return _observed(judgement, received_at, self.spent), judgement
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:
            return Observation("rust", error=error, spent=self.spent), None

    def judge_at_once(self, block: Any, profile: str) -> tuple[Observation, Any]:
        """Parse, judge at the present time and apply, as one span of `spent`; without storage writes.

        For who has nobody to compare with, so that nothing lies in between. A block outside the domain both
        engines share is malformed here: nobody else is left to judge it.

        Returns:
            The observation, without what only a comparison asks for, and the judgement, None where there is
            none. After an `error` with a judgement the tree is not to be trusted.
        """
        engine, received_at = self.engine, time.time()
        parsed = judgement = None
        started = timing.start()
        try:
            parsed = engine.capture(block)
            try:
                if parsed.out_of_domain is None:
                    judgement = engine.judge(parsed, received_at, profile)
                    _check(judgement)
                    if judgement.inserts:
                        engine.apply(judgement, block)
            finally:
                self.spent = timing.since(started)
            if judgement is not None:
                return _verdict(judgement, self.spent), judgement
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:
            if parsed is None:
                return _not_parsed(error), None
            return Observation("rust", error=error, spent=self.spent), judgement
        refused = ValueError(f"outside the domain both engines share: {parsed.out_of_domain}")
        return Observation("rust", reasons=MALFORMED, cause=refused, spent=self.spent), None

    def apply(self, judgement: Any, block: Any) -> BaseException | None:
        """Put a judgement into the tree. Returns what broke; then the tree is not to be trusted."""
        started = timing.start()
        try:
            self.engine.apply(judgement, block)
            self.spent = self.spent.plus(timing.since(started))
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:
            return error
        return None

    def write_effects(self, judgement: Any) -> None:
        """Carry out the storage writes of an insertion; what the storage raises goes out as it is."""
        self.engine.write_effects(judgement, self._storage)

    def work(self, block: Any) -> float | None:
        """The work score of a block, None where the rules compute none."""
        parsed, ended = self.parse_unclocked(block)
        return None if ended is not None else parsed.work

    def store(self, height: Any, cumulative: int, key: Any) -> None:
        """The two storage writes of an insertion; what the storage raises goes out as it is."""
        self._storage.store_work_index(height, cumulative, key)
        self._storage.store_tip(key, cumulative)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call another method of the engine; an exception goes out, a panic as `BrokenEngineError`."""
        try:
            return getattr(self.engine, name)(*args, **kwargs)
        except (*NEVER_SWALLOWED, Exception):
            raise
        except BaseException as error:
            raise BrokenEngineError(f"the Rust engine panicked in {name}") from error

    # The tree

    def node(self, key: Any) -> Any:
        """The node under a block hash, None where there is none."""
        try:
            return self.engine.block_tree.get(key)
        except TypeError:
            return None

    def keys_in_order(self) -> list[Any]:
        """All keys, oldest first."""
        return list(self.engine.block_tree)

    def tip(self) -> Any:
        """The best tip's node."""
        return self.engine.best_tip

    def take(self, nodes: Iterable[tuple[Any, Any]], tip: Any, *, replace: bool = False) -> None:
        """Take over another engine's nodes and tip as they are, judging nothing."""
        try:
            self.engine.import_tree(nodes, tip, replace=replace)
        except (*NEVER_SWALLOWED, Exception):
            raise
        except BaseException as error:
            raise BrokenEngineError("the Rust engine panicked while it took over a tree") from error

    def forget(self, key: Any) -> None:
        """Not possible one by one; raises `ForgetError` if there is such a node."""
        if self.node(key) is not None:
            raise ForgetError("the Rust tree has a node more than the other engine's")


def _not_parsed(error: BaseException) -> Observation:
    """What an engine that could not parse a block has said with it: what is no block is malformed."""
    if isinstance(error, (TypeError, ValueError)):
        return Observation("rust", reasons=MALFORMED, block_hash=None, work=None, cause=error)
    return Observation("rust", error=error)


def _check(judgement: Any) -> None:
    """Raises `BrokenEngineError` where a judgement is no verdict."""
    accepted, reason = judgement.accepted, judgement.reason
    if not isinstance(accepted, bool) or (reason is None) != accepted or reason not in CODES:
        raise BrokenEngineError(f"the Rust engine answered accepted={accepted!r}, reason={reason!r}")


def _verdict(judgement: Any, spent: Spent) -> Observation:
    """The verdict of a judgement, checked, without its numbers."""
    accepted = judgement.accepted
    return Observation(
        "rust",
        accepted=accepted,
        reasons=CODES[judgement.reason],
        inserted=bool(judgement.inserts),
        spent=spent,
        broken=None if accepted else judgement,
    )


def _observed(judgement: Any, received_at: float, spent: Spent) -> Observation:
    """A judgement, checked, as an observation."""
    accepted, reason, inserts = judgement.accepted, judgement.reason, bool(judgement.inserts)
    return Observation(
        "rust",
        accepted=accepted,
        reasons=CODES[reason],
        block_hash=judgement.computed_hash,
        work=judgement.work,
        inserted=inserts,
        height=judgement.height if inserts else None,
        cumulative=judgement.cumulative if inserts else None,
        tip_hash=judgement.tip_hash,
        tip_cumulative=judgement.tip_cumulative,
        received_at=received_at,
        spent=spent,
        broken=None if accepted else judgement,
    )
