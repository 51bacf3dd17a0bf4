"""The keeper of the mode: start, prepare, commit, demote, acknowledge, report.

It never takes the judging lock: a change swaps one reference and then waits for the last call on the old
engines.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from coinjecture_migration import process, status
from coinjecture_migration.alerts import Alerts
from coinjecture_migration.engines import EngineLoader
from coinjecture_migration.errors import EngineFailure, ModeChangeRefused, StartRefused
from coinjecture_migration.evidence import Evidence
from coinjecture_migration.levelling import compare_trees, copy_everything, copy_keys, tips_agree
from coinjecture_migration.memory import ModeMemory
from coinjecture_migration.modefile import MODES, Latch, ModeRecord, write_mode_file
from coinjecture_migration.preparation import Preparation
from coinjecture_migration.regime import ANSWERING, NEEDED, Regime
from coinjecture_migration.settings import Settings
from coinjecture_migration.watching import Watchers

log = logging.getLogger("coinjecture.migration")

ROLLBACK = (
    "type on the controller: ansible-playbook playbooks/rollback.yml -l {node} -e to=legacy"
    " (or, as root on the node: python3 coinjecture_migration/ctl.py write-mode-file legacy"
    " --why 'broken wheel', then start the unit)"
)


class ModeKeeper:
    """Holds the regime in force and is the only one that replaces it."""

    def __init__(
        self, settings: Settings, loader: EngineLoader, alerts: Alerts, judging: threading.RLock
    ) -> None:
        self.settings = settings
        self.loader = loader
        self._alerts = alerts
        self._judging = judging
        self._changing = threading.Lock()
        self.evidence = Evidence(
            settings.evidence_file, settings.node, self._identity(), settings.flush_seconds, self._look
        )
        self.watchers = Watchers(settings, loader, lambda: self.regime, self.evidence, alerts)
        self.memory = ModeMemory(settings.mode_file, self.evidence, alerts)
        self.preparation: Preparation | None = None
        self._record = ModeRecord("legacy", time.time(), "wrapper", "starting")
        self.regime: Regime = self._boot_pending()

    def _identity(self) -> dict[str, str | None]:
        return process.identity(self.settings, self.loader.config, self.loader.release)

    def _look(self) -> dict[str, Any]:
        """What the evidence keeps besides its counters; asked by its thread."""
        latch, regime = self._record.latched, self.regime
        facts: dict[str, Any] = {"latched": latch.as_json() if latch else None}
        if regime.legacy is not None or regime.rust is not None:
            facts["chain"] = self.watchers.chain()
        return facts

    def _boot_pending(self) -> Regime:
        """A regime without engines, until `boot` has made the first real one."""
        return Regime("legacy", None, None, self.evidence.soak)

    # Start

    def boot(self, default_mode: str | None) -> None:
        """Read the mode file, build the engines it asks for, begin or go on with a soak.

        Args:
            default_mode: The mode where there is no mode file.

        Raises:
            StartRefused: The node must not start like this (`final` with a broken wheel, legacy module gone).
        """
        self._record, write = self.memory.recall(default_mode or "legacy")
        engines = self._first_engines()
        soak = self.evidence.open(self._record.mode, self._identity())
        self.regime = Regime(self._record.mode, engines.get("legacy"), engines.get("rust"), soak)
        if len(engines) == 2:
            self._compare_at_start()
        if write:
            self._save_or_alert(self._record)
        self.watchers.start()

    def close(self) -> None:
        """Stop watching and write the evidence; judging would still work."""
        self.watchers.close()
        self.evidence.close()

    def _first_engines(self) -> dict[str, Any]:
        """Build what the mode needs; with a broken wheel the mode becomes legacy, latched."""
        engines: dict[str, Any] = {}
        for name in NEEDED[self._record.mode]:
            try:
                engines[name] = self.loader.build(name, answering=ANSWERING[self._record.mode] == name)
            except EngineFailure as error:
                self._survive_without(name, error)
        return engines

    def _survive_without(self, name: str, error: EngineFailure) -> None:
        """Go on without an engine that cannot be built, where the mode allows that."""
        mode, cause = self._record.mode, error.__cause__
        if name == "legacy":
            if cause is not None and not isinstance(cause, ImportError):
                raise cause
            raise StartRefused(
                f"mode {mode} needs the legacy engine and {error}; put consensus.py back beside node.py"
            ) from error
        if mode == "final":
            advice = f"mode final and {error}; {ROLLBACK.format(node=self.settings.node)}"
            log.critical(advice)
            raise StartRefused(advice) from error
        why = f"the wheel is broken: {error}"
        self._record = self._lowered(mode, "legacy", why, None)
        self._save_or_alert(self._record)
        self.evidence.count("demotions")
        self._alerts.add("demotion", f"starting in legacy instead of {mode}, latched: {why}")

    def _compare_at_start(self) -> None:
        """Both engines were rebuilt from the log: they must have made the same of it."""
        regime = self.regime
        legacy, rust = regime.legacy, regime.rust
        assert legacy is not None and rust is not None
        comparison = compare_trees(
            rust, legacy, skip=lambda _: False, logged=lambda keys: self.loader.logged(keys, rust)
        )
        if not comparison.differences:
            copy_keys(legacy, rust, comparison.to_copy)
        if comparison.differences or not (comparison.to_copy or tips_agree(legacy, rust)):
            shown = "; ".join(comparison.differences[:5]) or "the tips differ"
            regime.soak.counters.record("divergence", "log")
            self._alerts.add("divergence", "CONSENSUS DIVERGENCE", where="stored log", differences=shown)
            copy_everything(legacy, rust)
            if regime.mode == "rust":
                self.demote(regime, f"the engines differ on the stored log: {shown}", None)

    # Prepare and commit

    def prepare(self, target: str, who: str) -> Preparation:
        """Begin to prepare a mode change; returns at once.

        Raises:
            ModeChangeRefused: No such mode, or another preparation is running.
        """
        _known(target)
        with self._changing:
            running = self.preparation
            if running is not None and running.state == "running":
                if running.target == target:
                    return running
                raise ModeChangeRefused(
                    "busy", f"prepare {running.target} is running", "wait until status says it is ready"
                )
            regime = self.regime
            missing = self._missing(regime, target)
            if running is not None and running.state == "ready" and running.target == target and missing:
                return running
            log.info("prepare %s, asked for by %s", target, who)
            preparation = Preparation(target, missing, self.loader)
            self.preparation = preparation
        if missing:
            preparation.start(regime, self._judging, lambda old: self.regime.answering is old.answering)
            threading.Thread(target=self._report_failure, args=(preparation, regime), daemon=True).start()
        return preparation

    def _report_failure(self, preparation: Preparation, regime: Regime) -> None:
        """Wait for a preparation to end; a difference in the stored log counts as a divergence."""
        preparation.wait()
        if preparation.diverges:
            regime.soak.counters.record("divergence", "log")
            self._alerts.add("divergence", "CONSENSUS DIVERGENCE", where="stored log", why=preparation.error)
            self._alerts.deliver()

    def commit(self, target: str, who: str, why: str, if_mode: str | None = None) -> dict[str, Any]:
        """Put a mode in force. Answers once the last call on the old engines has ended.

        Args:
            target: The mode.
            who: Who asks.
            why: What for.
            if_mode: Only if this is the mode in force.

        Returns:
            `mode`, `changed`, and `drained`: False where a call on the old engines is still running.

        Raises:
            ModeChangeRefused: It did not happen and everything is as it was.
        """
        _known(target)
        with self._changing:
            old = self.regime
            if if_mode is not None and if_mode != old.mode:
                raise ModeChangeRefused(
                    "other_mode", f"the mode is {old.mode}, not {if_mode}", "read status, then decide again"
                )
            if target == old.mode:
                if self.memory.report(self._record)["problem"]:
                    self._save(self._record)
                return {"mode": target, "changed": False, "drained": True}
            new = self._next(old, target)
            record = ModeRecord(target, time.time(), who, why, self._record.latched)
            self._save(record)
            self._freeze_baseline(old, target)
            self._record, self.regime = record, new
        log.warning("mode %s -> %s by %s: %s", old.mode, target, who, why)
        drained = old.calls.wait_for_last(self.settings.drain_seconds)
        if self.regime is not new:
            raise ModeChangeRefused("demoted", "the node demoted itself meanwhile", "read status")
        if drained:
            self._forget(new)
        return {"mode": target, "changed": True, "drained": drained}

    def _freeze_baseline(self, old: Regime, target: str) -> None:
        """Keep what the last soak with both engines measured: in `final` there is no legacy to measure."""
        if target == "final" and old.legacy is not None and old.rust is not None:
            self.evidence.set_fact("baseline", {"frozen_at": time.time(), **old.soak.measured()})

    def _forget(self, new: Regime) -> None:
        """Let go of what the regime in force does not need; no call is left that could."""
        with self._changing:
            if self.preparation is not None and self.preparation.state != "running":
                self.preparation = None
        if new.legacy is None:
            self.loader.drop_legacy_module()

    def _missing(self, regime: Regime, target: str) -> str | None:
        """The engine that `target` needs and `regime` has not, or not level."""
        loaded = {"legacy": regime.legacy, "rust": regime.rust}
        lacking = [n for n in NEEDED[target] if loaded[n] is None or regime.lag.follower == n]
        return lacking[0] if lacking else None

    def _next(self, old: Regime, target: str) -> Regime:
        """The regime of a mode, made of the engines at hand. Raises `ModeChangeRefused`."""
        if self._record.latched and MODES.index(target) > MODES.index(old.mode):
            raise ModeChangeRefused(
                "latched",
                f"the node latched itself in {old.mode}: {self._record.latched.why}",
                "look at the divergence file, then acknowledge with ack",
            )
        if self.watchers.sentinel.latched and MODES.index(target) > MODES.index(old.mode):
            raise ModeChangeRefused(
                "fork", "the nodes have different blocks", "look at both sides, then acknowledge with ack"
            )
        engines: dict[str, Any] = {"legacy": old.legacy, "rust": old.rust}
        missing, preparation = self._missing(old, target), self.preparation
        if missing:
            if preparation is None or preparation.target != target or preparation.state != "ready":
                state = "is not prepared" if preparation is None else f"prepare is {preparation.state}"
                raise ModeChangeRefused(
                    "not_prepared",
                    f"mode {target} needs the {missing} engine and {state}",
                    "send prepare and wait until status says ready",
                )
            engines[missing] = preparation.engine
        kept = {name: engines[name] if name in NEEDED[target] else None for name in engines}
        new = Regime(target, kept["legacy"], kept["rust"], self.evidence.begin(target, self._identity()))
        if not missing and len(NEEDED[target]) == 2:
            new = Regime(target, new.legacy, new.rust, new.soak, old.lag)
            if old.lag.parted and ANSWERING[target] == "legacy":
                old.lag.parted = False
                old.lag.note_everything("rust")
        return new

    # Demotion

    def demote(self, judged_under: Regime, why: str, capture: str | None) -> None:
        """Lower the mode to shadow and latch, before the call that found the cause is answered."""
        with self._changing:
            mode = self.regime.mode
            target = mode if ANSWERING[mode] == "legacy" else "shadow"
            self._record = self._lowered(judged_under.mode, target, why, capture)
            if target != mode:
                self.regime = Regime(
                    target,
                    judged_under.legacy,
                    judged_under.rust,
                    self.evidence.begin(target, self._identity()),
                    judged_under.lag,
                )
            self._save_or_alert(self._record)
        self.evidence.count("demotions")
        self._alerts.add(
            "demotion",
            f"the node lowered itself from {judged_under.mode} to {target}, latched: {why}",
            capture=capture,
        )

    @property
    def stopped(self) -> Latch | None:
        """Why no block is taken in `final`, None where blocks are."""
        latch = self._record.latched
        return latch if latch is not None and self.regime.mode == latch.to_mode == "final" else None

    def stop(self, why: str) -> None:
        """In `final` the engine broke and no other can say: no more blocks, latched, rather than a guess."""
        with self._changing:
            if self.stopped is not None:
                return
            now = time.time()
            old = self._record
            latch = Latch(now, "final", "final", why, None)
            self._record = ModeRecord(old.mode, old.since, old.by, old.why, latch)
            self._save_or_alert(self._record)
        self.evidence.count("stops")
        advice = ROLLBACK.format(node=self.settings.node)
        self._alerts.add("stopped", f"this node takes no more blocks: {why}; {advice}")

    def _lowered(self, from_mode: str, to_mode: str, why: str, capture: str | None) -> ModeRecord:
        now = time.time()
        return ModeRecord(to_mode, now, "wrapper", why, Latch(now, from_mode, to_mode, why, capture))

    def ack(self, who: str, why: str) -> dict[str, Any]:
        """Take the latch off: somebody has looked.

        Raises:
            ModeChangeRefused: The mode file could not be written.
        """
        with self._changing:
            latch, old = self._record.latched, self._record
            if latch is not None or self.memory.report(old)["problem"]:
                record = ModeRecord(old.mode, old.since, old.by, old.why, None)
                self._save(record)
                self._record = record
                log.warning("acknowledged by %s: %s", who, why)
        watched = self.watchers.acknowledge(who, why)
        return {"acknowledged": latch.as_json() if latch else None, "watchers": watched}

    def _save(self, record: ModeRecord) -> None:
        try:
            write_mode_file(self.settings.mode_file, record)
        except OSError as error:
            raise ModeChangeRefused(
                "disk", f"{self.settings.mode_file}: {error}", "make room on the disk, then try again"
            ) from error

    def _save_or_alert(self, record: ModeRecord) -> None:
        try:
            self._save(record)
        except ModeChangeRefused as error:
            self._alerts.add("mode_file_unwritable", f"{error.message}; the mode holds until a restart")

    # Report

    def evidence_report(self) -> dict[str, Any]:
        """The evidence of the running soak."""
        return self.evidence.report()

    def status(self) -> dict[str, Any]:
        """Everything the control socket's `status` answers."""
        return status.report(self, self._record)


def _known(mode: str) -> None:
    if mode not in MODES:
        raise ModeChangeRefused("unknown_mode", f"mode {mode!r} is unknown", f"use one of {', '.join(MODES)}")
