"""One call, in order: what is judged, compared, applied, written, counted and answered."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from reprlib import Repr
from typing import Any, NamedTuple

from consensus_surface import HeaderValidationError

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.legacy import TEXT, LegacyEngine, field
from coinjecture_migration.engines.observation import Observation, compare, same
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.evidence.findings import write_finding
from coinjecture_migration.judging import divergence_file
from coinjecture_migration.modes.manager import ModeManager
from coinjecture_migration.runtime import timing
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.errors import BrokenEngineError
from coinjecture_migration.runtime.timing import NOTHING
from coinjecture_migration.vocabulary import ANSWERING


class Decision(NamedTuple):
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
_short = Repr()
_short.maxstring = _short.maxother = _short.maxlong = 80


def answer(result: Observation, exact: Observation | None = None) -> bool:
    """Give a verdict in the legacy engine's shape: True, or an exception that node.py's handlers catch.

    Args:
        result: The verdict that answers.
        exact: Another engine's agreeing verdict, which may tell the reason more exactly.

    Raises:
        HeaderValidationError: The reject, with its code in `reason`, what breaks the rule in `value` and
            `limit` where an engine tells it, and a legacy exception as its cause.
        Exception: The engine broke; what it raised, or `BrokenEngineError` for a panic.
    """
    if result.error is not None:
        if isinstance(result.error, Exception):
            raise result.error
        raise BrokenEngineError(f"the {result.engine} engine broke: {result.error!r}") from result.error
    if result.accepted:
        return True
    agreed = exact is not None and bool(exact.reasons & result.reasons)
    told = exact if agreed and exact else result
    reason = None if result.not_a_rule else told.reason
    value, limit = _broken(told.broken)
    rejection = HeaderValidationError(str(result.cause) if result.cause else _words(reason, value, limit))
    rejection.reason = reason  # None where no rule refused it
    rejection.value, rejection.limit = value, limit  # an older class takes neither as an argument
    raise rejection from result.cause


def _broken(rule: Any) -> tuple[Any, Any]:
    """The value that breaks a rule, and the rule's limit; None of an engine that tells neither."""
    try:
        return rule.value, rule.limit
    except Exception:  # the verdict stands without them
        return None, None


def _words(reason: str | None, value: Any, limit: Any) -> str:
    """A reject as one short line of ASCII."""
    if value is None and limit is None:
        return str(reason)
    try:
        words = f"{reason}: {_short.repr(value)}, where the rule has {_short.repr(limit)}"
    except Exception:
        return str(reason)
    return words.encode("ascii", "backslashreplace").decode("ascii")


def judge_alone(
    manager: ModeManager, alerts: Alerts, active: ActiveEngines, block: Any, profile: str
) -> bool:
    """A block in `legacy` or `final`."""
    counters = active.soak.counters
    if active.legacy is None and (stopped := manager.stopped):
        counters.record("skipped", "stopped")
        raise BrokenEngineError(f"this node takes no blocks since its engine broke: {stopped.why}")
    try:
        if active.legacy is not None:
            result, engine_broke = _legacy_alone(active.legacy, block, profile), False
        else:
            assert active.rust is not None
            result, engine_broke = _rust_alone(active.rust, block, profile)
    except BaseException:
        counters.record("skipped", "interrupted")
        raise
    legacy, rust = (result.spent, NOTHING) if active.rust is None else (NOTHING, result.spent)
    if result.error is None:
        counters.record("alone", accepted=result.accepted, reason=result.reason, legacy=legacy, rust=rust)
    else:
        counters.record(f"{result.engine}_error", legacy=legacy, rust=rust)
        if result.engine == "rust":
            alerts.add("rust_error", "Rust verification error", error=repr(result.error))
            if engine_broke:
                manager.stop(f"the Rust engine broke: {result.error!r}")
    if manager.preparation is not None:
        key = field(LegacyEngine.read(block), "block_hash")
        manager.preparation.note(active.answering, active, key)
    return answer(result)


def _legacy_alone(legacy: LegacyEngine, block: Any, profile: str) -> Observation:
    result = legacy.judge(legacy.read(block), profile)
    try:
        legacy.release()
    except Exception as error:
        return replace(result, error=error)
    return result


