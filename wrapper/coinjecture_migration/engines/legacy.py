"""The legacy engine as the wrapper uses it. The only code that knows a legacy engine's shape.

Two shapes are known: the reference engine (rejects carry `.reason`, blocks are dicts) and the deployed one
(no `verify_block`, blocks are objects with enums, messages that tell only the group of rules).
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from consensus_surface import REASONS

from coinjecture_migration.engines.observation import Observation
from coinjecture_migration.engines.shape import ShapeError, shape_of
from coinjecture_migration.engines.storage_proxy import StorageProxy
from coinjecture_migration.runtime import timing
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED, BrokenEngineError

GROUPS: Mapping[str, frozenset[str]] = {
    "Basic header validation failed": frozenset({"unknown_parent", "bad_height", "bad_timestamp"}),
    "Commitment validation failed": frozenset({"missing_proof", "bad_merkle_root"}),
    "Difficulty validation failed": frozenset({"missing_complexity", "no_work"}),
}
"""The deployed engine's messages, and the codes that each can stand for."""

REQUIRED = (
    "index",
    "timestamp",
    "previous_hash",
    "transactions",
    "merkle_root",
    "problem",
    "solution",
    "complexity",
    "mining_capacity",
    "cumulative_work_score",
    "block_hash",
)
TEXT = (bytes, bytearray, str)
"""The types of a block that is JSON text."""
NO_RATE_LIMIT = 10**9


MAPPINGS = (dict, Mapping)
"""A dict is asked for first: it is told at once, where an abstract class takes longer."""


def field(block: Any, name: str) -> Any:
    """One field of a block, a mapping or an object; enums by value, None where it is missing."""
    value = block.get(name) if isinstance(block, MAPPINGS) else getattr(block, name, None)
    return getattr(value, "value", value)


