"""One call under one regime: what is judged, compared, applied, written, counted and answered, in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from consensus_surface import HeaderValidationError

from coinjecture_migration import capture, timing
from coinjecture_migration.adapter import LegacyEngine, field
from coinjecture_migration.alerts import Alerts
from coinjecture_migration.errors import EngineFailure
from coinjecture_migration.keeper import ModeKeeper
from coinjecture_migration.observation import Observation, compare, same
from coinjecture_migration.regime import ANSWERING, Regime
from coinjecture_migration.rust_engine import RustEngine
from coinjecture_migration.timing import NOTHING


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
    if regime.legacy is None and (stopped := keeper.stopped):
        counters.record("skipped", "stopped")
        raise EngineFailure(f"this node takes no blocks since its engine broke: {stopped.why}")
    try:
        if regime.legacy is not None:
            told, engine_broke = _legacy_alone(regime.legacy, block, profile), False
        else:
            assert regime.rust is not None
            told, engine_broke = _rust_alone(regime.rust, block, profile)
    except BaseException:
        counters.record("skipped", "interrupted")
        raise
    legacy, rust = (told.spent, NOTHING) if regime.rust is None else (NOTHING, regime.rust.spent)
    if told.error is None:
        counters.record("alone", accepted=told.accepted, reason=told.reason, legacy=legacy, rust=rust)
    else:
        counters.record(f"{told.engine}_error", legacy=legacy, rust=rust)
        if told.engine == "rust":
            alerts.add("rust_error", "Rust verification error", error=repr(told.error))
            if engine_broke:
                keeper.stop(f"the Rust engine broke: {told.error!r}")
    if keeper.preparation is not None:
        key = field(LegacyEngine.read(block), "block_hash")
        keeper.preparation.note(regime.answering, regime, key)
    return answer(told)


def _legacy_alone(legacy: LegacyEngine, block: Any, profile: str) -> Observation:
    told = legacy.judge(legacy.read(block), profile)
    try:
        legacy.release()
    except Exception as error:
        return replace(told, error=error)
    return told


def _rust_alone(rust: RustEngine, block: Any, profile: str) -> tuple[Observation, bool]:
    """The verdict, and whether the engine itself broke; a storage that raises is not its fault."""
    captured, ended = rust.capture(block)
    if ended is not None:
        return ended, ended.error is not None
    if captured.out_of_domain is not None:
        refused = ValueError(f"outside the domain both engines share: {captured.out_of_domain}")
        return Observation("rust", reasons=frozenset({"malformed"}), cause=refused), False
    told, judgement = rust.judge(captured, time.time(), profile)
    if told.error is not None or not told.inserted:
        return told, told.error is not None
    if error := rust.apply(judgement, block):
        return replace(told, error=error), True
    try:
        if told.accepted:
            rust.write_effects(judgement)
    except Exception as error:
        return replace(told, error=error), False
    return told, False


class BlockCall:
    """One block before both engines.

    The order of the steps keeps a promise: both verdicts are known before anything is answered, written to
    the storage or put into the Rust tree.

    Args:
        keeper: Demotes where the policy says so; has the settings.
        alerts: Told of divergences and errors.
        regime: Mode and engines.
        block: The block as the node gave it.
        profile: `header` or `full`.
        policy: Decides from two observations; see `consensus_wrapper.decide`.
    """

    def __init__(
        self, keeper: ModeKeeper, alerts: Alerts, regime: Regime, block: Any, profile: str, policy: Policy
    ) -> None:
        assert regime.legacy is not None and regime.rust is not None
        self.keeper, self.alerts, self.regime = keeper, alerts, regime
        self.legacy, self.rust = regime.legacy, regime.rust
        self.block, self.profile, self.policy = block, profile, policy
        self._captured: Any = None
        self._ended: Observation | None = None
        self._received_at = 0.0
        self._reading = self._legacy_spent = self._rust_spent = NOTHING
        self._counted = False

    def run(self) -> bool:
        """Judge, decide, carry out, count, answer."""
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
        self._complete(told, heard)
        decision = self._decide(told, heard)
        if heard is not None and heard.inserted and "rust" in (decision.answer, self._follower(decision)):
            error = self.rust.apply(judgement, self._parsed)
            if error is not None:
                self.regime.lag.note_everything("rust")
                heard = replace(heard, error=error)
                decision = self._decide(told, heard)
        self._report(decision, told, heard)
        storage_error = self._write(decision, judgement)
        self._legacy_spent = self._reading.plus(told.spent)
        self._rust_spent = self.rust.spent if heard is not None and heard.spent.wall else NOTHING
        self._level(decision)
        if storage_error is not None:
            self._count(f"{decision.answer}_error", None)
            raise storage_error
        return self._answer(decision, told, heard)

    def _look_before(self) -> None:
        """What is needed later and an engine could change: the block itself, its key, its parent, the tip."""
        self._captured, self._ended = self.rust.capture(self.block)
        started = timing.start()
        self._parsed = self.legacy.read(self.block)
        self._reading = NOTHING if self._parsed is self.block else timing.since(started)
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

    def _complete(self, told: Observation, heard: Observation | None) -> None:
        """Hash and work of the content by the legacy code; of an untouched copy where that matters."""
        self.legacy.complete(told, self._parsed)
        if heard is None or heard.error is not None or self._captured is None:
            return
        if same(told.block_hash, heard.block_hash) and same(told.work, heard.work):
            return
        try:  # the engine may have changed the block while it judged it
            untouched = self.legacy.like(self.block, bytes(self._captured.to_json()))
        except Exception:
            return
        self.legacy.complete(told, untouched)

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
            name = self._capture(told, heard, always=decision.demote is not None)
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

    def _capture(self, told: Observation, heard: Observation, *, always: bool) -> str | None:
        """Keep the divergence as a file; ``always`` the one behind a demotion, which its latch will name."""
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
                builds=self.keeper.loader.builds(self.legacy, self.rust),
            )
        except Exception as error:
            self.alerts.add("capture_failed", f"divergence file not written: {error!r}")
            return None
        limit = None if always else settings.max_captures
        return capture.write_capture(settings.captures_dir, content, limit)

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
        self.regime.soak.counters.record(
            outcome,
            why,
            accepted=accepted,
            reason=reason,
            legacy=self._legacy_spent,
            rust=self._rust_spent,
        )


def close(regime: Regime) -> None:
    """Bring the engine that is behind level with the other one, as far as it goes."""
    follower = regime.lag.follower
    if follower is not None:
        regime.lag.close(regime.tree(OTHER[follower]), regime.tree(follower))
