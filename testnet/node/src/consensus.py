"""The legacy consensus engine: judges blocks, keeps the tree of blocks and chooses the best tip.

This engine is the oracle of the network's rules. Every rule is one plain Python expression, and what Python
makes of an odd value is the rule: no type is checked that the rules do not check. It has side effects on
purpose, as the live engine has: the constructor rebuilds the tree from storage, and judging inserts.

Messages of rejects never hold values of the block: printing a lone surrogate or an integer of more than 4300
digits raises, and that would change the reason.
"""

# The two imports of a sibling serve a package and a plain folder; a type checker sees only one of them.
# mypy: disable-error-code="import-not-found, no-redef"

import hashlib
import json
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

try:
    from .pow import (
        TIER_SIZES,
        calculate_block_hash,
        calculate_commitment,
        calculate_work_score,
        verify_subset_sum,
    )
except ImportError:
    from pow import (
        TIER_SIZES,
        calculate_block_hash,
        calculate_commitment,
        calculate_work_score,
        verify_subset_sum,
    )

__all__ = [
    "BlockNode",
    "ConsensusConfig",
    "ConsensusEngine",
    "HeaderValidationError",
    "RevealValidationError",
    "ValidationError",
    "calculate_block_hash",
    "calculate_genesis_hash",
    "calculate_work_score",
]

log = logging.getLogger("coinjecture.consensus")

Block = dict[str, Any]
JsonText = bytes | bytearray | str