class LegacyEngine:
    """A legacy engine with its storage proxy, seen as judge and as tree.

    Judging holds the engine's storage writes; the caller ends each judgement with `release` or `drop`.
    """

    name = "legacy"

    def __init__(self, engine: Any, proxy: StorageProxy) -> None:
        self.engine = engine
        self._proxy = proxy

    # Judging

    @property
    def judges_full(self) -> bool:
        """Whether the engine has `verify_block`; the deployed one has only `validate_header`."""
        return hasattr(self.engine, "verify_block")

    @staticmethod
    def read(block: Any) -> Any:
        """The block as legacy engines take it: JSON text becomes its dict, all else stays what it is."""
        if not isinstance(block, TEXT):
            return block
        try:
            parsed = json.loads(block if isinstance(block, str) else bytes(block).decode("utf-8"))
        except (ValueError, RecursionError):
            return block
        return parsed if isinstance(parsed, dict) else block

    def judge(self, block: Any, profile: str) -> Observation:
        """Let the engine judge a block; it inserts what it accepts.

        Args:
            block: The block, see `read`.
            profile: `header` or `full`.

        Returns:
            The observation, hash and work of the content unknown (`complete`); an exception from storage,
            running out of memory and an answer other than True are its `error`.
        """
        key = field(block, "block_hash")
        before, marks = self.node(key), self._rate_marks()
        method = self.engine.verify_block if profile == "full" else self.engine.validate_header
        self._proxy.hold()
        cause: BaseException | None = None
        started = timing.start()
        try:
            answer = method(block)
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:
            answer, cause = None, error
        spent = timing.since(started)
        if broke := self._breakage(answer, cause):
            return Observation("legacy", error=broke, spent=spent)
        node = self.node(key)
        inserted = node is not None and node is not before
        tip = self.engine.best_tip
        reasons = self._reasons(cause, marks)
        return Observation(
            "legacy",
            accepted=cause is None,
            reasons=reasons or frozenset(),
            inserted=inserted,
            height=node.height if inserted else None,
            cumulative=node.cumulative_work if inserted else None,
            tip_hash=field(tip.block, "block_hash"),
            tip_cumulative=tip.cumulative_work,
            received_at=node.receipt_time if inserted else None,
            spent=spent,
            not_a_rule=reasons is None,
            cause=cause,
        )

    def complete(self, result: Observation, block: Any, profile: str) -> None:
        """Put hash and work of the block's content into an observation, by the legacy code itself.

        Only where the rules of the profile came so far as to ask for them: what no rule determines is not
        compared.

        After judging, not before: computed before, they would warm what judging then needs, and its
        duration would be compared with that of a cold Rust engine.
        """
        if result.error is not None or not (asked := determined(result, profile)):
            return
        if isinstance(block, MAPPINGS) and not all(map(block.__contains__, REQUIRED)):
            for name in asked:
                setattr(result, name, None)
            return
        if "block_hash" in asked:
            if own := getattr(block, "calculate_hash", None):
                result.block_hash = _value_or_none(own)
            elif hasher := self._function("calculate_block_hash"):
                result.block_hash = _value_or_none(hasher, block)
        if "work" in asked and (scorer := self._function("calculate_work_score")):
            complexity = self._complexity(block)
            result.work = _value_or_none(scorer, complexity) if complexity else None

    def work(self, block: Any) -> float | None:
        """The work score of a block by the legacy code, None where that computes none or is not found."""
        scorer, complexity = self._function("calculate_work_score"), self._complexity(block)
        work: float | None = _value_or_none(scorer, complexity) if scorer and complexity else None
        return work

    def like(self, block: Any, text: bytes) -> Any:
        """A block made of JSON text, in the shape in which `block` came.

        Raises:
            BrokenEngineError: Its class cannot make one.
        """
        made = json.loads(text)
        return made if isinstance(block, (Mapping, *TEXT)) else self._block_object(made, block)

    def release(self) -> None:
        """Carry out the writes of the last judgement; what the storage raises goes out as it is."""
        self._proxy.release()

    def drop(self) -> None:
        """Forget the writes of the last judgement."""
        self._proxy.drop()

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call another method of the engine with its writes held; what it raises goes out as it is."""
        self._proxy.hold()
        return getattr(self.engine, name)(*args, **kwargs)

    @property
    def storage_failed(self) -> bool:
        """Whether the storage raised during the last judgement or call."""
        return self._proxy.failure is not None

    def _breakage(self, answer: Any, cause: BaseException | None) -> BaseException | None:
        """The engine's error where it gave no verdict."""
        if cause is None:
            return (
                None
                if answer is True
                else BrokenEngineError(f"the legacy engine answered {answer!r}, not True")
            )
        if self._proxy.failure is not None:
            return self._proxy.failure
        broke = isinstance(cause, MemoryError) or not isinstance(cause, Exception)
        return cause if broke else None

    def _reasons(self, cause: BaseException | None, marks: tuple[Any, Any]) -> frozenset[str] | None:
        """The codes an exception can stand for; empty for an accept, None where no rule refused the block."""
        if cause is None:
            return frozenset()
        if not any(base.__name__ == "ValidationError" for base in type(cause).__mro__):
            return None if _is_printing(cause) else frozenset({"malformed"})
        reason = getattr(cause, "reason", "")
        if reason in REASONS:
            return frozenset({reason})
        counted, stamped = (now is not then for now, then in zip(self._rate_marks(), marks, strict=True))
        if reason is None or counted:
            return None
        group = GROUPS.get(str(cause))
        if group and "unknown_parent" in group and stamped:
            return None  # rules 1-3 had passed: only the rate limit, which stamps first, refuses after them
        return group or frozenset(REASONS)

    def _rate_marks(self) -> tuple[Any, Any]:
        """What the two known engines change when their rate limit looks at a header."""
        stamps = getattr(self.engine, "_header_timestamps", None)
        return getattr(self.engine, "rate_limited", None), (stamps[-1] if stamps else None)

    @staticmethod
    def _complexity(block: Any) -> Any:
        return block.get("complexity") if isinstance(block, MAPPINGS) else getattr(block, "complexity", None)

    def _function(self, name: str) -> Any:
        """A function of the engine's module or of a base class's, None if there is none."""
        for base in type(self.engine).__mro__:
            function = getattr(sys.modules.get(base.__module__), name, None)
            if callable(function):
                return function
        return None

    # The tree

    def node(self, key: Any) -> Any:
        """The node under a block hash, None where there is none."""
        try:
            return self.engine.block_tree.get(key)
        except TypeError:
            return None  # unhashable: no key of any tree

    def keys_in_order(self) -> list[Any]:
        """All keys, oldest first."""
        return list(self.engine.block_tree)

    def tip(self) -> Any:
        """The best tip's node."""
        return self.engine.best_tip

    def take(self, nodes: Iterable[tuple[Any, Any]], tip: Any, *, replace: bool = False) -> None:
        """Take over another engine's nodes and tip as they are, judging nothing.

        Args:
            nodes: Keys and nodes, parents first.
            tip: The other engine's tip, which need not be the node its tree holds under that hash.
            replace: Whether nodes that are not among `nodes` go.
        """
        tree: dict[Any, Any] = {} if replace else self.engine.block_tree
        taken = {}
        for key, node in nodes:
            tree[key] = taken[id(node)] = self._own(node)
            siblings = getattr(tree.get(node.parent_hash), "children", None)
            if siblings is not None and key not in siblings:
                siblings.append(key)
        self.engine.block_tree = tree
        self.engine.best_tip = taken.get(id(tip)) or self._own_tip(tip)

    def forget(self, key: Any) -> None:
        """Remove a node that the other engine does not have."""
        self.engine.block_tree.pop(key, None)

    def _own_tip(self, tip: Any) -> Any:
        known = self.node(field(tip.block, "block_hash"))
        return known if known is not None and _equal(known, tip) else self._own(tip)

    def _own(self, node: Any) -> Any:
        """Another engine's node as a node of this engine's class."""
        kind = type(self.engine.best_tip)
        names = {f.name for f in dataclasses.fields(kind)} & {f.name for f in dataclasses.fields(node)}
        values = {name: getattr(node, name) for name in names - {"children"}}
        if isinstance(node.block, Mapping) and not isinstance(self.engine.genesis_block, Mapping):
            values["block"] = self._block_object(node.block)
        return kind(**values)

    def _block_object(self, block: Mapping[str, Any], sample: Any = None) -> Any:
        """A block object of this engine made of JSON, after a sample of it or after the genesis."""
        shape = shape_of(self.engine.genesis_block)
        if sample is not None:
            shape = shape_of(sample, shape)
        if not shape.is_plain:
            try:
                return shape.make(block)
            except ShapeError as error:
                raise BrokenEngineError(
                    f"a block of the legacy engine's class cannot be made: {error}"
                ) from error
        make = getattr(type(self.engine.genesis_block), "from_dict", None)
        if make is None:
            raise BrokenEngineError(
                "the legacy engine keeps block objects and its class cannot make one from a dict"
            )
        return make(dict(block))


