"""A stand-in for the Rust engine on top of the oracle: what the wrapper's tests make hostile.

It has the surface of `coinjecture.consensus.ConsensusEngine`, with the wrapper's own calls.
"""

import json
import threading
from dataclasses import dataclass, replace
from typing import Any

from testnet.node.src import consensus as oracle


@dataclass(frozen=True)
class Captured:
    """A block as JSON text, with what the real capture tells of it."""

    text: str
    out_of_domain: str | None
    block_hash: Any
    computed_hash: str | None
    work: float | None

    def to_json(self) -> bytes:
        return self.text.encode("utf-8", "surrogatepass")

    def block(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Judgement:
    """A verdict and what applying it does."""

    accepted: bool
    reason: str | None
    block_hash: Any
    computed_hash: str | None
    work: float | None
    inserts: bool
    height: Any
    cumulative: float | None
    tip_hash: Any
    tip_cumulative: float
    received_at: float
    node: Any = None
    value: Any = None
    limit: Any = None


class DoubleEngine(oracle.ConsensusEngine):
    """The Rust engine's API, computed by the oracle."""

    def capture(self, block: Any) -> Captured:
        plain = as_dict(block)
        complete = isinstance(plain, dict) and all(name in plain for name in oracle.REQUIRED_FIELDS)
        return Captured(
            text=json.dumps(plain),
            out_of_domain="marked by the test" if "out_of_domain" in plain else None,
            block_hash=plain.get("block_hash"),
            computed_hash=attempt(lambda: oracle.calculate_block_hash(plain)) if complete else None,
            work=attempt(lambda: oracle.calculate_work_score(plain["complexity"]))
            if complete and plain["complexity"]
            else None,
        )

    def judge(self, captured: Captured, received_at: float, profile: str) -> Judgement:
        block = captured.block()
        tree, tip = dict(self.block_tree), self.best_tip
        reason = None
        try:
            self._judge(block, full=profile == "full")
            self._insert(block, received_at)
        except oracle.HeaderValidationError as error:
            reason = error.reason
        after, new_tip = self.block_tree, self.best_tip
        self.block_tree, self.best_tip = tree, tip
        node = attempt(lambda: after.get(captured.block_hash))
        inserts = node is not None and node is not attempt(lambda: tree.get(captured.block_hash))
        return Judgement(
            accepted=reason is None,
            reason=reason,
            block_hash=captured.block_hash,
            computed_hash=captured.computed_hash,
            work=captured.work,
            inserts=inserts,
            height=node.height if inserts else None,
            cumulative=node.cumulative_work if inserts else None,
            tip_hash=new_tip.block["block_hash"],
            tip_cumulative=new_tip.cumulative_work,
            received_at=received_at,
            node=node if inserts else None,
        )

    def apply(self, judgement: Judgement, block: Any) -> None:
        if not judgement.inserts:
            return
        node = replace(judgement.node, block=as_dict(block))
        self.block_tree[judgement.block_hash] = node
        if self._beats_tip(node):
            self.best_tip = node

    def write_effects(self, judgement: Judgement, storage: Any) -> None:
        assert judgement.cumulative is not None
        storage.store_work_index(judgement.height, int(judgement.cumulative), judgement.block_hash)
        storage.store_tip(judgement.block_hash, int(judgement.cumulative))

    def export_tree(self) -> Any:
        return list(self.block_tree.items()), self.best_tip

    def import_tree(self, nodes: Any, tip: Any, *, replace: bool = True) -> None:
        tree = {} if replace else self.block_tree
        tree.update(nodes)
        self.block_tree, self.best_tip = tree, tip

    def build_info(self) -> dict[str, Any]:
        return {"version": "double", "profile": "test", "features": [], "target": "test"}


def as_dict(block: Any) -> Any:
    """The dict of a block, given as JSON text, as a dict, or as an object with enums."""
    if isinstance(block, bytes | str):
        return json.loads(block)
    if isinstance(block, dict):
        return block
    return {
        name: getattr(value, "value", value)
        for name, value in vars(block).items()
        if not name.startswith("_")
    }


def attempt(compute: Any) -> Any:
    try:
        return compute()
    except Exception:
        return None


def held(engine: type[DoubleEngine] = DoubleEngine) -> tuple[type[Any], threading.Event, threading.Event]:
    """An engine whose judgement waits; an event that says that it has begun, and one that lets it go on."""
    judging, go_on = threading.Event(), threading.Event()

    class Held(engine):  # type: ignore[misc, valid-type]
        def judge(self, *args: Any) -> Any:
            judging.set()
            assert go_on.wait(20)
            return super().judge(*args)

    return Held, judging, go_on
