"""The manager of the mode: start, prepare, commit, demote, acknowledge, report.

It never takes the judging lock: a change swaps one reference and then waits for the last call on the old
engines. A change of mode is first made ready, then written, and only then put in force, all of it together.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.loader import EngineLoader
from coinjecture_migration.engines.tree_log import TreeLog
from coinjecture_migration.evidence.evidence import Evidence
from coinjecture_migration.modes import identity
from coinjecture_migration.modes.boot import compare_at_start, first_engines, lowered, way_back
from coinjecture_migration.modes.memory import ModeMemory
from coinjecture_migration.modes.mode_file import Latch, ModeRecord
from coinjecture_migration.modes.preparation import Preparation
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED, ModeChangeError
from coinjecture_migration.runtime.reserve import Reserve
from coinjecture_migration.settings import Settings
from coinjecture_migration.vocabulary import ANSWERING, MODES, NEEDED
from coinjecture_migration.watchers.watchers import Watchers

log = logging.getLogger("coinjecture.migration")

BASELINE = "baseline"
REPORT_PATIENCE_S = 1.0
"""How long a report waits for a change that is being written, so that it sees both places or neither."""


class ModeManager:
    """Holds the engines in force and is the only one that replaces them."""

    def __init__(
        self, settings: Settings, loader: EngineLoader, alerts: Alerts, judging: threading.RLock
    ) -> None:
        self.settings = settings
        self.loader = loader
        self._alerts = alerts
        self._judging = judging
        self._changing = threading.Lock()
        self._facts = identity.of_process(settings, loader.config)
        reserve = Reserve(settings.reserve_file)
        self.evidence = Evidence(
            settings.evidence_file,
            settings.node,
            self._identity(),
            settings.flush_seconds,
            self._look,
            reserve=reserve,
        )
        self._reserve = reserve
        self.memory = ModeMemory(settings, self.evidence, reserve, alerts)
        self.watchers = Watchers(
            settings, loader, lambda: self.active, self.evidence, alerts, self._remember_watched
        )
        self.tree_log = TreeLog(settings, loader.storage, lambda: self.active, alerts, judging)
        self.preparation: Preparation | None = None
        self._record = ModeRecord("legacy", time.time(), "wrapper", "starting")
        self.active = ActiveEngines(
            "legacy", None, None, self.evidence.soak
        )  # until `boot` has made a real one

    def _identity(self) -> dict[str, str | None]:
        """What a soak belongs to: of this process, and of the wheel it has imported."""
        return self._facts | {"release": self.loader.release}

    def _look(self) -> Mapping[str, Any]:
        """What the evidence keeps besides its counters; asked by its thread, which also tries the disk."""
        if self._changing.acquire(blocking=False):
            try:
                self.memory.retry()
            finally:
                self._changing.release()
        self._reserve.fill()
        active = self.active
        ready = active.legacy is not None or active.rust is not None
        return {"chain": self.watchers.chain()} if ready else {}

    # Start

    def boot(self, default_mode: str | None) -> None:
        """Read the mode file, build the engines it asks for, begin or go on with a soak.

        Args:
            default_mode: The mode where there is no mode file.

        Raises:
            StartError: The node must not start like this (`final` with a broken wheel, legacy module gone).
        """
        recalled, write = self.memory.recall(default_mode or "legacy")
        engines, record = first_engines(self.loader, recalled, self.settings.node)
        self._record = record
        soak = self.evidence.open(record.mode, self._identity())
        self.active = ActiveEngines(record.mode, engines.get("legacy"), engines.get("rust"), soak)
        if restored := self.watchers.restore(record.watched):
            message = f"the evidence has lost what the mode file kept: {', '.join(restored)}, latched again"
            self._alerts.add("mode_memory_disagrees", message)
        self._record = replace(record, watched=self.watchers.latched())
        if write or record is not recalled or set(self._record.watched) != set(record.watched):
            self.memory.persist(self._record)
        else:
            self.memory.follow(self._record)
        self._reserve.fill()
        with self.loader.printing.aside():
            self.tree_log.carry(engines)
        if record is not recalled:
            self.evidence.count("demotions")
            message = f"starting in legacy instead of {recalled.mode}, latched: {record.why}"
            self._alerts.add("demotion", message)
        if len(engines) == 2:
            why = compare_at_start(self.active, self.loader, self._alerts)
            if why is not None and self.active.mode == "rust":
                self.demote(self.active, why, None)
        self.watchers.start()

    def close(self) -> None:
        """Stop watching and write tree and evidence; judging would still work."""
        self.watchers.close()
        self.tree_log.close()
        self.evidence.close()

    def ensure(self) -> None:
        """Start again each thread that could not be started, or has died."""
        self.evidence.thread.ensure()
        self.tree_log.thread.ensure()
        self.watchers.ensure()

    # Prepare and commit

    def prepare(self, target: str, who: str) -> Preparation:
        """Begin to prepare a mode change; returns at once.

        Raises:
            ModeChangeError: No such mode, another preparation is running, or the mode has no way back.
        """
        _known(target)
        with self._changing:
            running = self.preparation
            if running is not None and running.state == "running":
                if running.target == target:
                    return running
                raise ModeChangeError(
                    "busy", f"prepare {running.target} is running", "wait until status says it is ready"
                )
            active = self.active
            missing = self._missing(active, target)
            if running is not None and running.state == "ready" and running.target == target and missing:
                return running
            log.info("prepare %s, asked for by %s", target, who)
            preparation = Preparation(target, missing, self.loader, self.tree_log.rows)
            if MODES.index(target) > MODES.index(active.mode):
                self._way_back(active, target)
                preparation.has_way_back = (active.legacy, active.rust)
            self.preparation = preparation
        if missing:
            preparation.start(
                active,
                self._judging,
                lambda old: self.active.answering is old.answering,
                lambda: self._log_diverges(preparation, active),
            )
        return preparation

    def _log_diverges(self, preparation: Preparation, active: ActiveEngines) -> None:
        """A difference in the stored log counts as a divergence."""
        active.soak.counters.record("divergence", "log")
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
            ModeChangeError: It did not happen and everything is as it was.
        """
        _known(target)
        with self._changing:
            old, baseline = self.active, self.evidence.fact(BASELINE)
            if if_mode is not None and if_mode != old.mode:
                raise ModeChangeError(
                    "other_mode", f"the mode is {old.mode}, not {if_mode}", "read status, then decide again"
                )
            if target == old.mode:
                if self.memory.report(self._record)["problem"]:
                    self.memory.save(self._record, urgent=True)
                    self.memory.settle(self._record)
                return {"mode": target, "changed": False, "drained": True}
            upward = MODES.index(target) > MODES.index(old.mode)
            if upward:
                self._may_go_up(old, target)
            new = self._next(old, target)
            record = replace(self._record, mode=target, since=time.time(), by=who, why=why)
            facts = self._baseline(old, target)
            self.memory.save(record, urgent=not upward)
            self._put_in_force(record, new, facts)
            self.memory.settle(record)
        log.warning("mode %s -> %s by %s: %s", old.mode, target, who, why)
        drained = old.calls.wait_for_last(self.settings.drain_seconds)
        if self.active is not new:
            self.evidence.set_fact(BASELINE, baseline)
            raise ModeChangeError("demoted", "the node demoted itself meanwhile", "read status")
        if drained:
            self._forget(new)
        return {"mode": target, "changed": True, "drained": drained}

    def _put_in_force(self, record: ModeRecord, new: ActiveEngines, facts: Mapping[str, Any]) -> None:
        """Everything of a change at once; nothing here can be refused. Under the lock of changes."""
        sync = new.sync
        if sync.suspended and ANSWERING[new.mode] == "legacy":
            sync.suspended = False
            sync.note_everything("rust")
            self.tree_log.renew()
        self.evidence.set_facts(facts)
        self.evidence.put_in_force(new.soak)
        self._record, self.active = record, new

    def _baseline(self, old: ActiveEngines, target: str) -> dict[str, Any]:
        """What the last soak with both engines measured, kept as a fact: `final` has no legacy to measure."""
        if target != "final" or old.legacy is None or old.rust is None:
            return {}
        return {BASELINE: {"frozen_at": time.time(), **old.soak.measured()}}

    def _forget(self, new: ActiveEngines) -> None:
        """Let go of what is not needed by the engines in force; no call is left that could."""
        with self._changing:
            if self.preparation is not None and self.preparation.state != "running":
                self.preparation = None
        if new.legacy is None:
            self.loader.drop_legacy_module()

    def _missing(self, active: ActiveEngines, target: str) -> str | None:
        """The engine that `target` needs and `active` has not, or not in sync."""
        loaded = {"legacy": active.legacy, "rust": active.rust}
        lacking = [n for n in NEEDED[target] if loaded[n] is None or active.sync.follower == n]
        return lacking[0] if lacking else None

    def _may_go_up(self, old: ActiveEngines, target: str) -> None:
        """Raises `ModeChangeError` where somebody has to look first, or the evidence cannot follow."""
        if latch := self._record.latched:
            raise ModeChangeError(
                "latched",
                f"the node latched itself in {old.mode}: {latch.why}",
                f"look at {_place(latch)}, then acknowledge with ack",
            )
        if self.watchers.sentinel.latched:
            raise ModeChangeError(
                "fork", "the nodes have different blocks", "look at both sides, then acknowledge with ack"
            )
        prepared = self.preparation
        if not (prepared and prepared.target == target and prepared.has_way_back == (old.legacy, old.rust)):
            self._way_back(old, target)
        if not self.evidence.writable():
            raise ModeChangeError(
                "evidence",
                f"{self.settings.evidence_file} could not be written",
                "look into the system log for what it says and mend that, then try again",
            )

    def _way_back(self, old: ActiveEngines, target: str) -> None:
        """Try what a restart would do, on engines aside: no mode is entered that has no way back.

        Raises:
            ModeChangeError: An engine that is loaded could not be built again.
        """
        if ANSWERING[target] == "legacy":
            return  # its own engine was just built, and answers on
        for engine in (old.legacy, old.rust):
            if engine is None:
                continue
            try:
                self.loader.fresh(engine)
            except NEVER_SWALLOWED:
                raise
            except BaseException as error:
                raise ModeChangeError(
                    "no_way_back",
                    f"the {engine.name} engine could not be built again: {type(error).__name__}: {error}",
                    f"mend that first: a restart in {target} and the way back from it would fail alike",
                ) from error

    def _next(self, old: ActiveEngines, target: str) -> ActiveEngines:
        """The engines of a mode, made of the engines at hand; changes nothing. Raises `ModeChangeError`."""
        engines: dict[str, Any] = {"legacy": old.legacy, "rust": old.rust}
        missing, preparation = self._missing(old, target), self.preparation
        if missing:
            if preparation is None or preparation.target != target or preparation.state != "ready":
                state = "is not prepared" if preparation is None else f"prepare is {preparation.state}"
                raise ModeChangeError(
                    "not_prepared",
                    f"mode {target} needs the {missing} engine and {state}",
                    "send prepare and wait until status says ready",
                )
            engines[missing] = preparation.engine
        kept = {name: engines[name] if name in NEEDED[target] else None for name in engines}
        soak = self.evidence.prepared(target, self._identity())
        if not missing and len(NEEDED[target]) == 2:
            return ActiveEngines(target, kept["legacy"], kept["rust"], soak, old.sync)
        return ActiveEngines(target, kept["legacy"], kept["rust"], soak)

    # Demotion and latches

    def demote(self, judged_under: ActiveEngines, why: str, capture: str | None) -> None:
        """Lower the mode to shadow and latch, before the call that found the cause is answered.

        It is in force whatever the disk says.
        """
        with self._changing:
            mode = self.active.mode
            target = mode if ANSWERING[mode] == "legacy" else "shadow"
            record = lowered(self._record, judged_under.mode, target, why, capture)
            if target != mode:
                soak = self.evidence.prepared(target, self.active.soak.identity)
                engines = judged_under.legacy, judged_under.rust
                self.evidence.put_in_force(soak)
                self.active = ActiveEngines(target, *engines, soak, judged_under.sync)
            self._record = record
            self.memory.persist(record)
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
        return latch if latch is not None and self.active.mode == latch.to_mode == "final" else None

    def stop(self, why: str) -> None:
        """In `final` the engine broke and no other can say: no more blocks, latched, rather than a guess."""
        with self._changing:
            if self.stopped is not None:
                return
            latch = Latch(time.time(), "final", "final", why, None)
            self._record = replace(self._record, latched=latch)
            self.memory.persist(self._record)
        self.evidence.count("stops")
        advice = way_back(self.settings.node)
        self._alerts.add("stopped", f"this node takes no more blocks: {why}; {advice}")

    def _remember_watched(self) -> None:
        """A watcher has latched, or let go: the mode file keeps that too."""
        with self._changing:
            latched = self.watchers.latched()
            if set(latched) != set(self._record.watched):
                self._record = replace(self._record, watched=latched)
                self.memory.persist(self._record)

    def ack(self, who: str, why: str) -> dict[str, Any]:
        """Take every latch off: somebody has looked. It is off in both places, or still on.

        Raises:
            ModeChangeError: The disk refused; everything is as it was.
        """
        with self._changing, self.watchers.acknowledged(who, why) as facts:
            old = self._record
            watched = list(self.watchers.latched())
            if old.latched is not None or watched or self.memory.report(old)["problem"]:
                new = replace(old, latched=None, watched={})
                self.memory.acknowledge(old, new, facts)
                self._record = new
                log.warning("acknowledged by %s: %s", who, why)
        return {"acknowledged": old.latched.as_json() if old.latched else None, "watchers": watched}

    # Report

    def evidence_report(self) -> dict[str, Any]:
        """The evidence of the running soak."""
        return self.evidence.report()

    @contextmanager
    def settled(self) -> Iterator[ModeRecord]:
        """The record in force, while no change is being written; for a report that must not mix two of them.

        It waits a second for a change that is under way, then gives what there is.
        """
        self.ensure()
        settled = self._changing.acquire(timeout=REPORT_PATIENCE_S)
        try:
            yield self._record
        finally:
            if settled:
                self._changing.release()


def _known(mode: str) -> None:
    if mode not in MODES:
        raise ModeChangeError("unknown_mode", f"mode {mode!r} is unknown", f"use one of {', '.join(MODES)}")


def _place(latch: Latch) -> str:
    """Where a person finds what a latch is about."""
    return f"the divergence file captures/{latch.capture}" if latch.capture else "the system log"
