"""Calls of the surface that judge no block but reach into an engine: `handle_reorg` and `validate_reveal`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consensus_surface import RevealValidationError

from coinjecture_migration.adapter import LegacyEngine, field
from coinjecture_migration.alerts import Alerts
from coinjecture_migration.calls import OTHER, close
from coinjecture_migration.keeper import ModeKeeper
from coinjecture_migration.regime import ANSWERING, Regime
from coinjecture_migration.rust_engine import RustEngine


@dataclass
class StateCall:
    """A call that is no judgement of a block: every loaded engine does it, the answering one answers."""

    keeper: ModeKeeper
    alerts: Alerts
    regime: Regime
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def run(self) -> Any:
        """Call both, compare, count, answer."""
        regime = self.regime
        made = {"legacy": self._attempt(regime.legacy), "rust": self._attempt(regime.rust)}
        outcome, why = self._outcome(made["legacy"], made["rust"])
        answering = ANSWERING[regime.mode]
        if outcome == "divergence":
            self.alerts.add("divergence", "CONSENSUS DIVERGENCE", call=self.name, made=repr(made))
        fails = (outcome == "divergence" and self.keeper.settings.on_divergence == "legacy") or (
            outcome == "rust_error" and regime.legacy is not None
        )
        if answering == "rust" and fails:
            answering = "legacy"
            self.keeper.demote(regime, f"{outcome} in {self.name}", None)
        if regime.legacy is not None:
            regime.legacy.release() if answering == "legacy" else regime.legacy.drop()
        regime.soak.counters.record(outcome, why)
        if outcome == "rust_error" and regime.legacy is None:
            self.keeper.stop(f"the Rust engine broke in {self.name}: {made['rust']!r}")
        self._level(answering, match=outcome == "match")
        given = made[answering]
        assert given is not None
        if given.raised is None:
            return given.value
        if type(given.raised).__name__ == "RevealValidationError":
            raise RevealValidationError(str(given.raised)) from given.raised
        raise given.raised

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
        lag = self.regime.lag
        if lag.follower is not None or lag.parted:
            return "skipped", "resync"
        return ("match", None) if legacy.shape() == rust.shape() else ("divergence", self.name)

    def _level(self, answered: str, *, match: bool) -> None:
        """Both tips must be where the answering engine's is, and a prepared engine's too."""
        regime, preparation = self.regime, self.keeper.preparation
        if self.name != "handle_reorg":
            return
        key = field(regime.tree(answered).tip().block, "block_hash")
        if regime.legacy is not None and regime.rust is not None and not regime.lag.parted:
            if not match:
                regime.lag.note(OTHER[answered], key)
            close(regime)
        if preparation is not None:
            preparation.note(regime.tree(answered), regime, key, tip_moved=True)


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
