"""The consensus engine of this node: judges headers, keeps the tree in memory, prints what it does.

The rules are 1 to 6 of the network's; everything else is the shape of the deployed engine: block objects, a
genesis that it makes itself through the content store, three texts for its rejects, and no way to rebuild
the tree after a restart.
"""

import hashlib
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from blocks import Block, Complexity, EnergyMetrics, MiningCapacity
from work import calculate_work_score


class ValidationError(Exception):
    """Base of the rejects."""


class HeaderValidationError(ValidationError):
    """A header is rejected; the text tells the group of rules and no more."""


class RevealValidationError(ValidationError):
    """A reveal does not fit."""


@dataclass
class ConsensusConfig:
    """What a network fixes. There is no genesis in it."""

    network_id: str = "coinjecture-testnet-v1"
    confirmation_depth: int = 20
    max_reorg_depth: int = 100
    max_headers_per_second: int = 100
    max_proof_size_bytes: int = 10 * 1024 * 1024
    genesis_timestamp: float = 1609459200.0
    genesis_seed: str = "coinjecture_genesis_seed"


@dataclass
class BlockNode:
    """A block in the tree."""

    block: Block
    parent_hash: str
    cumulative_work: float
    height: int
    receipt_time: float
    children: list[str] = field(default_factory=list)


