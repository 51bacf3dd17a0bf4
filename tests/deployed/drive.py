"""Drive the wrapper as a program of the deployed node's folder would: the node's own blocks, genesis and
storage.

    python drive.py SEED COUNT MODE...

Run in the node's working directory. The wrapper starts in the mode that its file says, then goes into each
MODE; in every mode COUNT blocks are judged, valid ones and mutants, and each answer is held against a bare
engine beside it. What that one has made of them is kept for the next process, and what the node has seen of
its tree: it must see the same again. Prints one JSON object.
"""

import copy
import dataclasses
import importlib.util
import io
import json
import logging
import pickle
import random
import sys
from contextlib import redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

SOURCE = Path("src").resolve()
sys.path.insert(0, str(SOURCE))

import coinjecture.consensus  # noqa: E402  the node's own package, as any program of this folder may import it
from blocks import Block, MiningCapacity  # noqa: E402
from consensus_wrapper import ConsensusConfig, DualRunConsensus, ValidationError  # noqa: E402
from storage import StorageManager  # noqa: E402


class Registry:
    """The problems, as far as an engine asks for them."""

    def encode_params(self, problem: dict[str, Any]) -> bytes:
        """The parameters of a problem as bytes."""
        return json.dumps(problem, sort_keys=True).encode()

    def verify(self, problem: dict[str, Any], solution: list[int]) -> bool:
        """Whether a solution solves its problem."""
        return sum(solution) == problem["target"]


def bare_engine(folder: str) -> Any:
    """The node's engine as it is, in a module of its own, on a storage of its own."""
    spec = importlib.util.spec_from_file_location("bare_consensus", SOURCE / "consensus.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bare_consensus"] = module
    spec.loader.exec_module(module)
    config = module.ConsensusConfig(max_headers_per_second=10**6)
    return module.ConsensusEngine(config, StorageManager(folder), Registry())


MUTANTS: dict[str, Any] = {
    "none": lambda b, r: None,
    "text capacity": lambda b, r: setattr(b, "mining_capacity", "mobile"),
    "unknown parent": lambda b, r: setattr(b, "previous_hash", f"{r.getrandbits(256):064x}"),
    "height": lambda b, r: setattr(b, "index", b.index + r.choice((-1, 1, 7))),
    "old": lambda b, r: setattr(b, "timestamp", 0.0),
    "nan time": lambda b, r: setattr(b, "timestamp", float("nan")),
    "no solution": lambda b, r: setattr(b, "solution", []),
    "short root": lambda b, r: setattr(b, "merkle_root", "ab"),
    "root of another type": lambda b, r: setattr(b, "merkle_root", 7),
    "no complexity": lambda b, r: setattr(b, "complexity", None),
    "no work": lambda b, r: setattr(b.complexity, "measured_solve_time", 0.0),
    "nan work": lambda b, r: setattr(b.complexity, "measured_solve_time", float("nan")),
    "time of another type": lambda b, r: setattr(b, "timestamp", "later"),
    "solve time of another type": lambda b, r: setattr(b.complexity, "measured_solve_time", "long"),
    "unknown capacity": lambda b, r: setattr(b, "mining_capacity", "abacus"),
    "other form": lambda b, r: setattr(
        b.complexity, "time_solve_O", r.choice(("O(n^1.5)", "O(log n)", "O(x)"))
    ),
    "class": lambda b, r: setattr(b.complexity, "problem_class", r.choice(("P", "EXPTIME", "none"))),
    "not sealed": lambda b, r: setattr(b, "block_hash", f"{r.getrandbits(256):064x}"),
}