def _rust_alone(rust: RustEngine, block: Any, profile: str) -> tuple[Observation, bool]:
    """The verdict, and whether the engine itself broke; a storage that raises is not its fault."""
    result, judgement = rust.judge_at_once(block, profile)
    if result.error is not None:
        return result, True
    try:
        if result.accepted and result.inserted:
            rust.write_effects(judgement)
    except Exception as error:
        return replace(result, error=error), False
    return result, False


class BlockCall:
    """One block before both engines.

    The order of the steps keeps a promise: both verdicts are known before anything is answered, written to
    the storage or put into the Rust tree.

    Args:
        manager: Demotes where the policy says so; has the settings.
        alerts: Told of divergences and errors.
        active: Mode and engines.
        block: The block as the node gave it.
        profile: `header` or `full`.
        policy: Decides from two observations; see `consensus_wrapper.decide`.
    """

    def __init__(
        self,
        manager: ModeManager,
        alerts: Alerts,
        active: ActiveEngines,
        block: Any,
        profile: str,
        policy: Policy,
    ) -> None:
        assert active.legacy is not None and active.rust is not None
        self.manager, self.alerts, self.active = manager, alerts, active
        self.legacy, self.rust = active.legacy, active.rust
        self.block, self.profile, self.policy = block, profile, policy
        self._rust_block: Any = None
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
                self.active.sync.note_everything(
                    "rust" if ANSWERING[self.active.mode] == "legacy" else "legacy"
                )
                self._count("skipped", "interrupted")
            raise

    def _run(self) -> bool:
        self._look_before()
        legacy_result = self.legacy.judge(self._legacy_block, self.profile)
        self._received_at = legacy_result.received_at or time.time()
        rust_result, judgement = self._ask_rust(legacy_result)
        self._complete(legacy_result, rust_result)
        decision = self._decide(legacy_result, rust_result)
        if (
            rust_result is not None
            and rust_result.inserted
            and "rust" in (decision.answer, self._follower(decision))
        ):
            error = self.rust.apply(judgement, self._legacy_block)
            if error is not None:
                self.active.sync.note_everything("rust")
                rust_result = replace(rust_result, error=error)
                decision = self._decide(legacy_result, rust_result)
        self._report(decision, legacy_result, rust_result)
        storage_error = self._write(decision, judgement)
        self._legacy_spent = self._reading.plus(legacy_result.spent)
        self._rust_spent = self.rust.spent if rust_result is not None and rust_result.spent.wall else NOTHING
        self._synchronise(decision)
        if storage_error is not None:
            self._count(f"{decision.answer}_error", None)
            raise storage_error
        return self._answer(decision, legacy_result, rust_result)

    def _look_before(self) -> None:
        """What is needed later and an engine could change: the block itself, its key, its parent, the tip."""
        self._rust_block, self._ended = self.rust.parse(self.block)
        self._legacy_block, self._reading = self.block, NOTHING
        if isinstance(self.block, TEXT):
            started = timing.start()
            self._legacy_block = self.legacy.read(self.block)
            self._reading = timing.since(started)
        self._key = field(self._legacy_block, "block_hash")
        self._parent = self.legacy.node(field(self._legacy_block, "previous_hash"))
        self._tip = self.legacy.tip()
        sync = self.active.sync
        self._behind = "legacy" if sync.suspended else sync.follower

    def _ask_rust(self, legacy_result: Observation) -> tuple[Observation | None, Any]:
        if self._ended is not None:
            return self._ended, None
        useless = self.active.mode == "shadow" and (
            legacy_result.not_a_rule or legacy_result.error is not None
        )
        if useless or self._behind == "rust" or self._rust_block.out_of_domain is not None:
            return None, None
        return self.rust.judge(self._rust_block, self._received_at, self.profile)

    def _complete(self, legacy_result: Observation, rust_result: Observation | None) -> None:
        """Hash and work of the content by the legacy code; of an untouched copy where that matters."""
        self.legacy.complete(legacy_result, self._legacy_block, self.profile)
        if rust_result is None or rust_result.error is not None or self._rust_block is None:
            return
        if same(legacy_result.block_hash, rust_result.block_hash) and same(
            legacy_result.work, rust_result.work
        ):
            return
        try:  # the engine may have changed the block while it judged it
            untouched = self.legacy.like(self.block, bytes(self._rust_block.to_json()))
        except Exception:
            return
        self.legacy.complete(legacy_result, untouched, self.profile)

    def _decide(self, legacy_result: Observation, rust_result: Observation | None) -> Decision:
        settings = self.manager.settings
        errors = self.active.soak.counters.outcome("rust_error")
        return self.policy(
            self.active.mode,
            legacy_result,
            rust_result,
            out_of_domain=self._rust_block is not None and self._rust_block.out_of_domain is not None,
            behind=self._behind,
            on_divergence=settings.on_divergence,
            errors_left=settings.error_allowance - errors,
        )

    @staticmethod
    def _follower(decision: Decision) -> str | None:
        """The engine that goes along with the answer by its own judgement."""
        return OTHER[decision.answer] if decision.outcome == "match" and decision.answer else None

    def _report(
        self, decision: Decision, legacy_result: Observation, rust_result: Observation | None
    ) -> None:
        """Say what went wrong, and demote: all of it before anything is answered or written."""
        if decision.outcome == "rust_error" and rust_result is not None:
            self.alerts.add(
                "rust_error",
                "Rust consensus failed, using legacy",
                level=logging.WARNING,
                error=repr(rust_result.error),
                mode=self.active.mode,
            )
        name = None
        if decision.outcome == "divergence" and rust_result is not None:
            name = self._keep_divergence(legacy_result, rust_result, always=decision.demote is not None)
            self.alerts.add(
                "divergence",
                "CONSENSUS DIVERGENCE",
                kind_of=decision.why,
                mode=self.active.mode,
                answer=decision.answer,
                capture=name,
                legacy=legacy_result.as_json(),
                rust=rust_result.as_json(),
            )
        if decision.demote is not None:
            self.manager.demote(self.active, decision.demote, name)

    def _keep_divergence(
        self, legacy_result: Observation, rust_result: Observation, *, always: bool
    ) -> str | None:
        """Keep the divergence as a file; ``always`` the one behind a demotion, which its latch will name."""
        settings = self.manager.settings
        try:
            content = divergence_file.describe(
                block=bytes(self._rust_block.to_json()),
                profile=self.profile,
                received_at=self._received_at,
                parent=self._parent,
                tip=self._tip,
                legacy=legacy_result,
                rust=rust_result,
                kinds=compare(legacy_result, rust_result),
                mode=self.active.mode,
                builds=self.manager.loader.builds(self.legacy, self.rust),
            )
        except Exception as error:
            self.alerts.add("capture_failed", f"divergence file not written: {error!r}")
            return None
        limit = None if always else settings.max_captures
        return write_finding(settings.captures_dir, content, limit)

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

    def _synchronise(self, decision: Decision) -> None:
        """Let the engine that did not answer follow the one that did, unless both did the same."""
        sync, active = self.active.sync, self.active
        if decision.outcome == "divergence" and decision.answer == "rust":
            sync.suspended = True
        if sync.suspended:
            return
        answered = decision.answer or ANSWERING[active.mode]
        if decision.outcome != "match":
            sync.note(OTHER[answered], self._key)
        catch_up(active)
        if self.manager.preparation is not None:
            self.manager.preparation.note(active.tree(answered), active, self._key)

    def _answer(
        self, decision: Decision, legacy_result: Observation, rust_result: Observation | None
    ) -> bool:
        gives = rust_result if decision.answer == "rust" and rust_result is not None else legacy_result
        if decision.answer is None:
            gives = (
                rust_result if decision.outcome == "rust_error" and rust_result is not None else legacy_result
            )
        verdict = gives.error is None
        reason = (
            rust_result.reason
            if rust_result is not None and rust_result.reasons & gives.reasons
            else gives.reason
        )
        self._count(
            decision.outcome, decision.why, gives.accepted if verdict else None, reason if verdict else None
        )
        return answer(gives, rust_result)

    def _count(
        self, outcome: str, why: str | None, accepted: bool | None = None, reason: str | None = None
    ) -> None:
        self._counted = True
        self.active.soak.counters.record(
            outcome,
            why,
            accepted=accepted,
            reason=reason,
            legacy=self._legacy_spent,
            rust=self._rust_spent,
        )


def catch_up(active: ActiveEngines) -> None:
    """Let the engine that is behind catch up with the other one, as far as it goes."""
    follower = active.sync.follower
    if follower is not None:
        active.sync.catch_up(active.tree(OTHER[follower]), active.tree(follower))
