"""A block that a program of the node puts into the tree unjudged, as the deployed engine lets it."""

from __future__ import annotations

from typing import Any

from consensus_surface import BlockNode

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.legacy import field
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.engines.tree_sync import copy_keys
from coinjecture_migration.modes.manager import ModeManager
from coinjecture_migration.runtime.errors import BrokenEngineError

NAME = "_add_block_to_tree"


def insert(manager: ModeManager, active: ActiveEngines, block: Any, receipt_time: float) -> None:
    """Put it into every tree. It is no judgement, so nothing is counted.

    Raises:
        AttributeError: The legacy engine has no such call.
        Exception: What the legacy engine raised.
        BrokenEngineError: The block cannot be read in `final`.
    """
    key = field(block, "block_hash")
    if active.legacy is None:
        assert active.rust is not None
        _alone(active.rust, block, key, receipt_time)
    else:
        active.legacy.call(NAME, block, receipt_time)
        active.legacy.release()
        if active.rust is not None:
            copy_keys(active.legacy, active.rust, [key])
    if manager.preparation is not None:
        manager.preparation.note(active.answering, active, key)


def _alone(rust: RustEngine, block: Any, key: Any, receipt_time: float) -> None:
    """What the legacy engine would make of it: the parent's height and sum, and the tip if it is heavier."""
    work = rust.work(block)
    if work is None:
        raise BrokenEngineError(f"block {key!r} has no work score, so it has no place in the tree")
    parent, tip = rust.node(field(block, "previous_hash")), rust.tip()
    cumulative = parent.cumulative_work + work if parent is not None else work
    height = parent.height + 1 if parent is not None else field(block, "index")
    node = BlockNode(block, field(block, "previous_hash"), cumulative, height, receipt_time)
    heavier = cumulative > tip.cumulative_work
    earlier = cumulative == tip.cumulative_work and receipt_time < tip.receipt_time
    rust.take([(key, node)], node if heavier or earlier else tip)
    rust.store(height, int(cumulative), key)