REQUIRED_FIELDS = (
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
RATE_WINDOW_S = 1.0


class ValidationError(Exception):
    """A block, a reveal or a configuration is refused."""


class HeaderValidationError(ValidationError):
    """A block is rejected. `reason` is the code of the rule, None where no rule of consensus was broken."""

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class RevealValidationError(ValidationError):
    """A reveal does not fit its commitment, its parent or its proof."""


@dataclass
class ConsensusConfig:
    """Parameters of a network; the same on all of its nodes, but for the rate limit.

    `genesis_timestamp` is in seconds, `max_proof_size_bytes` in bytes, depths in blocks.
    `max_headers_per_second` 0 switches the rate limit off. `genesis_block` is the genesis as a dict; it is
    never validated but for its hash.
    """

    network_id: str = "coinjecture-testnet-v1"
    confirmation_depth: int = 20
    max_reorg_depth: int = 100
    max_headers_per_second: int = 100
    max_proof_size_bytes: int = 10 * 1024 * 1024
    genesis_timestamp: float = 1609459200.0
    genesis_seed: str = "coinjecture_genesis_seed"
    genesis_block: Block | None = None


@dataclass
class BlockNode:
    """A block in the tree, with what was computed when it was inserted.

    `cumulative_work` is the sum over the ancestors as they were then, `receipt_time` is in seconds since the
    epoch.
    """

    block: Block
    parent_hash: Any
    cumulative_work: float
    height: Any
    receipt_time: float


def calculate_genesis_hash(network_id: str, timestamp: float, seed: str) -> str:
    """Hash (hex) of a network's genesis, which is a constant and not the hash of its content."""
    return hashlib.sha256(f"{network_id}_{timestamp}_{seed}_SM".encode()).hexdigest()


def reject(reason: str, message: str) -> HeaderValidationError:
    """Build the exception for a broken rule."""
    return HeaderValidationError(f"{reason}: {message}", reason)


class ConsensusEngine:
    """Judges blocks by the network's rules and keeps their tree.

    `storage` needs `store_work_index(height, int(cumulative), hash)` and `store_tip(hash, int(cumulative))`,
    called in this order after every insertion, and may have `iter_blocks()`, from which the constructor
    rebuilds the tree. What storage raises goes out as it is: it is a failure of the node, never a verdict on
    a block.

    The engine is not thread-safe: the node calls it under one lock.
    """

    def __init__(
        self, config: ConsensusConfig, storage: Any, problem_registry: Any, metrics_engine: Any = None
    ) -> None:
        self.config = config
        self.storage = storage
        self.problem_registry = problem_registry
        self.metrics_engine = metrics_engine
        self.rate_limited = 0
        self._recent_headers: deque[float] = deque()
        self.genesis_block = self._checked_genesis()
        genesis = BlockNode(
            block=self.genesis_block,
            parent_hash=self.genesis_block["previous_hash"],
            cumulative_work=calculate_work_score(self.genesis_block["complexity"]),
            height=self.genesis_block["index"],
            receipt_time=config.genesis_timestamp,
        )
        self.block_tree: dict[Any, BlockNode] = {self.genesis_block["block_hash"]: genesis}
        self.best_tip = genesis
        self._rebuild()

    def _checked_genesis(self) -> Block:
        config = self.config
        if config.genesis_block is None:
            raise ValidationError(
                "no genesis block: set ConsensusConfig.genesis_block to the network's genesis"
            )
        expected = calculate_genesis_hash(config.network_id, config.genesis_timestamp, config.genesis_seed)
        if config.genesis_block["block_hash"] != expected:
            raise ValidationError(
                "genesis block_hash does not fit network_id, genesis_timestamp and genesis_seed: "
                f"expected {expected}; use the genesis of network {config.network_id!r}"
            )
        return config.genesis_block

    def _rebuild(self) -> None:
        """Insert the stored blocks again: rules 1-6, their receipt times, no rate limit, no storage writes.

        Each was accepted once, by one of the two profiles, and rules 1-6 are common to both. A block that is
        not accepted again is left out and logged: it stays in the log, and the node goes on with what it can
        follow.
        """
        if not hasattr(self.storage, "iter_blocks"):
            return
        for row, (raw, received_at) in enumerate(self.storage.iter_blocks()):
            try:
                block = self._parsed(raw)
                self._judge(block, full=False)
                self._insert(block, received_at)
            except HeaderValidationError as error:
                log.error("stored block %d is not accepted again and left out: %s", row, error.reason)

    # Judging

    def validate_header(self, block: Block | JsonText) -> bool:
        """Judge a block by rules 1-6 and insert it. Returns True.

        Raises:
            HeaderValidationError: Rejected, with the code in `reason`.
        """
        return self._accept(block, full=False)

    def verify_block(self, block: Block | JsonText) -> bool:
        """Judge a block by rules 1-9 and insert it. Returns True.

        Raises:
            HeaderValidationError: Rejected, with the code in `reason`.
        """
        return self._accept(block, full=True)

    def _accept(self, block: Block | JsonText, *, full: bool) -> bool:
        self._limit_rate()
        parsed = self._parsed(block)
        self._judge(parsed, full=full)
        height, work = self._insert(parsed, time.time())
        # Both are written for every insertion, whether or not the block became the tip.
        self.storage.store_work_index(height, work, parsed["block_hash"])
        self.storage.store_tip(parsed["block_hash"], work)
        return True

    def _limit_rate(self) -> None:
        """Refuse the Nth header within a second of wall clock. Not a rule of consensus: `reason` is None."""
        if not self.config.max_headers_per_second:
            return
        now = time.time()
        self._recent_headers.append(now)
        while self._recent_headers[0] <= now - RATE_WINDOW_S:
            self._recent_headers.popleft()
        if len(self._recent_headers) >= self.config.max_headers_per_second:
            self.rate_limited += 1
            raise HeaderValidationError("rate limit: too many headers within one second, send it again later")

    def _parsed(self, block: Block | JsonText) -> Block:
        if not isinstance(block, JsonText):
            return block
        try:
            parsed: Block = json.loads(block if isinstance(block, str) else block.decode("utf-8"))
        except Exception as error:
            raise reject("malformed", "the block is no JSON text in UTF-8") from error
        return parsed

    def _judge(self, block: Block, *, full: bool) -> None:
        """Raise the first broken rule; any other exception while evaluating is the reject `malformed`."""
        try:
            for field in REQUIRED_FIELDS:
                if field not in block:
                    raise reject("malformed", f"required field {field} is missing")
            self._check_header(block)
            if full:
                self._check_proof(block)
        except HeaderValidationError:
            raise
        except Exception as error:
            raise reject("malformed", f"evaluating the rules raised {type(error).__name__}") from error

    def _check_header(self, block: Block) -> None:
        """Rules 1-6."""
        if block["index"] > 0:
            if block["previous_hash"] not in self.block_tree:
                raise reject("unknown_parent", "previous_hash is not in the tree")
            parent = self.block_tree[block["previous_hash"]]
            if not block["index"] == parent.height + 1:
                raise reject("bad_height", "index is not the parent's height plus one")
            if block["timestamp"] <= parent.block["timestamp"]:
                raise reject("bad_timestamp", "timestamp is not after the parent's")
        if not block["problem"] or not block["solution"]:
            raise reject("missing_proof", "problem or solution is empty")
        if not block["merkle_root"] or not len(block["merkle_root"]) == 64:
            raise reject("bad_merkle_root", "merkle_root has not the length 64")
        if not block["complexity"]:
            raise reject("missing_complexity", "complexity is empty")
        if calculate_work_score(block["complexity"]) <= 0:
            raise reject("no_work", "work score is not positive")

    def _check_proof(self, block: Block) -> None:
        """Rules 7-9."""
        if not block["block_hash"] == calculate_block_hash(block):
            raise reject("bad_block_hash", "block_hash is not the hash of the content")
        if not verify_subset_sum(block["problem"], block["solution"]):
            raise reject("bad_proof", "solution does not solve the problem")
        low, high = TIER_SIZES[block["mining_capacity"]]
        if not low <= block["problem"].get("size", 0) <= high:
            raise reject("bad_tier_size", "problem size is outside the tier's bounds")

    def _insert(self, block: Block, received_at: float) -> tuple[Any, int]:
        """Put a judged block into the tree and choose the tip. Returns its height and its integer sum.

        A block sent again replaces its node; its children keep the sums they had, and the tip stays the old
        node until it is beaten. A sum that is no finite number is a reject, with the node kept and the tip
        already moved.
        """
        try:
            parent = self.block_tree.get(block["previous_hash"])
            work = calculate_work_score(block["complexity"])
            if parent is not None:
                node = BlockNode(
                    block,
                    block["previous_hash"],
                    parent.cumulative_work + work,
                    parent.height + 1,
                    received_at,
                )
            else:
                node = BlockNode(block, block["previous_hash"], work, block["index"], received_at)
            self.block_tree[block["block_hash"]] = node
            if self._beats_tip(node):
                self.best_tip = node
            return node.height, int(node.cumulative_work)
        except Exception as error:
            raise reject("malformed", f"inserting the block raised {type(error).__name__}") from error

    def _beats_tip(self, node: BlockNode) -> bool:
        tip = self.best_tip
        return node.cumulative_work > tip.cumulative_work or (
            node.cumulative_work == tip.cumulative_work and node.receipt_time < tip.receipt_time
        )

    def validate_reveal(
        self, block: Block, commitment: str, miner_salt: bytes, proof_bundle: bytes | None = None
    ) -> bool:
        """Check that a block reveals what a miner committed to. Returns True; inserts and stores nothing.

        `commitment` is the hex of `pow.calculate_commitment`; `proof_bundle` is evidence of any form, bounded
        in size.

        Raises:
            RevealValidationError: Unknown parent, wrong commitment, wrong proof or a bundle too big.
        """
        try:
            if block["previous_hash"] not in self.block_tree:
                raise RevealValidationError("reveal: previous_hash is not in the tree")
            params = self.problem_registry.encode_params(block["problem"])
            if commitment != calculate_commitment(
                params, miner_salt, block["previous_hash"], block["solution"]
            ):
                raise RevealValidationError("reveal: the commitment does not fit problem, salt and solution")
            if not self.problem_registry.verify(block["problem"], block["solution"]):
                raise RevealValidationError("reveal: the solution does not solve the problem")
            if proof_bundle is not None and len(proof_bundle) > self.config.max_proof_size_bytes:
                raise RevealValidationError("reveal: the proof bundle is larger than max_proof_size_bytes")
        except RevealValidationError:
            raise
        except Exception as error:
            raise RevealValidationError(f"reveal: checking it raised {type(error).__name__}") from error
        return True

    # State

    def handle_reorg(self, new_tip_hash: Any) -> tuple[list[Block], list[Block]]:
        """Move the best tip to a known block. Returns the blocks that left and that joined the best chain.

        Both lists begin just after the common ancestor. Where the block is unknown, shares no ancestor with
        the tip, or more than `max_reorg_depth` blocks would leave, nothing changes and both are empty.
        """
        new_tip = self.block_tree.get(new_tip_hash)
        if new_tip is None:
            return [], []
        old_chain, new_chain = self._chain(self.best_tip), self._chain(new_tip)
        common = 0
        for old, new in zip(old_chain, new_chain, strict=False):
            if old is not new:
                break
            common += 1
        removed, added = old_chain[common:], new_chain[common:]
        if common == 0 or len(removed) > self.config.max_reorg_depth:
            return [], []
        self.best_tip = new_tip
        return [node.block for node in removed], [node.block for node in added]

    def get_best_tip(self) -> Block:
        """Block of the best tip."""
        return self.best_tip.block

    def get_chain_from_genesis(self, tip_hash: Any = None) -> list[Block]:
        """Blocks from the root to a tip, the best one where none is named; empty where the tip is unknown."""
        tip = self.best_tip if tip_hash is None else self.block_tree.get(tip_hash)
        return [] if tip is None else [node.block for node in self._chain(tip)]

    def is_finalized(self, block_hash: Any) -> bool:
        """Whether a known block lies `confirmation_depth` or more below the tip, on whatever branch."""
        node = self.block_tree.get(block_hash)
        return node is not None and bool(self.best_tip.height - node.height >= self.config.confirmation_depth)

    def _chain(self, tip: BlockNode) -> list[BlockNode]:
        """Nodes from the root to `tip`; a replaced node can close a ring, so a node seen before ends it."""
        chain: list[BlockNode] = []
        seen: set[int] = set()
        node: BlockNode | None = tip
        while node is not None and id(node) not in seen:
            seen.add(id(node))
            chain.append(node)
            node = self.block_tree.get(node.parent_hash)
        chain.reverse()
        return chain
