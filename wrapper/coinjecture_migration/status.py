"""What the control socket's `status` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coinjecture_migration import process
from coinjecture_migration.adapter import field
from coinjecture_migration.engines import rust_build
from coinjecture_migration.modefile import ModeRecord
from coinjecture_migration.regime import ANSWERING

if TYPE_CHECKING:
    from coinjecture_migration.keeper import ModeKeeper

SCHEMA = 1


def report(keeper: ModeKeeper, record: ModeRecord) -> dict[str, Any]:
    """The whole answer (`docs/schemas/status.schema.json`)."""
    regime, loader, stopped = keeper.regime, keeper.loader, keeper.stopped
    tip = regime.answering.tip()
    mode_file = keeper.memory.report(record)
    return {
        "schema": SCHEMA,
        "mode": regime.mode,
        "since": record.since,
        "by": record.by,
        "why": record.why,
        "latched": record.latched.as_json() if record.latched else None,
        "unacknowledged": _unacknowledged(keeper, record, mode_file["problem"]),
        "mode_file": mode_file,
        "stopped": {"at": stopped.at, "why": stopped.why} if stopped else None,
        "answering": ANSWERING[regime.mode],
        "level": regime.lag.follower is None and not regime.lag.parted,
        "engines": {
            "legacy": {
                "loaded": regime.legacy is not None,
                "module_imported": loader.legacy_imported(),
                "error": loader.errors["legacy"],
            },
            "rust": {
                "loaded": regime.rust is not None,
                "importable": loader.rust_importable(),
                "build": rust_build(regime.rust) or None,
                "error": loader.errors["rust"],
            },
        },
        "prepare": _preparation(keeper),
        "tip": {
            "hash": field(tip.block, "block_hash"),
            "height": tip.height,
            "cumulative": tip.cumulative_work,
        },
        "process": process.report(regime.soak.identity),
        "evidence": keeper.evidence.report(),
    }


def _unacknowledged(
    keeper: ModeKeeper, record: ModeRecord, problem: Mapping[str, str] | None
) -> list[dict[str, str]]:
    """Everything that waits for `ack`: the latch, a mode file that was lost, what the watchers latched."""
    own = [{"kind": "latch", "why": record.latched.why}] if record.latched else []
    if problem is not None and problem["kind"] in ("damaged", "missing"):
        own.append({"kind": "mode_file", "why": problem["why"]})
    return own + keeper.watchers.unacknowledged()


def _preparation(keeper: ModeKeeper) -> Mapping[str, Any] | None:
    """The preparation, unless its mode is in force."""
    preparation = keeper.preparation
    if preparation is None or preparation.target == keeper.regime.mode:
        return None
    return preparation.as_json()