MUTANTS |= {
    "cities": lambda b, r: b.problem.update(cities=[(r.random(), r.random()) for _ in range(5)]),
    "transactions": lambda b, r: setattr(b, "transactions", [("from", "to", 5)]),
    "lost its space": lambda b, r: delattr(b.complexity, "measured_verify_space"),
    "lost its joules": lambda b, r: delattr(b.complexity.energy_metrics, "solve_energy_joules"),
    "lost its form": lambda b, r: delattr(b.complexity, "time_verify_O"),
}
OUTSIDE: dict[str, Any] = {
    "tuple": lambda b, r: setattr(b, "solution", tuple(b.solution)),
    "set": lambda b, r: setattr(b, "transactions", [{1, 2}]),
    "decimal": lambda b, r: setattr(b, "offchain_cid", Decimal("1.5")),
    "no such attribute": lambda b, r: delattr(b, "cumulative_work_score"),
    "no longer read": lambda b, r: delattr(b, "transactions"),
    "deep": lambda b, r: b.problem.update(more=nested(63)),
    "size of no number": lambda b, r: setattr(b.complexity, "problem_size", float("nan")),
    "size far below zero": lambda b, r: setattr(b.complexity, "problem_size", -r.randrange(5000, 10**6)),
    "size without end": lambda b, r: setattr(b.complexity, "problem_size", float("-inf")),
}
"""Blocks outside the parity domain: the answer is the node's own engine's, and a clean reject in `final`."""
KEPT = Path("between.pickle")
"""What this process leaves for the next one, which nothing but this file reads."""


