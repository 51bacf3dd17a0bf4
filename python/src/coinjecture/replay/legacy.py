"""The legacy engine, loaded from its file, with a clock of ours; it is the oracle."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from types import ModuleType
from typing import Any

from coinjecture.replay.errors import BadInputError
from coinjecture.replay.network import Network
from coinjecture.replay.node import TreeNode
from coinjecture.replay.outcome import Outcome, bits, hash_notation, height_notation

PACKAGE = "coinjecture_replay_legacy_"
NEEDED = ("ConsensusConfig", "ConsensusEngine", "BlockNode", "HeaderValidationError", "REQUIRED_FIELDS")
FUNCTIONS = ("calculate_block_hash", "calculate_work_score")


class Clock:
    """Stands in for the module ``time`` of a legacy engine: the receipt time is what we say."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.now


class Remembering:
    """A function of one argument that remembers what it gave last, so that looking at it costs nothing."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._argument: Any = None
        self._result: Any = None

    def __call__(self, argument: Any) -> Any:
        """Call the function."""
        self._argument = None
        self._result = self._function(argument)
        self._argument = argument
        return self._result

    def forget(self) -> None:
        """Remember nothing: the argument may change from here on."""
        self._argument = None

    def value(self, argument: Any) -> Any:
        """What the function gave for this object since ``forget``, else what it gives."""
        return self._result if argument is self._argument else self._function(argument)


class NoStorage:
    """Storage that keeps nothing: what the engine writes follows from what is compared anyway."""

    def store_work_index(self, height: Any, cumulative: int, block_hash: Any) -> None:
        """Take and forget."""

    def store_tip(self, block_hash: Any, cumulative: int) -> None:
        """Take and forget."""


def load(path: Path) -> ModuleType:
    """Load a legacy ``consensus.py`` with what lies beside it, under a name that nobody else uses.

    Raises:
        BadInputError: It is not there, does not load, or is no legacy engine that can judge blocks alone.
    """
    try:
        name = PACKAGE + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
        identity = f"{name}.{path.stem}"
        if identity in sys.modules:
            return sys.modules[identity]
        spec = importlib.util.spec_from_file_location(identity, path)
        if not path.is_file() or spec is None or spec.loader is None:
            raise BadInputError(f"{path}: no legacy engine there; name its consensus.py with --legacy")
        package = ModuleType(name)
        package.__path__ = [str(path.parent)]
        sys.modules[name] = package
        module = sys.modules[identity] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except BadInputError:
        raise
    except Exception as error:
        sys.modules.pop(identity, None)
        raise BadInputError(f"{path}: the legacy engine does not load: {error!r}") from error
    missing = [name for name in (*NEEDED, *FUNCTIONS) if not hasattr(module, name)]
    if missing:
        sys.modules.pop(identity, None)
        raise BadInputError(f"{path}: no legacy engine of the known shape, it has no {', '.join(missing)}")
    return module


class Legacy:
    """A legacy engine that knows only a genesis, judging by one profile.

    Attributes:
        engine: The engine itself.
        seconds: Processor time of the last judgement, parsing included.
        parent: The node that the last block of ``judge`` names as its parent, None if there is none.
        inserted: The node that this block was put into the tree as, None if it was not.
    """

    def __init__(self, module: ModuleType, network: Network, profile: str) -> None:
        self._module: Any = module
        clock = vars(module).get("time")
        self._clock = clock if isinstance(clock, Clock) else Clock()  # one for each module
        vars(module)["time"] = self._clock
        self._hash, self._work = (_remembering(module, name) for name in FUNCTIONS)
        config = self._module.ConsensusConfig(
            network_id=network.network_id,
            max_headers_per_second=0,
            genesis_timestamp=network.timestamp,
            genesis_seed=network.seed,
            genesis_block=network.genesis,
        )
        try:
            self.engine = self._module.ConsensusEngine(config, NoStorage(), None)
        except self._module.ValidationError as error:
            raise BadInputError(f"the legacy engine refuses the genesis: {error}") from error
        method = "verify_block" if profile == "full" else "validate_header"
        if not hasattr(self.engine, method):
            raise BadInputError(f"the legacy engine has no {method}; replay with --profile header")
        self._judge = getattr(self.engine, method)
        self._reject = self._module.HeaderValidationError
        self.seconds = 0.0
        self.parent: Any = None
        self.inserted: Any = None

    def judge(self, raw: bytes, received_at: float, *, keep: bool = True) -> Outcome:
        """Parse and judge a block received at that second (since the epoch), and insert it where it passes.

        What is no JSON object goes to the engine as it is, as in the node. Without ``keep`` the block is
        taken out again: tree and tip are as they were.
        """
        started = thread_time()
        block = parsed(raw)
        parsing = thread_time() - started
        known = block if isinstance(block, dict) else {}
        node, tip = self.node(known.get("block_hash")), self.engine.best_tip
        self.parent = self.node(known.get("previous_hash"))
        outcome = self.judge_block(block, received_at)
        self.seconds += parsing
        self.inserted = self.node(known["block_hash"]) if outcome.inserted else None
        if not keep and outcome.inserted:
            self.engine.best_tip = tip
            if node is None:
                del self.engine.block_tree[known["block_hash"]]
            else:
                self.engine.block_tree[known["block_hash"]] = node
        return outcome

    def trim(self) -> None:
        """Keep of the block inserted last no more than later judgements read: a log can be long."""
        if self.inserted is not None:
            block = self.inserted.block
            self.inserted.block = {name: block[name] for name in ("block_hash", "previous_hash", "timestamp")}

    def node(self, key: Any) -> Any:
        """The node under a block hash, None where there is none."""
        try:
            return self.engine.block_tree.get(key)
        except TypeError:
            return None  # an unhashable key is in no tree

    def judge_block(self, block: Any, received_at: float) -> Outcome:
        """As ``judge``, of a block that is parsed; ``seconds`` is without the parsing."""
        before = self._node_of(block)
        self._clock.now = received_at
        self._hash.forget()
        self._work.forget()
        verdict, reason = "accept", None
        started = thread_time()
        try:
            self._judge(block)
        except self._reject as error:
            verdict, reason = "reject", error.reason
        except Exception as error:
            verdict, reason = "error", f"{type(error).__name__}: {error}"[:500]
        self.seconds = thread_time() - started
        tip = self.engine.best_tip
        tip_hash, tip_bits = hash_notation(tip.block["block_hash"]), bits(tip.cumulative_work)
        if not isinstance(block, dict):
            return Outcome(verdict, reason, None, None, None, None, tip_hash, tip_bits)
        after = self._node_of(block)
        computed_hash, work_bits = self._values(block)
        height = cumulative = None
        if after is not None and after is not before:
            height, cumulative = height_notation(after.height), bits(after.cumulative_work)
        return Outcome(verdict, reason, computed_hash, work_bits, height, cumulative, tip_hash, tip_bits)

    def node_of(self, node: TreeNode) -> Any:
        """A node of the engine's own class, whose block holds no more than later judgements read."""
        return self._module.BlockNode(
            block={
                "block_hash": node.block_hash,
                "previous_hash": node.parent,
                "timestamp": node.timestamp,
            },
            parent_hash=node.parent,
            cumulative_work=node.cumulative,
            height=node.height,
            receipt_time=node.received_at,
        )

    def _node_of(self, block: Any) -> Any:
        return self.node(block.get("block_hash")) if isinstance(block, dict) else None

    def _values(self, block: dict[str, Any]) -> tuple[str | None, str | None]:
        """Hash and work of the content by itself, None where there is none."""
        computed_hash = work_bits = None
        if all(field in block for field in self._module.REQUIRED_FIELDS):
            try:
                computed_hash = self._hash.value(block)
            except Exception:  # noqa: S110 - none is what is recorded where the rules compute no hash
                pass
            try:
                if block["complexity"]:
                    work_bits = bits(self._work.value(block["complexity"]))
            except Exception:  # noqa: S110 - as above
                pass
        return computed_hash, work_bits


def record_of(node: Any) -> TreeNode:
    """A node of the engine's own class as a record."""
    block = node.block
    return TreeNode(
        block_hash=block["block_hash"],
        parent=node.parent_hash,
        height=node.height,
        timestamp=block["timestamp"],
        cumulative=node.cumulative_work,
        received_at=node.receipt_time,
    )


def _remembering(module: ModuleType, name: str) -> Remembering:
    function = vars(module)[name]
    if not isinstance(function, Remembering):
        function = vars(module)[name] = Remembering(function)
    return function


def parsed(raw: bytes) -> Any:
    """What a node gives to its engine: the object of a block's bytes, or the bytes where they are none."""
    try:
        block = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return raw
    return block if isinstance(block, dict) else raw
