"""One call under one regime: what is judged, compared, applied, written, counted and answered, in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from consensus_surface import HeaderValidationError, RevealValidationError

from coinjecture_migration import capture
from coinjecture_migration.adapter import LegacyEngine, field
from coinjecture_migration.alerts import Alerts
from coinjecture_migration.errors import EngineFailure
from coinjecture_migration.keeper import ModeKeeper
from coinjecture_migration.observation import Observation, compare
from coinjecture_migration.regime import ANSWERING, Regime
from coinjecture_migration.rust_engine import RustEngine


@dataclass(frozen=True)
class Decision:
    """What becomes of one call.

    Attributes:
        outcome: The one outcome it is counted under.
        why: Kind of the divergence or cause of the skip.
        answer: The engine whose verdict answers this block; None where neither has one, and the error goes
            out.
        demote: Why the node lowers its mode before it answers, None where it does not.
    """

    outcome: str
    why: str | None
    answer: str | None
    demote: str | None = None


Policy = Callable[..., Decision]
OTHER = {"legacy": "rust", "rust": "legacy"}


def answer(told: Observation, exact: Observation | None = None) -> bool:
    """Give a verdict in the legacy engine's shape: True, or an exception that node.py's handlers catch.

    Args:
        told: The verdict that answers.
        exact: Another engine's agreeing verdict, which may tell the reason more exactly.

    Raises:
        HeaderValidationError: The reject, with its code in `reason` and a legacy exception as its cause.
        Exception: The engine broke; what it raised, or `EngineFailure` for a panic.
    """
    if told.error is not None:
        if isinstance(told.error, Exception):
            raise told.error
        raise EngineFailure(f"the {told.engine} engine broke: {told.error!r}") from told.error
    if told.accepted:
        return True
    agreed = exact is not None and bool(exact.reasons & told.reasons)
    reason = None if told.not_a_rule else exact.reason if agreed and exact else told.reason
    rejection = HeaderValidationError(str(told.cause) if told.cause else str(reason))
    rejection.reason = reason  # None where no rule refused it
    raise rejection from told.cause


def judge_alone(keeper: ModeKeeper, alerts: Alerts, regime: Regime, block: Any, profile: str) -> bool:
    """A block in `legacy` or `final`."""
    counters = regime.soak.counters
    try:
        if regime.legacy is not None:
            told = _legacy_alone(regime.legacy, block, profile)
        else:
            assert regime.rust is not None
            told = _rust_alone(regime.rust, block, profile)
    except BaseException:
        counters.record("skipped", "interrupted")
        raise
    counters.time(told.engine, told.seconds)
    if told.error is None:
        counters.record("alone", accepted=told.accepted, reason=told.reason)
    else:
        counters.record(f"{told.engine}_error")
        if told.engine == "rust":
            alerts.add("rust_error", "Rust verification error", error=repr(told.error))
    if keeper.preparation is not None:
        key = field(LegacyEngine.read(block), "block_hash")
        keeper.preparation.note(regime.answering, regime, key)
    return answer(told)


def _legacy_alone(legacy: LegacyEngine, block: Any, profile: str) -> Observation:
    told = legacy.judge(legacy.read(block), profile, observe=False)
    try:
        legacy.release()
    except Exception as error:
        return replace(told, error=error)
    return told


def _rust_alone(rust: RustEngine, block: Any, profile: str) -> Observation:
    captured, ended = rust.capture(block)
    if ended is not None:
        return ended
    if captured.out_of_domain is not None:
        refused = ValueError(f"outside the domain both engines share: {captured.out_of_domain}")
        return Observation("rust", reasons=frozenset({"malformed"}), cause=refused)
    told, judgement = rust.judge(captured, time.time(), profile)
    if told.error is not None or not told.inserted:
        return told
    if error := rust.apply(judgement, block):
        return replace(told, error=error)
    try:
        if told.accepted:
            rust.write_effects(judgement)
    except Exception as error:
        return replace(told, error=error)
    return told


@dataclass
class BlockCall:
    """One block before both engines.

    The order of the steps keeps a promise: both verdicts are known before anything is answered, written to
    the storage or put into the Rust tree.
    """

    keeper: ModeKeeper
    alerts: Alerts
    regime: Regime
    block: Any
    profile: str
    policy: Policy

    def run(self) -> bool:
        """Judge, decide, carry out, count, answer."""
        self._counted = False
        try:
            return self._run()
        except BaseException:
            if not self._counted:  # a KeyboardInterrupt in the middle: no verdict, and no tree to be trusted
                self.legacy.drop()
                self.regime.lag.note_everything(
                    "rust" if ANSWERING[self.regime.mode] == "legacy" else "legacy"
                )
                self._count("skipped", "interrupted")
            raise

    def _run(self) -> bool:
        self._look_before()
        told = self.legacy.judge(self._parsed, self.profile)
        self._received_at = told.received_at or time.time()
        heard, judgement = self._ask_rust(told)
        decision = self._decide(told, heard)
        if heard is not None and heard.inserted and "rust" in (decision.answer, self._follower(decision)):
            error = self.rust.apply(judgement, self._parsed)
            if error is not None:
                self.regime.lag.note_everything("rust")
                heard = replace(heard, error=error)
                decision = self._decide(told, heard)
        self._report(decision, told, heard)
        storage_error = self._write(decision, judgement)
        self._time(told, heard)
        self._level(decision)
        if storage_error is not None:
            self._count(f"{decision.answer}_error", None)
            raise storage_error
        return self._answer(decision, told, heard)

    @property
    def legacy(self) -> LegacyEngine:
        """The legacy engine of the regime."""
        assert self.regime.legacy is not None
        return self.regime.legacy

    @property
    def rust(self) -> RustEngine:
        """The Rust engine of the regime."""
        assert self.regime.rust is not None
        return self.regime.rust

    def _look_before(self) -> None:
        """What is needed later and an engine could change: the block itself, its key, its parent, the tip."""
        self._captured, self._ended = self.rust.capture(self.block)
        self._parsed = self.legacy.read(self.block)
        self._key = field(self._parsed, "block_hash")
        self._parent = self.legacy.node(field(self._parsed, "previous_hash"))
        self._tip = self.legacy.tip()
        lag = self.regime.lag
        self._behind = "legacy" if lag.parted else lag.follower

    def _ask_rust(self, told: Observation) -> tuple[Observation | None, Any]:
        if self._ended is not None:
            return self._ended, None
        useless = self.regime.mode == "shadow" and (told.not_a_rule or told.error is not None)
        if useless or self._behind == "rust" or self._captured.out_of_domain is not None:
            return None, None
        return self.rust.judge(self._captured, self._received_at, self.profile)

    def _decide(self, told: Observation, heard: Observation | None) -> Decision:
        settings = self.keeper.settings
        errors = self.regime.soak.counters.outcome("rust_error")
        return self.policy(
            self.regime.mode,
            told,
            heard,
            out_of_domain=self._captured is not None and self._captured.out_of_domain is not None,
            behind=self._behind,
            on_divergence=settings.on_divergence,
            errors_left=settings.error_allowance - errors,
        )

    @staticmethod
    def _follower(decision: Decision) -> str | None:
        """The engine that goes along with the answer by its own judgement."""
        return OTHER[decision.answer] if decision.outcome == "match" and decision.answer else None

    def _report(self, decision: Decision, told: Observation, heard: Observation | None) -> None:
        """Say what went wrong, and demote: all of it before anything is answered or written."""
        if decision.outcome == "rust_error" and heard is not None:
            self.alerts.add(
                "rust_error",
                "Rust consensus failed, using legacy",
                level=logging.WARNING,
                error=repr(heard.error),
                mode=self.regime.mode,
            )
        name = None
        if decision.outcome == "divergence" and heard is not None:
            name = self._capture(told, heard)
            self.alerts.add(
                "divergence",
                "CONSENSUS DIVERGENCE",
                kind_of=decision.why,
                mode=self.regime.mode,
                answer=decision.answer,
                capture=name,
                legacy=told.as_json(),
                rust=heard.as_json(),
            )
        if decision.demote is not None:
            self.keeper.demote(self.regime, decision.demote, name)

    def _capture(self, told: Observation, heard: Observation) -> str | None:
        settings = self.keeper.settings
        try:
            content = capture.describe(
                block=bytes(self._captured.to_json()),
                profile=self.profile,
                received_at=self._received_at,
                parent=self._parent,
                tip=self._tip,
                legacy=told,
                rust=heard,
                kinds=compare(told, heard),
                mode=self.regime.mode,
                builds=self.keeper.loader.builds(self.regime.legacy, self.regime.rust, self.keeper.release),
            )
        except Exception as error:
            self.alerts.add("capture_failed", f"divergence file not written: {error!r}")
            return None
        return capture.write_capture(settings.captures_dir, content, settings.max_captures)

    def _write(self, decision: Decision, judgement: Any) -> Exception | None:
        """Carry out the answering engine's writes, drop the other's. Returns what the storage raised."""
        if decision.answer != "legacy":
            self.legacy.drop()
        try:
            if decision.answer == "legacy":
                self.legacy.release()
            elif decision.answer == "rust" and judgement.accepted:
                self.rust.write_effects(judgement)
        except Exception as error:
            return error
        return None

    def _time(self, told: Observation, heard: Observation | None) -> None:
        self.regime.soak.counters.time("legacy", told.seconds)
        if heard is not None and heard.seconds:
            self.regime.soak.counters.time("rust", heard.seconds)

    def _level(self, decision: Decision) -> None:
        """Let the engine that did not answer follow the one that did, unless both did the same."""
        lag, regime = self.regime.lag, self.regime
        if decision.outcome == "divergence" and decision.answer == "rust":
            lag.parted = True
        if lag.parted:
            return
        answered = decision.answer or ANSWERING[regime.mode]
        if decision.outcome != "match":
            lag.note(OTHER[answered], self._key)
        close(regime)
        if self.keeper.preparation is not None:
            self.keeper.preparation.note(regime.tree(answered), regime, self._key)

    def _answer(self, decision: Decision, told: Observation, heard: Observation | None) -> bool:
        gives = heard if decision.answer == "rust" and heard is not None else told
        if decision.answer is None:
            gives = heard if decision.outcome == "rust_error" and heard is not None else told
        verdict = gives.error is None
        reason = heard.reason if heard is not None and heard.reasons & gives.reasons else gives.reason
        self._count(
            decision.outcome, decision.why, gives.accepted if verdict else None, reason if verdict else None
        )
        return answer(gives, heard)

    def _count(
        self, outcome: str, why: str | None, accepted: bool | None = None, reason: str | None = None
    ) -> None:
        self._counted = True
        self.regime.soak.counters.record(outcome, why, accepted=accepted, reason=reason)


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


def close(regime: Regime) -> None:
    """Bring the engine that is behind level with the other one, as far as it goes."""
    follower = regime.lag.follower
    if follower is not None:
        regime.lag.close(regime.tree(OTHER[follower]), regime.tree(follower))


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
