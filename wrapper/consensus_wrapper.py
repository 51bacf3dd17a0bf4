"""Two consensus engines behind one surface: the network's legacy one and the Rust one that takes its place.

`DualRunConsensus` stands in for the class `ConsensusEngine` of `consensus.py`, so moving a node onto it is a
change of one import. The mode says which engine's verdict the node acts on. This file holds the modes, the
class and the policy; what they need lies in `coinjecture_migration/`, plain Python that a broken wheel
cannot take along.
"""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from enum import Enum
from pathlib import Path
from typing import Any

# One identity of each class, whether node.py runs as part of a package or from a plain folder.
if (_here := str(Path(__file__).resolve().parent)) not in sys.path:
    sys.path.append(_here)

from coinjecture_migration.control.server import ControlServer, handle
from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.loader import EngineLoader
from coinjecture_migration.engines.observation import Observation, compare
from coinjecture_migration.engines.tree_file import ACCEPT, UNJUDGED
from coinjecture_migration.judging.block_call import BlockCall, Decision, judge_alone
from coinjecture_migration.judging.insertion import insert
from coinjecture_migration.judging.one_call import OneCall
from coinjecture_migration.judging.reads import AnsweringReads
from coinjecture_migration.judging.state_call import StateCall
from coinjecture_migration.modes.manager import ModeManager
from coinjecture_migration.modes.mode_file import ModeFileError, read_mode_file
from coinjecture_migration.runtime.alerts import AlertCallback, Alerts
from coinjecture_migration.runtime.errors import BrokenEngineError, ModeChangeError, StartError
from coinjecture_migration.settings import load_settings
from coinjecture_migration.vocabulary import ANSWERING
from consensus_surface import (
    BlockNode,
    ConsensusConfig,
    HeaderValidationError,
    RevealValidationError,
    ValidationError,
)

__all__ = [
    "BlockNode",
    "BrokenEngineError",
    "ConsensusConfig",
    "ConsensusEngine",
    "ConsensusMode",
    "Decision",
    "DualRunConsensus",
    "HeaderValidationError",
    "ModeChangeError",
    "RevealValidationError",
    "StartError",
    "ValidationError",
    "decide",
]


class ConsensusMode(Enum):
    """The mode of a node, in the order of the migration."""

    LEGACY_ONLY = "legacy"
    """Only the legacy engine is loaded."""
    SHADOW = "shadow"
    """Legacy answers, Rust judges every block too and is compared."""
    REFACTORED_PRIMARY = "rust"
    """Rust answers, legacy runs warm and is compared, so going back is real."""
    REFACTORED_ONLY = "final"
    """Only the Rust engine is loaded; the legacy module is not even imported."""


def decide(
    mode: str,
    legacy: Observation,
    rust: Observation | None,
    *,
    out_of_domain: bool = False,
    behind: str | None = None,
    on_divergence: str = "legacy",
    errors_left: int = 0,
) -> Decision:
    """The policy for a block that both engines can see. A pure function.

    Args:
        mode: `shadow` or `rust`.
        legacy: What the legacy engine made of it.
        rust: What the Rust engine made of it; None where it was not asked.
        out_of_domain: Outside the parity domain: only legacy can say.
        behind: The engine that is not in sync (`legacy` or `rust`): it neither answers nor is it compared.
        on_divergence: Whose verdict answers a divergence in mode `rust`.
        errors_left: Rust errors that mode `rust` still bears.
    """
    rust_leads = mode == "rust"
    rust_broke = rust is not None and rust.error is not None
    rust_answers = "rust" if rust_leads and rust is not None and not rust_broke else None
    if legacy.error is not None:
        return Decision("rust_error" if rust_leads and rust_broke else "legacy_error", None, rust_answers)
    if out_of_domain:
        return Decision("skipped", "out_of_domain", "legacy")
    if rust_broke:
        demote = "a Rust error beyond the allowance" if rust_leads and errors_left <= 0 else None
        return Decision("rust_error", None, None if behind == "legacy" else "legacy", demote)
    if legacy.not_a_rule:
        return Decision("skipped", "not_a_rule", rust_answers or "legacy")
    if behind is not None or rust is None:  # until both are in sync
        return Decision("skipped", "resync", "rust" if behind == "legacy" else "legacy")
    kinds = compare(legacy, rust)
    if not kinds:
        return Decision("match", None, ANSWERING[mode])
    if rust_leads and on_divergence == "rust":
        return Decision("divergence", kinds[0], "rust")
    demote = f"the engines disagree on a block ({', '.join(kinds)})" if rust_leads else None
    return Decision("divergence", kinds[0], "legacy", demote)


