"""Keeping two engines' trees in sync: comparing node by node, and copying what one of them lacks."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from coinjecture_migration.engines.observation import as_text, same

log = logging.getLogger("coinjecture.migration")

MANY_KEYS = 10_000
"""A follower that lacks more blocks than this gets the whole tree."""


class Tree(Protocol):
    """An engine seen as a tree of nodes."""

    name: str

    def node(self, key: Any) -> Any:
        """The node under a key, or None."""

    def keys_in_order(self) -> list[Any]:
        """All keys, oldest first."""

    def tip(self) -> Any:
        """The best tip's node."""

    def take(self, nodes: Iterable[tuple[Any, Any]], tip: Any, *, replace: bool = False) -> None:
        """Take over nodes and tip."""

    def forget(self, key: Any) -> None:
        """Remove a node."""


class TreeSync:
    """What the engine that did not answer lacks, from a divergence, error or skip until it has caught up.

    Not thread-safe: used under the judging lock.

    Attributes:
        follower: The engine that is behind (`legacy` or `rust`), None where neither is.
        suspended: The trees differ on purpose (`on_divergence: rust`) and stay so until the mode changes.
    """

    def __init__(self, follower: str | None = None) -> None:
        self.follower = follower
        self.suspended = False
        self._keys: dict[int, Any] = {}
        self._everything = follower is not None
        self._failures = 0
        self._calls_to_wait = 0

    @property
    def in_sync(self) -> bool:
        """Whether both trees are alike, so that the engines can be compared."""
        return self.follower is None and not self.suspended

    def note(self, follower: str, key: Any) -> None:
        """The follower did not go along with the last call, which was about the block under `key`."""
        if self.follower not in (None, follower):
            self._everything = True
        self.follower = follower
        self._keys[id(key)] = key
        self._everything |= len(self._keys) > MANY_KEYS

    def note_everything(self, follower: str) -> None:
        """The follower's tree is not to be trusted at all."""
        self.follower = follower
        self._everything = True

    def catch_up(self, source: Tree, follower: Tree) -> bool:
        """Copy what is missing. Returns whether the follower has caught up.

        After a failure it tries again after 1, 2, 4 ... 1024 calls, so that a broken engine costs little.
        """
        if self.follower is None:
            return True
        if self._calls_to_wait > 0:
            self._calls_to_wait -= 1
            return False
        try:
            if self._everything:
                copy_everything(source, follower)
            else:
                copy_keys(source, follower, self._keys.values())
        except Exception as error:
            self._everything = True
            self._calls_to_wait = 2 ** min(self._failures, 10)
            self._failures += 1
            log.warning("the %s engine is not in sync yet: %r", follower.name, error)
            return False
        self.follower, self._everything, self._failures = None, False, 0
        self._keys.clear()
        return True


def copy_keys(source: Tree, follower: Tree, keys: Iterable[Any]) -> None:
    """Make the follower's nodes under some keys, and its tip, those of the source."""
    changed = []
    for key in keys:
        node = source.node(key)
        if node is None:
            follower.forget(key)
        elif not _identical(node, follower.node(key)):
            changed.append((key, node))
    if changed or not _identical(source.tip(), follower.tip()):
        follower.take(changed, source.tip())


def copy_everything(source: Tree, follower: Tree) -> None:
    """Make the follower's tree and tip those of the source."""
    follower.take(((key, source.node(key)) for key in source.keys_in_order()), source.tip(), replace=True)


@dataclass
class Comparison:
    """What came out of comparing a rebuilt tree with the running engine's.

    Attributes:
        differences: What the log should have made equal and did not; each a sentence. A divergence.
        to_copy: Keys of nodes that the log cannot contain.
    """

    differences: list[str] = field(default_factory=list)
    to_copy: list[Any] = field(default_factory=list)


def compare_trees(
    rebuilt: Tree,
    running: Tree,
    *,
    skip: Callable[[Any], bool],
    logged: Callable[[set[Any]], Iterator[Any]],
) -> Comparison:
    """Compare node by node.

    Args:
        rebuilt: The tree that was made from the log.
        running: The tree of the engine that is answering.
        skip: Whether a key changed since the comparison began, and is copied later.
        logged: Which of some keys the log contains as blocks that the rebuilt engine could judge.
    """
    result, missing, known = Comparison(), set[Any](), set[Any]()
    for key in running.keys_in_order():
        known.add(key)
        theirs, ours = running.node(key), rebuilt.node(key)
        if skip(key) or theirs is None:
            continue
        if not math.isfinite(theirs.cumulative_work):
            result.to_copy.append(key)  # rejected after it was inserted: never in the log
        elif ours is None:
            missing.add(key)
        elif kinds := _differing(ours, theirs):
            result.differences.append(
                f"block {as_text(key)}: {rebuilt.name} rebuilt another {', '.join(kinds)}"
            )
        elif not _identical(ours, theirs):
            result.to_copy.append(key)
    for key in rebuilt.keys_in_order():
        if key not in known and not skip(key):
            result.differences.append(f"block {as_text(key)}: {_only_there(rebuilt, running, key)}")
    _sort_missing(result, running, missing, set(logged(missing)) if missing else set(), rebuilt.name)
    return result


def _only_there(rebuilt: Tree, running: Tree, key: Any) -> str:
    """Why a block is in the rebuilt tree alone, in words."""
    if rebuilt.node(rebuilt.node(key).parent_hash) is not None:
        return f"only {rebuilt.name} accepts it from the log"
    began = next(iter(running.keys_in_order()), None)
    return (
        f"{rebuilt.name} begins at it, the genesis, and {running.name} at {as_text(began)}:"
        " this node has taken another block, perhaps a peer's newest, for its first one"
    )


def _sort_missing(result: Comparison, running: Tree, missing: set[Any], in_log: set[Any], name: str) -> None:
    """Copy what the log lacks and what stands on it; the rest was refused, and that is a difference."""
    copied: set[Any] = set()
    for key in running.keys_in_order():
        if key not in missing:
            continue
        if key not in in_log or running.node(key).parent_hash in copied:
            copied.add(key)
            result.to_copy.append(key)
        else:
            result.differences.append(f"block {as_text(key)}: {name} refuses it from the log")


def tips_agree(one: Tree, other: Tree) -> bool:
    """Whether two engines stand on the same tip with the same sum."""
    return not _differing(one.tip(), other.tip())


def _differing(ours: Any, theirs: Any) -> list[str]:
    pairs = {
        "parent": (ours.parent_hash, theirs.parent_hash),
        "height": (ours.height, theirs.height),
        "cumulative": (ours.cumulative_work, theirs.cumulative_work),
    }
    return [kind for kind, (one, other) in pairs.items() if not same(one, other)]


def _identical(one: Any, other: Any) -> bool:
    return other is not None and not _differing(one, other) and same(one.receipt_time, other.receipt_time)