def nested(levels: int) -> list[Any]:
    """Lists in lists."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def told(value: Any) -> Any:
    """A value of a block with all of its attributes; `repr` stumbles over one that was deleted."""
    return {n: told(v) for n, v in vars(value).items()} if dataclasses.is_dataclass(value) else value


class Driver:
    """Makes blocks and compares what the wrapper and the bare engine make of them."""

    def __init__(self, seed: int, engine: DualRunConsensus, bare: Any) -> None:
        self.rng, self.engine, self.bare = random.Random(seed), engine, bare
        self.wrong: list[str] = []
        self.accepted = self.rejected = self.outside = 0
        self._hashes = [engine.genesis_block.block_hash]
        if KEPT.exists():
            bare.block_tree, bare.best_tip, self._hashes, before = pickle.loads(KEPT.read_bytes())
            if self.seen() != before:
                self.wrong.append(f"{engine.mode.value}: another tree than before the restart")

    def seen(self) -> list[str]:
        """All that the node can see of its tree."""
        tree, tip = self.engine.block_tree, self.engine.best_tip
        nodes = [(key, tree[key]) for key in tree] + [("tip", tip)]
        return [
            repr((key, n.parent_hash, n.height, n.cumulative_work, n.receipt_time, told(n.block)))
            for key, n in nodes
        ]

    def leave(self) -> None:
        """Keep what the next process must find."""
        kept = (self.bare.block_tree, self.bare.best_tip, self._hashes, self.seen())
        KEPT.write_bytes(pickle.dumps(kept))

    def block(self) -> Block:
        """A valid block on the tip, or now and then on an older one."""
        tree, tip = self.bare.block_tree, self.bare.get_best_tip()
        if self.rng.random() < 0.15:
            tip = tree[self.rng.choice(self._hashes[-6:])].block
        parent = tree[tip.block_hash]
        numbers = [self.rng.randrange(1, 999) for _ in range(8)]
        block = copy.deepcopy(self.bare.genesis_block)
        block.index, block.previous_hash = parent.height + 1, tip.block_hash
        before = tip.timestamp if tip.timestamp == tip.timestamp else 1_700_000_000.0
        block.timestamp = before + self.rng.uniform(0.1, 9.0)
        block.problem = {"type": "subset_sum", "numbers": numbers, "target": sum(numbers), "size": 8}
        block.solution = numbers
        block.complexity.measured_solve_time = self.rng.uniform(0.001, 1.0)
        block.complexity.energy_metrics.solve_energy_joules = self.rng.uniform(0.1, 50.0)
        block.mining_capacity = MiningCapacity.MOBILE
        block.block_hash = block.calculate_hash()
        return block

    def _answer(self, engine: Any, block: Block) -> str:
        try:
            return str(engine.validate_header(block))
        except (ValidationError, sys.modules["bare_consensus"].ValidationError):
            return "rejected"
        except Exception as error:
            return f"rejected ({type(error).__name__})" if engine is self.bare else f"raised {error!r}"

    def judge(self, count: int) -> None:
        """Let both judge some blocks."""
        for _ in range(count):
            chance = self.rng.random()
            kind = "none" if chance < 0.5 else self.rng.choice(list(MUTANTS))
            block = self.block()
            if chance > 0.95:
                self._judge_outside(block)
                continue
            MUTANTS[kind](block, self.rng)
            ours, theirs = copy.deepcopy(block), copy.deepcopy(block)
            said, expected = self._answer(self.engine, ours), self._answer(self.bare, theirs)
            if said.split(" ")[0] != expected.split(" ")[0]:
                self.wrong.append(f"{self.engine.mode.value}: {kind}: {said}, not {expected}")
            if expected == "True":
                self.accepted += 1
                self._hashes.append(block.block_hash)
            else:
                self.rejected += 1
            self.read(kind)
            if self.rng.random() < 0.05:
                self._reorg()

    def _reorg(self) -> None:
        """Move the tip to a block among the newest."""
        key = self.rng.choice(self._hashes[-8:])
        moved = [
            [[block.block_hash for block in blocks] for blocks in engine.handle_reorg(key)]
            for engine in (self.engine, self.bare)
        ]
        if moved[0] != moved[1]:
            self.wrong.append(f"{self.engine.mode.value}: reorg: {moved[0]}, not {moved[1]}")
        self.read("reorg")

    def _judge_outside(self, block: Block) -> None:
        """One that only the node's own engine can judge."""
        kind = self.rng.choice(list(OUTSIDE))
        OUTSIDE[kind](block, self.rng)
        self.outside += 1
        final = self.engine.mode.value == "final"
        expected = "rejected" if final else self._answer(self.bare, copy.deepcopy(block))
        said = self._answer(self.engine, block)
        if said.split(" ")[0] != expected.split(" ")[0]:
            self.wrong.append(f"{self.engine.mode.value}: {kind}: {said}, not {expected}")
        if expected == "True":
            self._hashes.append(block.block_hash)
        self.read(kind)

    def read(self, kind: str) -> None:
        """Whatever node.py, the API and the miners touch of a tip is an attribute."""
        tip, expected = self.engine.get_best_tip(), self.bare.get_best_tip()
        try:
            seen = (
                tip.block_hash,
                tip.index,
                tip.timestamp,
                tip.complexity.measured_solve_time,
                tip.mining_capacity,
            )
            same = repr(seen) == repr((
                expected.block_hash, expected.index, expected.timestamp,
                expected.complexity.measured_solve_time, expected.mining_capacity,
            ))  # fmt: skip
        except AttributeError as error:
            self.wrong.append(f"{self.engine.mode.value}: {kind}: tip has no attribute: {error}")
            return
        if not same:
            self.wrong.append(f"{self.engine.mode.value}: {kind}: tip {seen}")

    def read_all(self) -> None:
        """Genesis, chain and tree too."""
        genesis = self.engine.genesis_block
        chain = self.engine.get_chain_from_genesis()
        for block in (
            genesis,
            *chain,
            *(self.engine.block_tree[h].block for h in list(self.engine.block_tree)),
        ):
            if not isinstance(block, Block):
                self.wrong.append(f"{self.engine.mode.value}: a {type(block).__name__} among the blocks")
                return
        if [b.block_hash for b in chain] != [b.block_hash for b in self.bare.get_chain_from_genesis()]:
            self.wrong.append(f"{self.engine.mode.value}: another chain")


def main() -> None:
    """One process of the node."""
    seed, count, *modes = sys.argv[1:]
    logging.basicConfig(filename="node.log", level=logging.INFO)
    said = io.StringIO()
    with redirect_stdout(said):
        engine = DualRunConsensus(
            ConsensusConfig(max_headers_per_second=10**6), StorageManager("data"), Registry()
        )
        started = engine.mode.value
        driver = Driver(int(seed), engine, bare_engine("bare-data"))
        driver.judge(int(count))
        driver.read_all()
        for mode in modes:
            engine.set_mode(mode, who="drive", why="a step")
            driver.judge(int(count))
            driver.read_all()
        stats = engine.stats()
        driver.leave()
        engine.close()
    print(json.dumps({
        "started": started, "mode": engine.mode.value, "wrong": driver.wrong[:20], "accepted":
        driver.accepted, "rejected": driver.rejected, "outside": driver.outside,
        "ever": stats["ever"], "skipped": stats["skipped"], "outcomes": stats["outcomes"],
        "own_package": coinjecture.consensus.describe("0" * 64),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
