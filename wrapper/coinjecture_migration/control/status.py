"""What the control socket's `status` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coinjecture_migration.engines.legacy import field
from coinjecture_migration.engines.loader import rust_build
from coinjecture_migration.modes import identity
from coinjecture_migration.modes.manager import ModeManager
from coinjecture_migration.modes.mode_file import ModeRecord
from coinjecture_migration.vocabulary import ANSWERING

SCHEMA = 1


def report(manager: ModeManager) -> dict[str, Any]:
    """The whole answer (`docs/schemas/status.schema.json`)."""
    with manager.settled() as record:
        return _report(manager, record)


def _report(manager: ModeManager, record: ModeRecord) -> dict[str, Any]:
    active, loader, stopped = manager.active, manager.loader, manager.stopped
    tip = active.answering.tip()
    mode_file = manager.memory.report(record)
    return {
        "schema": SCHEMA,
        "mode": active.mode,
        "since": record.since,
        "by": record.by,
        "why": record.why,
        "latched": record.latched.as_json() if record.latched else None,
        "unacknowledged": _unacknowledged(manager, record, mode_file["problem"]),
        "mode_file": mode_file,
        "stopped": {"at": stopped.at, "why": stopped.why} if stopped else None,
        "answering": ANSWERING[active.mode],
        "profile": _profile(manager),
        "level": active.sync.in_sync,
        "engines": {
            "legacy": {
                "loaded": active.legacy is not None,
                "module_imported": loader.legacy_imported(),
                "error": loader.errors["legacy"],
            },
            "rust": {
                "loaded": active.rust is not None,
                "importable": loader.rust_importable(),
                "build": rust_build(active.rust) or None,
                "error": loader.errors["rust"],
            },
        },
        "prepare": _preparation(manager),
        "tip": {
            "hash": field(tip.block, "block_hash"),
            "height": tip.height,
            "cumulative": tip.cumulative_work,
        },
        "tree": manager.tree_log.report(),
        "process": identity.report(active.soak.identity),
        "evidence": manager.evidence.report(),
    }


def _profile(manager: ModeManager) -> str | None:
    """By which rules blocks are judged; None where each call decides."""
    legacy = manager.active.legacy
    if legacy is not None and not legacy.judges_full:
        return "header"
    return manager.settings.pin_profile


def _unacknowledged(
    manager: ModeManager, record: ModeRecord, problem: Mapping[str, str] | None
) -> list[dict[str, str]]:
    """Everything that waits for `ack`: the latch, a mode file that was lost, what the watchers latched."""
    own = [{"kind": "latch", "why": record.latched.why}] if record.latched else []
    if problem is not None and problem["kind"] in ("damaged", "missing"):
        own.append({"kind": "mode_file", "why": problem["why"]})
    return own + manager.watchers.unacknowledged()


def _preparation(manager: ModeManager) -> Mapping[str, Any] | None:
    """The preparation, unless its mode is in force."""
    preparation = manager.preparation
    if preparation is None or preparation.target == manager.active.mode:
        return None
    return preparation.as_json()
