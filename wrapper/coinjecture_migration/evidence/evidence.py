"""Evidence: what a soak has seen, kept on the disk by a thread of its own.

Judging touches counters in memory only. A disk that is full or read-only costs evidence, never a block.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coinjecture_migration.evidence import soak as soaks
from coinjecture_migration.evidence.counters import Counters, flat
from coinjecture_migration.evidence.soak import GAP_SECONDS, Clock, Gap, Soak
from coinjecture_migration.evidence.store import Batch, EvidenceStore, StoredSoak, is_full
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED
from coinjecture_migration.runtime.periodic import Periodic
from coinjecture_migration.runtime.reserve import Reserve
from coinjecture_migration.vocabulary import FAULTS, MODES

log = logging.getLogger("coinjecture.migration")

SCHEMA = 1
MAX_PAST = 16
COMPLAINT_SECONDS = 60.0
TRIM_EVERY = 500  # flushes
LATELY_SECONDS = 1.0
"""A disk that took a write so long ago, and has refused none since, is taken to take the next one."""
FACTS = ("baseline", "sentinel", "determinism")
"""Facts that are part of the report; `latched` and `chain` have their place in `status`."""

MODE = "mode"
"""The fact that says which mode was put in force last; a soak of it may not be on the disk yet."""

Look = Callable[[], Mapping[str, Any]]


class Evidence:
    """The durable record of the soaks of a node.

    No method raises for a fault of the disk: it is logged (at most once a minute) and tried again at the
    next flush; the time until then is a gap.

    Args:
        path: The SQLite file; its folder must exist.
        node: Name of the node.
        identity: `release, python, interpreter, libc, config_fingerprint`: a change begins a new soak.
        flush_seconds: Time between two flushes.
        look: Asked before each flush for facts to keep, by name; what it raises is logged.
        clock: The clocks.
        reserve: Gives way to what must be on a disk that is full.
    """

    def __init__(
        self,
        path: Path,
        node: str,
        identity: Mapping[str, str | None],
        flush_seconds: float = 0.5,
        look: Look | None = None,
        clock: Clock | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self._reserve = reserve
        self._path, self._node, self._identity = path, node, dict(identity)
        self._look, self._clock = look, clock or Clock()
        self._store = EvidenceStore(path)
        self._disk = threading.Lock()
        self._books = threading.Lock()
        self._complained = float("-inf")
        self._loaded = False
        self._stored_mode: str | None = None
        self._totals: dict[str, float] = {}
        self._counts: dict[str, float] = {}
        self._facts: dict[str, Any] = {}
        self._new_facts: dict[str, Any] = {}
        self._past: list[Soak] = []
        self._flushes = 0
        self._flushed: float | None = None
        self._refused = False
        self._last_wall, self._last_steady = self._clock.wall(), self._clock.steady()
        self.soak = self._new("", "the process has not begun yet", identity)
        self.thread = Periodic("evidence", flush_seconds, self._turn)

    # Soaks

    def remembered(self) -> tuple[str | None, Mapping[str, Any]] | None:
        """What is on the disk, as far as it is known here: the mode, and the facts.

        The mode is that of the fact of this name, or where none is kept yet that of the last soak; None where
        there is no soak either. All of it is None where the disk could not be read.
        """
        if not self._loaded:
            self._try(self._load)
        with self._books:
            mode = self._facts.get(MODE, self._stored_mode)
            return (mode, dict(self._facts)) if self._loaded else None

    def open(self, mode: str, identity: Mapping[str, str | None]) -> Soak:
        """Go on with the last soak if its mode and identity are the same, else begin one; says which."""
        self._identity = dict(identity)
        self._last_wall, self._last_steady = self._clock.wall(), self._clock.steady()
        self.count("restarts")
        self.soak = self._first_soak(mode)
        self.thread.start()
        return self.soak

    def prepared(self, mode: str, identity: Mapping[str, str | None]) -> Soak:
        """A soak that would begin now. The one that is running goes on until `put_in_force`."""
        old = self.soak
        why = soaks.why_new(mode, identity, old.mode, old.identity) or f"mode {mode} was set again"
        return self._new(mode, why, identity)

    def put_in_force(self, new: Soak) -> None:
        """End the soak that is running and let a prepared one run; nothing is written here."""
        old = self.soak
        old.observed = self._observed(old)
        old.counted_from = None
        with self._books:
            self._identity = dict(new.identity)
            self._past.append(old)
            self.soak = new
        log.warning("a new soak begins: %s", new.why)

    def begin(self, mode: str, identity: Mapping[str, str | None]) -> Soak:
        """End the soak that is running and begin one in `mode`; nothing is written here."""
        new = self.prepared(mode, identity)
        self.put_in_force(new)
        return new

    def _new(self, mode: str, why: str, identity: Mapping[str, str | None]) -> Soak:
        wall, steady = self._clock.wall(), self._clock.steady()
        return Soak(mode, dict(identity), Counters(), wall, why, process_started=wall, counted_from=steady)

    def _first_soak(self, mode: str) -> Soak:
        """The soak of a process that starts."""
        try:
            with self._disk:
                self._load()
                last = self._store.last_soak()
            soak = self._continued(mode, last)
        except Exception as error:
            self._complain(error)
            soak = f"the evidence on the disk could not be read: {error}"
        if isinstance(soak, str):
            log.warning("a new soak begins: %s", soak)
            return self._new(mode, soak, self._identity)
        log.info("the soak in %s goes on, restart %d", mode, soak.restarts)
        return soak

    def _continued(self, mode: str, last: StoredSoak | None) -> Soak | str:
        """The last soak, one restart later; why a new one begins where it cannot go on."""
        if last is None:
            return "first start with evidence"
        report, wall = last.report, self._last_wall
        if "observed_seconds" not in report:
            return "the evidence on the disk is of an older wrapper"
        if why := soaks.why_new(mode, self._identity, report["mode"], last.identity):
            return why
        counters = Counters(report)
        soak = soaks.resumed(last.row or 0, report, counters, self._identity)
        soak.process_started, soak.counted_from = wall, self._last_steady
        soak.stored = flat(counters.snapshot(), mode)
        gap = soaks.between(report["now"], wall, max(wall - report["now"], 0.0), "no process ran")
        if gap is not None:
            soak.note_gap(gap)
            soak.unwritten_gaps.append(gap)
        return soak

    def _observed(self, soak: Soak) -> float:
        """Seconds observed until now; none since the last flush where that is too long ago."""
        if soak.counted_from is None:
            return soak.observed
        passed = self._clock.steady() - soak.counted_from
        return soak.observed + (passed if passed <= GAP_SECONDS else 0.0)

    # Counts and facts besides those of a soak

    def count(self, name: str) -> None:
        """Count one of what is counted since installation only, such as `demotions`."""
        with self._books:
            self._counts[name] = self._counts.get(name, 0) + 1

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name; it survives restarts. The next flush writes it."""
        self.set_facts({name: value})

    def set_facts(self, facts: Mapping[str, Any]) -> None:
        """Keep several facts at once: no flush writes some of them only."""
        with self._books:
            self._new_facts |= facts

    def fact(self, name: str) -> Any:
        """What is kept under a name, None where there is nothing."""
        with self._books:
            if name in self._new_facts:
                return self._new_facts[name]
            return self._facts.get(name)

    # Report

    def report(self) -> dict[str, Any]:
        """The evidence of the running soak, as `status` gives it (`docs/schemas/evidence.schema.json`)."""
        return self._report(self.soak, self._ever()) | {name: self.fact(name) for name in FACTS}

    def _report(self, soak: Soak, ever: Mapping[str, int]) -> dict[str, Any]:
        counted = soak.counters.snapshot()
        return {
            "schema": SCHEMA,
            "node": self._node,
            "now": self._clock.wall(),
            "mode": soak.mode,
            "soak_started": soak.started,
            "soak_why": soak.why,
            "process_started": soak.process_started,
            "observed_seconds": self._observed(soak),
            "flushed": self._flushed,
            **counted,
            "restarts": soak.restarts,
            "gaps": soak.gaps_as_json(),
            **soak.identity,
            "ever": dict(ever),
        }

    def _ever(self) -> dict[str, int]:
        """Counts since installation: what is on the disk and what is not there yet."""
        with self._books:
            known, running = self._totals.copy(), list(dict.fromkeys([*self._past, self.soak]))
        found = {
            outcome: sum(known.get(f"outcome/{mode}/{outcome}", 0) for mode in MODES) for outcome in FAULTS
        }
        for soak in running:
            for outcome in FAULTS:
                stored = soak.stored.get(f"outcome/{soak.mode}/{outcome}", 0)
                found[outcome] += soak.counters.outcome(outcome) - stored
        return {outcome: int(value) for outcome, value in found.items()}

    # The disk

    def _turn(self) -> None:
        self._try(self._store.shorten_log)
        self.flush()

    def flush(self, *, look: bool = True) -> bool:
        """Write what is in memory; False where the disk refused.

        Args:
            look: Ask for facts to keep before, which may take longer than the writing.
        """
        if look:
            self._ask_look()
        return self._try(self._write) is True

    def writable(self) -> bool:
        """Whether the disk takes the evidence: it did a moment ago, or does now."""
        lately = self._flushed is not None and self._clock.steady() - self._last_steady < LATELY_SECONDS
        return (lately and not self._refused) or self.flush(look=False)

    def settle(self, facts: Mapping[str, Any]) -> bool:
        """Write facts so that a power cut does not take them, from the reserve if it must be.

        Counts are not among them: what a soak has counted follows with the next flush, as always.

        Args:
            facts: Kept, or none of them, and with them those that no flush has written yet.

        Returns:
            False where the disk refused; facts of before are still tried at each flush.
        """
        with self._disk:
            try:
                if self._reserve:
                    self._reserve.make_room_for(lambda: self._write_facts(facts), is_full)
                else:
                    self._write_facts(facts)
            except Exception as error:
                self._complain(error)
                return False
            return True

    def _write_facts(self, facts: Mapping[str, Any]) -> None:
        try:
            self._load()
            with self._books:
                pending = dict(self._new_facts)
            self._store.write(Batch(self._clock.wall(), facts={**pending, **facts}, durable=True))
        except Exception:
            self._close_store()
            raise
        with self._books:
            self._written(pending)
            self._facts |= facts

    def _written(self, facts: Mapping[str, Any]) -> None:
        """Facts that are on the disk now; one that has changed meanwhile waits for the next time."""
        self._facts |= facts
        for name, value in facts.items():
            if name in self._new_facts and self._new_facts[name] is value:
                del self._new_facts[name]

    def close(self) -> None:
        """Stop the thread and write what is in memory."""
        self.thread.close(wait=True)
        self.flush()
        with self._disk:
            self._store.close()

    def _ask_look(self) -> None:
        try:
            for name, value in (self._look() if self._look else {}).items():
                if value != self.fact(name):
                    self.set_fact(name, value)
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:  # a panic is no Exception
            self._complain(error)

    def _load(self) -> None:
        """Read once what only grows; until the disk lets us, it is not known how much there is."""
        if not self._loaded:
            totals, facts, last = self._store.totals(), self._store.facts(), self._store.last_soak()
            with self._books:
                self._totals, self._facts, self._loaded = totals, facts, True
                self._stored_mode = str(last.report.get("mode")) if last else None

    def _write(self) -> bool:
        self._load()
        wall, steady = self._clock.wall(), self._clock.steady()
        with self._books:
            running, counts, facts = self.soak, dict(self._counts), dict(self._new_facts)
            written = [s for s in dict.fromkeys([*self._past, running]) if s.mode]
        gap = soaks.between(
            self._last_wall, wall, steady - self._last_steady, "the evidence could not be written"
        )
        before = running.gaps, running.gap_count, running.gap_seconds
        if gap is not None:
            running.note_gap(gap)
        try:
            self._write_batch(written, Batch(wall, counts=counts, facts=facts), gap)
        except BaseException:
            running.gaps, running.gap_count, running.gap_seconds = before
            raise
        if running.counted_from is not None:
            running.observed += 0.0 if gap is not None else steady - running.counted_from
            running.counted_from = steady
        self._last_wall, self._last_steady, self._flushed, self._refused = wall, steady, wall, False
        self._flushes += 1
        if self._flushes % TRIM_EVERY == 1:
            self._store.trim()
        return True

    def _write_batch(self, written: list[Soak], batch: Batch, gap: Gap | None) -> None:
        """Write one batch and, once it is on the disk, note in memory that it is."""
        wall, counts, facts = batch.now, batch.counts, batch.facts
        seen, ever = [], self._ever()
        for soak in written:
            if soak.counted_from is None and soak.counters.calls == soak.calls_stored:
                continue  # it has ended and is on the disk as it was
            report = self._report(soak, ever) | {"flushed": wall}
            now_counted = flat(report, soak.mode)  # what a resumed soak will take as counted already
            new = _since(soak.stored, now_counted)
            batch.soaks.append((StoredSoak(soak.row, report, soak.identity), new))
            batch.gaps += soak.unwritten_gaps
            seen.append((soak, report["calls"], now_counted, new))
        if gap is not None:
            batch.gaps.append(gap)
        self._store.write(batch)
        with self._books:
            for (soak, calls, now_counted, new), (stored, _) in zip(seen, batch.soaks, strict=True):
                soak.row, soak.stored, soak.unwritten_gaps = stored.row, now_counted, []
                soak.calls_stored = calls
                _add(self._totals, new)
            _add(self._totals, counts)
            _add(self._counts, {name: -value for name, value in counts.items()})
            self._stored_mode = written[-1].mode if written else self._stored_mode
            self._written(facts)
            self._past = self._past[-MAX_PAST:]

    def _try(self, work: Callable[[], Any]) -> Any:
        """Do one piece of work on the disk; None where it refuses or holds something else."""
        with self._disk:
            try:
                return work()
            except Exception as error:
                self._complain(error)
                self._close_store()
                return None

    def _close_store(self) -> None:
        """After the disk has refused: the next use opens the file again."""
        self._refused = True
        try:
            self._store.close()
        except Exception as closing:  # nothing that matters is lost with it
            log.debug("evidence not closed: %s", closing)

    def _complain(self, error: BaseException) -> None:
        if time.monotonic() - self._complained > COMPLAINT_SECONDS:
            self._complained = time.monotonic()
            log.error("evidence is not being written: %s: %s; judging goes on", self._path, error)


def _since(stored: Mapping[str, float], counted: Mapping[str, float]) -> dict[str, float]:
    """What has been counted and is not yet in totals and intervals."""
    new = {name: value - stored.get(name, 0) for name, value in counted.items()}
    return {name: value for name, value in new.items() if value}


def _add(totals: dict[str, float], new: Mapping[str, float]) -> None:
    for name, value in new.items():
        totals[name] = totals.get(name, 0) + value
