"""The consensus engine of a node, a drop-in for the Python one: same constructor, calls and rejects.

The rules are evaluated in ``coinjecture._core``; here are the blocks, the storage and the shape of the
answers. Two calls that the Python engine does not have, ``judge`` and ``apply``, let a caller compare
verdicts before it acts on one.
"""

from __future__ import annotations

import hashlib
import logging
import time
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

from consensus_surface import (
    REASONS,
    BlockNode,
    ConsensusConfig,
    HeaderValidationError,
    RevealValidationError,
    ValidationError,
)

from . import _core, _settings
from ._core import (
    BudgetExceededError,
    Captured,
    EngineError,
    Judgement,
    OutOfDomainError,
    StaleJudgementError,
)
from ._reject import rejection
from ._reveal import check_reveal
from ._tree import BlockTree, field
from ._types import PROFILES, Profile, Reason

__all__ = [
    "PROFILES",
    "REASONS",
    "BlockNode",
    "BudgetExceededError",
    "Captured",
    "ConsensusConfig",
    "ConsensusEngine",
    "EngineError",
    "HeaderValidationError",
    "Judgement",
    "OutOfDomainError",
    "Profile",
    "Reason",
    "Reorg",
    "RevealValidationError",
    "StaleJudgementError",
    "TreeCopy",
    "ValidationError",
    "build_info",
]

log = logging.getLogger("coinjecture.consensus")


_OLD_NAMES = {
    "BudgetExceeded": BudgetExceededError,
    "OutOfDomain": OutOfDomainError,
    "StaleJudgement": StaleJudgementError,
}
"""Names up to version 4.0."""


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        warnings.warn(f"{__name__}.{name} is named {name}Error now", DeprecationWarning, stacklevel=2)
        return _OLD_NAMES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Reorg(NamedTuple):
    """What a reorganisation changed.

    Attributes:
        removed: Blocks that left the best chain, oldest first.
        added: Blocks that joined it, oldest first.
    """

    removed: list[Any]
    added: list[Any]


class TreeCopy(NamedTuple):
    """A tree as another engine can take it over.

    Attributes:
        nodes: Every key with its node, in the order they first came.
        tip: The best tip's node.
    """

    nodes: list[tuple[Any, BlockNode]]
    tip: BlockNode


def build_info() -> _core.BuildInfo:
    """What the native module is: ``version``, ``profile``, ``features`` and ``target``."""
    return _core.build_info()


def _genesis_hash(config: Any) -> str:
    text = f"{config.network_id}_{config.genesis_timestamp}_{config.genesis_seed}_SM"
    return hashlib.sha256(text.encode()).hexdigest()