SCORED = frozenset({"missing_complexity", "no_work", "bad_block_hash", "bad_proof", "bad_tier_size"})
"""Rejects by a rule that asks for the work score, or by one behind it."""
HASHED = frozenset({"bad_block_hash", "bad_proof", "bad_tier_size"})
"""The same of the hash of the content; only the profile `full` has such rules."""
WORK, WORK_AND_HASH, NOTHING_COMPUTED = (
    frozenset({"work"}),
    frozenset({"work", "block_hash"}),
    frozenset[str](),
)


def determined(result: Observation, profile: str) -> frozenset[str]:
    """What of `block_hash` and `work` the rules came to compute before they gave this verdict.

    A malformed block may have broken before: nothing of it is determined.
    """
    reasons = result.reasons
    scored = result.accepted or (reasons and reasons <= SCORED)
    hashed = profile == "full" and (result.accepted or (reasons and reasons <= HASHED))
    if hashed:
        return WORK_AND_HASH
    return WORK if scored else NOTHING_COMPUTED


def without_rate_limit(config: Any) -> Any:
    """A copy of an engine's configuration for catching up, where blocks come faster than from a network."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return dataclasses.replace(config, max_headers_per_second=NO_RATE_LIMIT)
    return config


def _equal(one: Any, other: Any) -> bool:
    return bool(one.cumulative_work == other.cumulative_work and one.receipt_time == other.receipt_time)


def _value_or_none(compute: Any, *args: Any) -> Any:
    try:
        return compute(*args)
    except Exception:
        return None  # where the rules compute no value, none equals none


def _is_printing(cause: BaseException) -> bool:
    """Whether the engine stumbled over printing the block, as the deployed one can: no rule asks for it."""
    return isinstance(cause, UnicodeEncodeError) or (
        isinstance(cause, ValueError) and str(cause).startswith("Exceeds the limit")
    )