class DualRunConsensus(AnsweringReads):
    """Stands in for `ConsensusEngine` and runs the engines the mode asks for. Safe for several threads.

    Args:
        *engine_args: What the engine's class takes: configuration, storage, problem registry, ...
        mode: The mode where there is no mode file (`legacy` if None).
        legacy_engine: A legacy engine that is built already.
        alert_callback: Called with `{"kind", "message", ...}` for what a person should hear of.
        **engine_kwargs: As `engine_args`.

    Raises:
        StartError: The node must not start like this; the message says what to type.
        SettingsError: The settings file is wrong.
    """

    def __init__(
        self,
        *engine_args: Any,
        mode: ConsensusMode | str | None = None,
        legacy_engine: Any = None,
        alert_callback: AlertCallback | None = None,
        **engine_kwargs: Any,
    ) -> None:
        self._settings = load_settings()
        self._judging = threading.RLock()
        self._alerts = Alerts(alert_callback)
        loader = EngineLoader(
            engine_args,
            engine_kwargs,
            __package__ or None,
            legacy_engine,
            self._settings.release_link,
            self._settings.genesis_file,
            self._settings.quiet_legacy,
        )
        self._manager = ModeManager(self._settings, loader, self._alerts, self._judging)
        self._manager.boot(ConsensusMode(mode).value if mode is not None else None)
        self._control = ControlServer(
            self._settings.control_socket,
            lambda request: handle(self._manager, request),
            self._settings.control_uid,
            self._tell_of_control,
        )
        try:
            self._control.start()
        except (OSError, RuntimeError) as error:
            self._alerts.add("control_socket", f"no control socket: {error}; the node goes on without")
        self._alerts.deliver()

    # The surface: judging and state. Reads are in AnsweringReads.

    def verify_block(self, block: Any) -> bool:
        """Judge a block by rules 1-9 and insert it; raises `HeaderValidationError` with `.reason`."""
        return self._judge(block, "full")

    def validate_header(self, block: Any) -> bool:
        """Judge a block by rules 1-6 and insert it; raises `HeaderValidationError` with `.reason`."""
        return self._judge(block, "header")

    def validate_reveal(self, *args: Any, **kwargs: Any) -> bool:
        """Check a reveal against its commitment. Returns True; raises `RevealValidationError`."""
        return bool(self._state_call("validate_reveal", *args, **kwargs))

    def handle_reorg(self, new_tip_hash: Any) -> tuple[list[Any], list[Any]]:
        """Move the tip of both engines. Returns the blocks that left and that joined the best chain."""
        removed, added = self._state_call("handle_reorg", new_tip_hash)
        return removed, added

    def _add_block_to_tree(self, block: Any, receipt_time: float) -> None:
        """Insert without judging, as programs of the deployed node do at their start."""
        with self._one_call() as active:
            insert(self._manager, active, block, receipt_time)
            self._manager.tree_log.note(block, UNJUDGED)

    # Mode and counters

    @property
    def mode(self) -> ConsensusMode:
        """The mode in force."""
        return ConsensusMode(self._active.mode)

    def set_mode(self, mode: ConsensusMode | str, *, who: str, why: str) -> None:
        """Prepare where that is needed, then commit. Not from a thread that holds the storage.

        Raises:
            ModeChangeError: It did not happen and everything is as it was.
        """
        target = ConsensusMode(mode).value
        try:
            self._manager.commit(target, who, why)
        except ModeChangeError as refusal:
            if refusal.code != "not_prepared":
                raise
            preparation = self._manager.prepare(target, who)
            preparation.wait()
            if preparation.state == "failed":
                raise ModeChangeError(
                    "prepare_failed", f"prepare {target} failed: {preparation.error}", "nothing has changed"
                ) from None
            self._manager.commit(target, who, why)

    def stats(self) -> dict[str, Any]:
        """The evidence of the running soak (`docs/schemas/evidence.schema.json`)."""
        return self._manager.evidence_report()

    def _tell_of_control(self, message: str) -> None:
        self._alerts.add("control_socket", message)
        self._alerts.deliver()

    def close(self) -> None:
        """Flush the evidence and close the control socket; judging would still work."""
        self._control.close()
        self._manager.close()

    # Judging

    @property
    def _active(self) -> ActiveEngines:
        return self._manager.active

    @property
    def _node_storage(self) -> Any:
        return self._manager.loader.storage

    def _one_call(self) -> OneCall:
        return OneCall(self._manager, self._judging, self._alerts)

    def _judge(self, block: Any, profile: str) -> bool:
        with self._one_call() as active:
            profile = self._settings.pin_profile or profile
            if active.legacy is not None and not active.legacy.judges_full:
                profile = "header"
            if not self._manager.tree_log.wanted:
                return self._judged(active, block, profile)
            verdict: str | None = "error"
            try:
                accepted = self._judged(active, block, profile)
                verdict = ACCEPT
            except HeaderValidationError as reject:
                verdict = reject.reason
                raise
            finally:
                self._manager.tree_log.note(block, verdict)
            return accepted

    def _judged(self, active: ActiveEngines, block: Any, profile: str) -> bool:
        if active.legacy is None or active.rust is None:
            return judge_alone(self._manager, self._alerts, active, block, profile)
        return BlockCall(self._manager, self._alerts, active, block, profile, decide).run()

    def _state_call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A call that is no judgement of a block: both engines do it, the answering one answers."""
        with self._one_call() as active:
            try:
                return StateCall(self._manager, self._alerts, active, name, args, kwargs).run()
            finally:
                self._manager.tree_log.note_tip()


RENAMED = {
    "EngineFailure": BrokenEngineError,
    "ModeChangeRefused": ModeChangeError,
    "StartRefused": StartError,
}
"""Names of version 4.0, understood for one version more."""


ConsensusEngine = DualRunConsensus
"""For a node that takes the module (`import consensus_wrapper as consensus`), and the class out of it."""


def __getattr__(name: str) -> Any:
    """Other names node.py takes from `consensus.py`: the legacy module's, unless the node is in `final`."""
    if name in RENAMED:
        message = f"{name} is {RENAMED[name].__name__} now; its old name goes with the next version"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return RENAMED[name]
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        record = read_mode_file(load_settings().mode_file)
    except ModeFileError:
        record = None
    if record is not None and record.mode == "final":
        raise AttributeError(f"{name}: only the legacy consensus.py has it, and this node is in mode final")
    package = __package__ or None
    legacy = importlib.import_module(".consensus" if package else "consensus", package)
    return getattr(legacy, name)
