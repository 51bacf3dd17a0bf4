"""An engine of the deployed one's shape: no `verify_block`, block objects with enums, rejects without a code.

The rules are the oracle's; only the shape differs. Loaded by the wrapper's tests in the place of `consensus`.
"""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from testnet.node.src import consensus as oracle
from testnet.node.src.pow import calculate_work_score as score_of_dict


class ValidationError(Exception):
    """Base of the rejects."""


class HeaderValidationError(ValidationError):
    """A reject, without a code."""


class RevealValidationError(ValidationError):
    """A reveal that does not fit."""


class ProblemTier(Enum):
    MOBILE = "mobile"
    DESKTOP = "desktop"


@dataclass
class EnergyMetrics:
    solve_energy_joules: float


@dataclass
class Complexity:
    time_solve_O: str
    time_verify_O: str
    problem_class: str
    problem_size: int
    epsilon_approximation: float | None
    asymmetry_time: float
    asymmetry_space: float
    measured_solve_time: float
    measured_verify_time: float
    measured_solve_space: float
    measured_verify_space: float
    energy_metrics: EnergyMetrics


@dataclass
class Block:
    index: int
    timestamp: float
    previous_hash: str
    transactions: list[Any]
    merkle_root: str
    problem: dict[str, Any]
    solution: list[int]
    complexity: Complexity | None
    mining_capacity: ProblemTier
    cumulative_work_score: float
    block_hash: str
    offchain_cid: str | None = None
    proof_commitment: str | None = None

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Block":
        parts = dict(plain["complexity"])
        parts["energy_metrics"] = EnergyMetrics(parts["energy_metrics"]["solve_energy_joules"])
        known = {name: parts[name] for name in Complexity.__dataclass_fields__}
        rest = {name: plain[name] for name in cls.__dataclass_fields__ if name in plain}
        return cls(
            **rest
            | {"complexity": Complexity(**known), "mining_capacity": ProblemTier(plain["mining_capacity"])}
        )

    def calculate_hash(self) -> str:
        return oracle.calculate_block_hash(asdict(self) | {"mining_capacity": self.mining_capacity.value})


@dataclass
class BlockNode:
    block: Block
    parent_hash: str
    cumulative_work: float
    height: int
    receipt_time: float
    children: list[str] = field(default_factory=list)


def calculate_work_score(complexity: Complexity) -> float:
    return score_of_dict(asdict(complexity))


class ConsensusEngine:
    """Judges headers only; its rate limit looks at the clock after rules 1-3."""

    def __init__(self, config: Any, storage: Any, problem_registry: Any, metrics_engine: Any = None) -> None:
        self.config, self.storage = config, storage
        self.problem_registry, self.metrics_engine = problem_registry, metrics_engine
        self.block_tree: dict[str, BlockNode] = {}
        self.best_tip: BlockNode | None = None
        self._header_timestamps: deque[float] = deque(maxlen=100)
        self.genesis_block = Block.from_dict(config.genesis_block)
        self.storage.store_block(self.genesis_block)
        self._add(self.genesis_block, self.genesis_block.timestamp)

    def validate_header(self, block: Block) -> bool:
        if not self._basic(block):
            raise HeaderValidationError("Basic header validation failed")
        if not block.problem or not block.solution or not block.merkle_root or len(block.merkle_root) != 64:
            raise HeaderValidationError("Commitment validation failed")
        if not block.complexity or calculate_work_score(block.complexity) <= 0:
            raise HeaderValidationError("Difficulty validation failed")
        self._add(block, time.time())
        return True

    def _basic(self, block: Block) -> bool:
        if block.index > 0:
            parent = self.block_tree.get(block.previous_hash)
            if not parent:
                block.previous_hash.encode("utf-8")  # what printing it does
                return False
            if block.index != parent.height + 1 or block.timestamp <= parent.block.timestamp:
                return False
        now = time.time()
        self._header_timestamps.append(now)
        busy = len(self._header_timestamps) >= self.config.max_headers_per_second
        return not (busy and now - self._header_timestamps[0] < 1.0)

    def _add(self, block: Block, receipt_time: float) -> None:
        assert block.complexity
        parent = self.block_tree.get(block.previous_hash)
        work = calculate_work_score(block.complexity)
        node = BlockNode(
            block,
            block.previous_hash,
            parent.cumulative_work + work if parent else work,
            parent.height + 1 if parent else block.index,
            receipt_time,
        )
        self.block_tree[block.block_hash] = node
        if parent:
            parent.children.append(block.block_hash)
        tip = self.best_tip
        if tip is None or (node.cumulative_work, -node.receipt_time) > (
            tip.cumulative_work,
            -tip.receipt_time,
        ):
            self.best_tip = node
        self.storage.store_work_index(node.height, int(node.cumulative_work), block.block_hash)
        self.storage.store_tip(block.block_hash, int(node.cumulative_work))

    def validate_and_process_block(self, block_data: dict[str, Any]) -> dict[str, Any]:
        return {"valid": True, "block": block_data}

    def validate_reveal(self, block: Block, commitment: bytes, *_: Any) -> bool:
        if block.previous_hash not in self.block_tree:
            raise RevealValidationError("Parent block not found")
        self.storage.store_commitment(commitment, block.block_hash)
        return True

    def get_best_tip(self) -> Block:
        assert self.best_tip
        return self.best_tip.block

    def get_chain_from_genesis(self, tip_hash: str | None = None) -> list[Block]:
        assert self.best_tip
        node = self.block_tree.get(tip_hash) if tip_hash else self.best_tip
        chain = []
        while node:
            chain.append(node.block)
            node = self.block_tree.get(node.parent_hash)
        return chain[::-1]

    def is_finalized(self, block_hash: str) -> bool:
        assert self.best_tip
        node = self.block_tree.get(block_hash)
        return node is not None and self.best_tip.height - node.height >= self.config.confirmation_depth

    def handle_reorg(self, new_tip_hash: str) -> tuple[list[Block], list[Block]]:
        old, new = self.get_chain_from_genesis(), self.get_chain_from_genesis(new_tip_hash)
        if not new:
            return [], []
        common = sum(1 for one, other in zip(old, new, strict=False) if one is other)
        self.best_tip = self.block_tree[new_tip_hash]
        return old[common:], new[common:]