class ConsensusEngine:
    """Judges blocks by the network's rules and keeps their tree.

    Not thread-safe, like the engine it stands in for: the node calls it under one lock.

    Args:
        config: The network's constants, a ``ConsensusConfig`` or the legacy module's own.
        storage: Takes ``store_work_index`` and ``store_tip`` after every insertion, and may have
            ``iter_blocks``, from which the tree is rebuilt here. What it raises goes out as it is: never a
            verdict.
        problem_registry: Asked by ``validate_reveal`` only.
        metrics_engine: Kept for the node; nothing here uses it.

    Raises:
        ValidationError: The configuration has no genesis, or one that does not fit its network.
        ValueError: The settings file is damaged.
    """

    def __init__(self, config: Any, storage: Any, problem_registry: Any, metrics_engine: Any = None) -> None:
        self.config = config
        self.storage = storage
        self.problem_registry = problem_registry
        self.metrics_engine = metrics_engine
        self._settings = _settings.load()
        self._pinned = self._settings.pin_profile
        self.genesis_block = self._checked_genesis()
        self._tree = self._tree_of_genesis()
        self._rebuild()

    def __repr__(self) -> str:
        network = getattr(self.config, "network_id", None)
        height = self._tree.core.tip().height
        return f"<ConsensusEngine network={network!r} blocks={len(self._tree)} tip_height={height}>"

    def _checked_genesis(self) -> Any:
        genesis = getattr(self.config, "genesis_block", None)
        if genesis is None:
            raise ValidationError(
                "no genesis block: set ConsensusConfig.genesis_block to the network's genesis"
            )
        expected = _genesis_hash(self.config)
        if field(genesis, "block_hash") != expected:
            raise ValidationError(
                "genesis block_hash does not fit network_id, genesis_timestamp and genesis_seed: "
                f"expected {expected}; use the genesis of network {self.config.network_id!r}"
            )
        return genesis

    def _tree_of_genesis(self) -> BlockTree:
        received_at = float(self.config.genesis_timestamp)
        core = _core.Engine(self.genesis_block, received_at, work_budget=self._settings.work_budget)
        return BlockTree(core, self.genesis_block)

    def _rebuild(self) -> None:
        """Insert the stored blocks again: rules 1-6, their receipt times, no storage writes.

        Each was accepted once, by one of the two profiles, and rules 1-6 are common to both. A block that
        is not accepted again is left out and logged: it stays in the log, and the node goes on with what it
        can follow.
        """
        if not hasattr(self.storage, "iter_blocks"):
            return
        for row, verdict in enumerate(self._tree.take_log(self.storage.iter_blocks(), "header")):
            if isinstance(verdict, OutOfDomainError):
                log.error("stored block %d is left out: %s", row, verdict)
            elif isinstance(verdict, EngineError):
                raise verdict
            elif verdict.reason is not None:
                log.error("stored block %d is not accepted again and left out: %s", row, verdict.reason)

    # Judging

    def validate_header(self, block: Any) -> bool:
        """Judge a block by rules 1-6 and insert it. Returns True.

        Raises:
            HeaderValidationError: Rejected; ``reason`` is the code, ``value`` breaks the rule's ``limit``.
            EngineError: The engine failed; there is no verdict.
        """
        return self._accept(block, "header")

    def verify_block(self, block: Any) -> bool:
        """Judge a block by rules 1-9 and insert it. Returns True.

        Raises:
            HeaderValidationError: Rejected; ``reason`` is the code, ``value`` breaks the rule's ``limit``.
            EngineError: The engine failed; there is no verdict.
        """
        return self._accept(block, "full")

    def _accept(self, block: Any, profile: Profile) -> bool:
        try:
            reason, _, key, height, work, broken = self._tree.take(
                block, time.time(), self._pinned or profile
            )
        except OutOfDomainError as error:
            # Nobody else is left to judge it.
            raise HeaderValidationError(f"malformed: {error}", "malformed") from error
        if reason is not None:
            raise rejection(reason, *broken) if broken else rejection(reason)
        self.storage.store_work_index(height, work, key)
        self.storage.store_tip(key, work)
        return True

    def capture(self, block: Any) -> Captured:
        """Take over a block once. What is no block becomes one that every profile rejects as malformed."""
        return _core.capture(block, total=True)

    def judge(self, captured: Captured, received_at: float, profile: Profile) -> Judgement:
        """Judge a captured block by a profile, ``header`` or ``full``. Changes nothing.

        Raises:
            OutOfDomainError, BudgetExceededError, EngineError: There is no verdict.
        """
        return self._tree.core.judge(captured, received_at, profile)

    def apply(self, judgement: Judgement, block: Any) -> None:
        """Put a judgement into the tree and keep its block; no storage write.

        Raises:
            StaleJudgementError: The tree changed since the judgement.
        """
        self._tree.apply(judgement, block)

    def write_effects(self, judgement: Judgement, storage: Any) -> None:
        """Carry out the two storage writes of an accepted block; of a reject there are none."""
        if judgement.accepted and judgement.cumulative is not None:
            work = int(judgement.cumulative)
            storage.store_work_index(judgement.height, work, judgement.block_hash)
            storage.store_tip(judgement.block_hash, work)

    def validate_reveal(
        self, block: Any, commitment: str, miner_salt: bytes, proof_bundle: bytes | None = None
    ) -> bool:
        """Check that a block reveals what its miner committed to. Returns True; inserts and stores nothing.

        Raises:
            RevealValidationError: Unknown parent, wrong commitment, wrong proof or a bundle too big.
        """
        try:
            fields = {name: field(block, name) for name in ("previous_hash", "problem", "solution")}
            check_reveal(
                fields,
                commitment,
                miner_salt,
                proof_bundle,
                known_parent=fields["previous_hash"] in self._tree,
                registry=self.problem_registry,
                max_bundle_bytes=self.config.max_proof_size_bytes,
            )
        except RevealValidationError:
            raise
        except Exception as error:
            raise RevealValidationError(f"reveal: checking it raised {type(error).__name__}") from error
        return True

    # State

    @property
    def block_tree(self) -> BlockTree:
        """Mapping of block hashes to ``BlockNode``, read-only."""
        return self._tree

    @property
    def best_tip(self) -> BlockNode:
        """Node of the best tip."""
        return self._tree.tip

    def get_best_tip(self) -> Any:
        """Block of the best tip."""
        return self._tree.tip.block

    def get_chain_from_genesis(self, tip_hash: Any = None) -> list[Any]:
        """Blocks from the root to a tip, the best one where none is named; empty where the tip is unknown."""
        chain = self._tree.tip_chain() if tip_hash is None else self._tree.chain(tip_hash)
        return [block for _, block in chain]

    def is_finalized(self, block_hash: Any) -> bool:
        """Whether a known block lies ``confirmation_depth`` or more below the tip, on whatever branch."""
        return self._tree.core.is_finalized(block_hash, self.config.confirmation_depth)

    def handle_reorg(self, new_tip_hash: Any) -> Reorg:
        """Move the best tip to a known block. Returns the blocks that left and that joined the best chain.

        Both lists begin just after the common ancestor. Where the block is unknown, shares no ancestor with
        the tip, or more than ``max_reorg_depth`` blocks would leave, nothing changes and both are empty.
        """
        new_chain, old_chain = self._tree.chain(new_tip_hash), self._tree.tip_chain()
        common = 0
        for (old, _), (new, _) in zip(old_chain, new_chain, strict=False):
            if old != new:
                break
            common += 1
        removed, added = old_chain[common:], new_chain[common:]
        if common == 0 or len(removed) > self.config.max_reorg_depth:
            return Reorg([], [])
        self._tree.set_tip(self._tree[new_tip_hash])
        return Reorg([block for _, block in removed], [block for _, block in added])

    # Copying a tree

    def export_tree(self) -> TreeCopy:
        """Every key with its node, in the order they first came, and the tip's node."""
        return TreeCopy(list(self._tree.items()), self._tree.tip)

    def import_tree(self, nodes: Iterable[tuple[Any, Any]], tip: Any, *, replace: bool = True) -> None:
        """Take over nodes and the tip's node as another engine has them, judging nothing.

        Args:
            nodes: Keys with their nodes, of any class with the attributes of ``BlockNode``.
            tip: The tip's node, in the tree or replaced there.
            replace: Forget the nodes that were here (the genesis stays); else keep them.

        Raises:
            EngineError: A node cannot be taken over. With ``replace`` the tree stays as it was.
        """
        if not replace:
            self._tree.fill(nodes, tip)
            return
        tree = self._tree_of_genesis()
        tree.fill(nodes, tip)
        self._tree = tree

    def build_info(self) -> _core.BuildInfo:
        """What the native module is."""
        return build_info()
