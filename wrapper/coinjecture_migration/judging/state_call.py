"""Calls of the surface that judge no block but reach into an engine: `handle_reorg` and `validate_reveal`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consensus_surface import RevealValidationError

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.legacy import LegacyEngine, field
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.judging.block_call import OTHER, catch_up
from coinjecture_migration.modes.manager import ModeManager
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.errors import BrokenEngineError
from coinjecture_migration.vocabulary import ANSWERING


@dataclass
class StateCall:
    """A call that is no judgement of a block: every loaded engine does it, the answering one answers."""

    manager: ModeManager
    alerts: Alerts
    active: ActiveEngines
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def run(self) -> Any:
        """Call both, compare, count, answer."""
        active = self.active
        only_legacy = self._is_of_legacy_alone()
        made = {
            "legacy": self._attempt(active.legacy),
            "rust": None if only_legacy else self._attempt(active.rust),
        }
        outcome, why = self._outcome(made["legacy"], made["rust"])
        answering = "legacy" if only_legacy else ANSWERING[active.mode]
        if outcome == "divergence":
            self.alerts.add("divergence", "CONSENSUS DIVERGENCE", call=self.name, made=repr(made))
        fails = (outcome == "divergence" and self.manager.settings.on_divergence == "legacy") or (
            outcome == "rust_error" and active.legacy is not None
        )
        if answering == "rust" and fails:
            answering = "legacy"
            self.manager.demote(active, f"{outcome} in {self.name}", None)
        if active.legacy is not None:
            active.legacy.release() if answering == "legacy" else active.legacy.drop()
        active.soak.counters.record(outcome, why)
        if outcome == "rust_error" and active.legacy is None:
            self.manager.stop(f"the Rust engine broke in {self.name}: {made['rust']!r}")
        self._synchronise(answering, match=outcome == "match")
        given = made[answering]
        assert given is not None
        if given.raised is None:
            return given.value
        if type(given.raised).__name__ == "RevealValidationError":
            raise RevealValidationError(str(given.raised)) from given.raised
        raise given.raised

    def _is_of_legacy_alone(self) -> bool:
        """Whether no other engine knows what is asked: a reveal of the deployed node's form.

        Raises:
            BrokenEngineError: It is, and there is no legacy engine.
        """
        if self.name != "validate_reveal":
            return False
        legacy = self.active.legacy
        commitment = self.args[1] if len(self.args) > 1 else self.kwargs.get("commitment")
        of_another_form = isinstance(commitment, bytes | bytearray)  # ours is a text
        declared = of_another_form or self.manager.settings.reveal == "legacy"
        if declared and legacy is None:
            raise BrokenEngineError("validate_reveal: only the legacy engine knows this node's reveals")
        return legacy is not None and (declared or not legacy.judges_full)

    def _attempt(self, engine: LegacyEngine | RustEngine | None) -> _Attempt | None:
        if engine is None:
            return None
        try:
            value = engine.call(self.name, *self.args, **self.kwargs)
        except Exception as error:
            broke = isinstance(engine, LegacyEngine) and engine.storage_failed
            broke = broke or type(error).__name__ != "RevealValidationError"
            return _Attempt(raised=error, broke=broke)
        return _Attempt(value=value)

    def _outcome(self, legacy: _Attempt | None, rust: _Attempt | None) -> tuple[str, str | None]:
        if rust is not None and rust.broke:
            return "rust_error", None
        if legacy is not None and legacy.broke:
            return "legacy_error", None
        if legacy is None or rust is None:
            return "alone", None
        if not self.active.sync.in_sync:
            return "skipped", "resync"
        return ("match", None) if legacy.shape() == rust.shape() else ("divergence", self.name)

    def _synchronise(self, answered: str, *, match: bool) -> None:
        """Both tips must be where the answering engine's is, and a prepared engine's too."""
        active, preparation = self.active, self.manager.preparation
        if self.name != "handle_reorg":
            return
        key = field(active.tree(answered).tip().block, "block_hash")
        if active.legacy is not None and active.rust is not None and not active.sync.suspended:
            if not match:
                active.sync.note(OTHER[answered], key)
            catch_up(active)
        if preparation is not None:
            preparation.note(active.tree(answered), active, key, tip_moved=True)


@dataclass
class _Attempt:
    """What one engine made of a state call."""

    value: Any = None
    raised: Exception | None = None
    broke: bool = False

    def shape(self) -> Any:
        """What is compared: reject or not, and for two lists of blocks their hashes."""
        if self.raised is not None:
            return "rejected"
        if isinstance(self.value, tuple):
            return [[field(block, "block_hash") for block in blocks] for blocks in self.value]
        return self.value