class ConsensusEngine:
    """Judges headers and chooses the best tip."""

    def __init__(
        self, config: ConsensusConfig, storage: Any, problem_registry: Any, metrics_engine: Any = None
    ) -> None:
        self.config, self.storage = config, storage
        self.problem_registry, self.metrics_engine = problem_registry, metrics_engine
        self.block_tree: dict[str, BlockNode] = {}
        self.best_tip: BlockNode | None = None
        self._header_timestamps: deque[float] = deque(maxlen=max(config.max_headers_per_second, 1))
        self.genesis_block = self._load_or_make_genesis()
        self._add_block_to_tree(self.genesis_block, self.genesis_block.timestamp)

    def _load_or_make_genesis(self) -> Block:
        config = self.config
        name = f"{config.network_id}_{config.genesis_timestamp}_{config.genesis_seed}_SM"
        block_hash = hashlib.sha256(name.encode()).hexdigest()
        stored: Block | None = self.storage.get_block(block_hash)
        return stored or self._make_genesis(block_hash)

    def _make_genesis(self, block_hash: str) -> Block:
        """The genesis: a solved problem like any block's, its proof in the content store."""
        if not self.storage.ipfs_client.health_check():
            raise RuntimeError("content store is not healthy")
        numbers = [1, 2, 4, 8, 16, 32, 64, 128]
        problem = {"type": "subset_sum", "numbers": numbers, "target": 255, "size": 8}
        bundle = json.dumps({"problem": problem, "solution": numbers}).encode()
        cid = self.storage.store_proof_bundle(bundle)
        if not cid:
            raise RuntimeError("No CID returned")
        complexity = Complexity(
            "O(2^n)", "O(n)", "NP-Complete", 8, 0.001, 0.0001, 1024, 256, EnergyMetrics(0.1, 0.001),
            asymmetry_time=32.0, asymmetry_space=4.0,
        )  # fmt: skip
        print(f"genesis made, proof at {cid}")
        return Block(
            0, self.config.genesis_timestamp, "0" * 64, [], "0" * 64, problem, numbers, complexity,
            MiningCapacity.MOBILE, 0.0, block_hash, offchain_cid=cid,
        )  # fmt: skip

    def validate_header(self, header: Block) -> bool:
        """Judge a header by rules 1 to 6 and insert it. Returns True; raises on a reject."""
        if not self._validate_basic(header):
            raise HeaderValidationError("Basic header validation failed")
        if not self._validate_commitment(header):
            raise HeaderValidationError("Commitment validation failed")
        if not self._validate_difficulty(header):
            raise HeaderValidationError("Difficulty validation failed")
        self._add_block_to_tree(header, time.time())
        print(f"header {header.block_hash[:16]} accepted at height {header.index}")
        return True

    def _validate_basic(self, header: Block) -> bool:
        if header.index > 0:
            if header.previous_hash not in self.block_tree:
                print(f"parent {header.previous_hash} of block {header.index} is not known")
                return False
            parent = self.block_tree[header.previous_hash]
            if header.index != parent.height + 1:
                print(f"height {header.index} after {parent.height}")
                return False
            if header.timestamp <= parent.block.timestamp:
                print(f"time {header.timestamp} is not after {parent.block.timestamp}")
                return False
        now = time.time()
        self._header_timestamps.append(now)
        full = len(self._header_timestamps) >= self.config.max_headers_per_second > 0
        return not (full and now - self._header_timestamps[0] < 1.0)

    @staticmethod
    def _validate_commitment(header: Block) -> bool:
        if not header.problem or not header.solution:
            return False
        return bool(header.merkle_root) and len(header.merkle_root) == 64

    @staticmethod
    def _validate_difficulty(header: Block) -> bool:
        if not header.complexity:
            return False
        return not calculate_work_score(header.complexity) <= 0

    def _add_block_to_tree(self, block: Block, receipt_time: float) -> None:
        """Put a block into the tree, judging nothing. The consensus service calls it too, at its start."""
        parent = self.block_tree.get(block.previous_hash)
        assert block.complexity is not None
        work = calculate_work_score(block.complexity)
        cumulative = parent.cumulative_work + work if parent else work
        height = parent.height + 1 if parent else block.index
        node = BlockNode(block, block.previous_hash, cumulative, height, receipt_time)
        self.block_tree[block.block_hash] = node
        if parent:
            parent.children.append(block.block_hash)
        tip = self.best_tip
        if (
            tip is None
            or cumulative > tip.cumulative_work
            or (cumulative == tip.cumulative_work and receipt_time < tip.receipt_time)
        ):
            self.best_tip = node
        self.storage.store_work_index(height, int(cumulative), block.block_hash)
        self.storage.store_tip(block.block_hash, int(cumulative))

    def validate_and_process_block(self, block_data: dict[str, Any]) -> dict[str, Any]:
        """By other rules: gas and rewards of a block that the API hands over."""
        return {"valid": bool(block_data), "gas_used": 21_000, "reward": 50.0}

    def validate_reveal(
        self, block: Block, commitment: bytes, miner_salt: bytes, proof_bundle: bytes | None = None
    ) -> bool:
        """Check a reveal; the commitment is bytes and its epoch comes from the block's time."""
        if block.previous_hash not in self.block_tree:
            raise RevealValidationError("Parent block not found")
        epoch = int(block.timestamp // 3600).to_bytes(8, "big")
        params = self.problem_registry.encode_params(block.problem)
        solution = json.dumps(block.solution).encode()
        made = hashlib.sha256(params + miner_salt + epoch + hashlib.sha256(solution).digest()).digest()
        if made != commitment:
            raise RevealValidationError("Commitment does not match")
        if proof_bundle is not None and len(proof_bundle) > self.config.max_proof_size_bytes:
            raise RevealValidationError("Proof bundle too large")
        self.storage.store_commitment(commitment, block.block_hash)
        return True

    def get_best_tip(self) -> Block:
        """Block of the best tip."""
        assert self.best_tip is not None
        return self.best_tip.block

    def get_chain_from_genesis(self, tip_hash: str | None = None) -> list[Block]:
        """Blocks from the root to a tip."""
        node = self.block_tree.get(tip_hash) if tip_hash else self.best_tip
        chain = []
        while node is not None:
            chain.append(node.block)
            node = self.block_tree.get(node.parent_hash)
        return chain[::-1]

    def is_finalized(self, block_hash: str) -> bool:
        """Whether a block lies deep enough."""
        assert self.best_tip is not None
        node = self.block_tree.get(block_hash)
        return node is not None and self.best_tip.height - node.height >= self.config.confirmation_depth

    def handle_reorg(self, new_tip_hash: str) -> tuple[list[Block], list[Block]]:
        """Move the tip. Returns the blocks that left and those that joined."""
        if new_tip_hash not in self.block_tree:
            return [], []
        old, new = self.get_chain_from_genesis(), self.get_chain_from_genesis(new_tip_hash)
        common = 0
        for one, other in zip(old, new, strict=False):
            if one is not other:
                break
            common += 1
        if len(old) - common > self.config.max_reorg_depth:
            return [], []
        self.best_tip = self.block_tree[new_tip_hash]
        return old[common:], new[common:]
