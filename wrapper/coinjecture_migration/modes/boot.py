"""The first engines of a process: what the recorded mode asks for, or what is left of it."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.loader import EngineLoader
from coinjecture_migration.engines.tree_sync import compare_trees, copy_everything, copy_keys, tips_agree
from coinjecture_migration.modes.mode_file import Latch, ModeRecord
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.errors import BrokenEngineError, ReleaseImportError, StartError
from coinjecture_migration.vocabulary import ANSWERING, NEEDED

log = logging.getLogger("coinjecture.migration")

CTL = Path(__file__).resolve().parents[1] / "ctl.py"


def way_back(node: str, why: str = "no Rust engine") -> str:
    """How a node goes back that cannot do it by itself, and ``why``: from the controller, or on the node."""
    return (
        f"type on the controller: ansible-playbook playbooks/rollback.yml -l {node} -e to=legacy"
        f" (or, as root on the node: {sys.executable} {CTL} write-mode-file legacy"
        f" --why '{why}', then start the unit)"
    )


def lowered(old: ModeRecord, from_mode: str, to_mode: str, why: str, capture: str | None) -> ModeRecord:
    """The record of a node that lowers its own mode, latched; what the watchers latched stays."""
    now = time.time()
    latch = Latch(now, from_mode, to_mode, why, capture)
    return ModeRecord(to_mode, now, "wrapper", why, latch, old.watched)


def first_engines(loader: EngineLoader, record: ModeRecord, node: str) -> tuple[dict[str, Any], ModeRecord]:
    """Build what the mode needs; with a broken wheel the mode becomes legacy, latched.

    Returns:
        The engines by name, and the record that holds with them: the same one unless the mode was lowered.

    Raises:
        StartError: The node must not start like this (`final` with a broken wheel, legacy module gone).
    """
    engines: dict[str, Any] = {}
    mode = record.mode
    for name in NEEDED[mode]:
        try:
            engines[name] = loader.build(name, answering=ANSWERING[mode] == name)
        except BrokenEngineError as error:
            record = _without(name, error, record, node)
    return engines, record


def _without(name: str, error: BrokenEngineError, record: ModeRecord, node: str) -> ModeRecord:
    """The record of a node that goes on without an engine, where its mode allows that."""
    mode, cause = record.mode, error.__cause__
    if name == "legacy":
        if mode == "legacy" and cause is not None and not isinstance(cause, ImportError):
            raise cause  # as without the wrapper
        mend = (
            "put consensus.py back beside the wrapper"
            if cause is None or isinstance(cause, ImportError)
            else "mend what it names: without the wrapper this node would not start either"
        )
        raise StartError(f"mode {mode} needs the legacy engine and {error}; {mend}") from error
    if mode == "final":
        broken = isinstance(error, ReleaseImportError)
        advice = f"mode final and {error}; {way_back(node, 'broken wheel' if broken else 'no Rust engine')}"
        log.critical(advice)
        raise StartError(advice) from error
    return lowered(record, mode, "legacy", f"{error}; {_mend(error, node)}", None)


def _mend(error: BrokenEngineError, node: str) -> str:
    """What to do about a Rust engine that is not there: the wheel's fault, or the node's."""
    if isinstance(error, ReleaseImportError):
        return f"type on the controller: ansible-playbook playbooks/repair.yml -l {node}"
    return (
        "the wheel is whole: what is named belongs to this node's configuration, storage or genesis;"
        f" type on the controller: ansible-playbook playbooks/preflight.yml -l {node}"
    )


def compare_at_start(active: ActiveEngines, loader: EngineLoader, alerts: Alerts) -> str | None:
    """Both engines were rebuilt from the log: they must have made the same of it.

    Returns:
        Why a mode in which Rust answers must be lowered, None where they agree. Rust's tree is then made
        that of legacy.
    """
    legacy, rust = active.legacy, active.rust
    assert legacy is not None and rust is not None
    comparison = compare_trees(
        rust, legacy, skip=lambda _: False, logged=lambda keys: loader.logged(keys, rust)
    )
    if not comparison.differences:
        copy_keys(legacy, rust, comparison.to_copy)
        if comparison.to_copy or tips_agree(legacy, rust):
            return None
    shown = "; ".join(comparison.differences[:5]) or "the tips differ"
    active.soak.counters.record("divergence", "log")
    alerts.add("divergence", "CONSENSUS DIVERGENCE", where="stored log", differences=shown)
    copy_everything(legacy, rust)
    return f"the engines differ on the stored log: {shown}"
