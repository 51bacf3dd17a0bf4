"""The self-check: does an engine judge the same blocks the same way twice?

Some stored blocks are judged twice by fresh engines of each kind, in a thread of its own, one judgement at a
time with a pause before each: the serving engines are never asked. The pause keeps the load low; the
thread's priority stays as it is, since a thread that waits for the processor may hold the interpreter's lock.

The durations of both engines are what the latency gate judges, kept apart from live ones: here the engines
take turns in being the first to judge a block, which a live block cannot be (its receipt time is the legacy
engine's), and each block is judged by either in both places.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.engines.legacy import LegacyEngine
from coinjecture_migration.engines.loader import EngineLoader
from coinjecture_migration.engines.observation import Observation, bits, compare
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.evidence.counters import Ratio
from coinjecture_migration.evidence.evidence import Evidence
from coinjecture_migration.evidence.histograms import FINE, Paired
from coinjecture_migration.runtime.alerts import Alerts
from coinjecture_migration.runtime.periodic import Periodic

log = logging.getLogger("coinjecture.migration")

FACT = "determinism"
BLOCKS = 50
DEEPEST = 500
"""How far below the tip a sample may begin."""
MAX_EXAMPLES = 5
COUNTED = ("mismatches", "differences")
EMPTY: dict[str, Any] = {"runs": 0, "blocks": 0, "mismatches": 0, "differences": 0, "examples": []}


@dataclass(frozen=True)
class Sample:
    """Blocks of the best chain, oldest first, each with its text; `parent` is the node they stand on."""

    parent: Any
    parent_key: Any
    blocks: list[tuple[Any, bytes]]


class SelfCheck:
    """Judges samples again; what it finds is the fact `determinism` of the evidence.

    Args:
        loader: Builds fresh engines.
        active: Gives the engines in force.
        evidence: Where what it finds is kept.
        alerts: Told of an engine that contradicts itself.
        profile: The profile that judging is pinned to, or None.
        every: Seconds between two samples; 0: never.
        pause: Seconds before each judgement.
        latched_now: Told after each sample, so that findings are kept elsewhere too.
    """

    def __init__(
        self,
        loader: EngineLoader,
        active: Callable[[], ActiveEngines],
        evidence: Evidence,
        alerts: Alerts,
        profile: str | None,
        every: float,
        pause: float,
        latched_now: Callable[[], None] = lambda: None,
    ) -> None:
        self._loader, self._active, self._evidence, self._alerts = loader, active, evidence, alerts
        self._profile, self._every, self._pause = profile, every, pause
        self._latched_now, self._fact = latched_now, threading.Lock()
        self.thread = Periodic("determinism", every, self.run)
        self._ended = self.thread.ended

    def start(self) -> None:
        """Begin, unless it is switched off."""
        if self._every:
            self.thread.start()

    def close(self) -> None:
        """Stop before the next judgement."""
        self.thread.close()

    def found(self) -> str:
        """What was found and nobody has acknowledged, in words; empty where there is nothing."""
        known = self._evidence.fact(FACT) or EMPTY
        if not known["mismatches"] and not known["differences"]:
            return ""
        return (
            f"{known['mismatches']} self-mismatches and {known['differences']} differences on stored blocks"
        )

    def latched(self) -> Mapping[str, int] | None:
        """How much was found that nobody has acknowledged."""
        known = self._evidence.fact(FACT) or EMPTY
        return {name: int(known[name]) for name in COUNTED} if self.found() else None

    def restore(self, latched: Mapping[str, int]) -> None:
        """Count again what another place has kept."""
        with self._fact:
            nothing = {**EMPTY, "release": None, "at": time.time(), **_with_pairs({}, [])}
            known = self._evidence.fact(FACT) or nothing
            self._evidence.set_fact(FACT, {**known, **{name: int(latched[name]) for name in COUNTED}})

    @contextmanager
    def acknowledged(self) -> Iterator[Mapping[str, Any]]:
        """The facts that forget what was found, to be written while nothing new is."""
        with self._fact:
            known = self._evidence.fact(FACT)
            yield {FACT: {**known, **dict.fromkeys(COUNTED, 0)}} if self.found() else {}

    def run(self) -> None:
        """Judge one sample twice by each kind of engine that is loaded, and count what came of it."""
        active = self._active()
        sample = self._sample(active)
        if not sample.blocks:
            return
        release = active.soak.identity.get("release")
        with self._loader.printing.aside():
            passes = [self._pass(active, sample, number) for number in range(2)]
        if self._ended.is_set() or self._active() is not active:
            return  # a change of mode in between takes the legacy engine's module away: it proves nothing
        found: list[dict[str, Any]] = []
        for (_, text), first, second in zip(sample.blocks, *passes, strict=True):
            for name in first:
                if _signature(first[name]) != _signature(second[name]):
                    self._found(found, "mismatches", name, text, first[name], second[name])
            for results in (first, second):
                if len(results) == 2 and _differ(results["legacy"], results["rust"]):
                    self._found(found, "differences", "both", text, results["legacy"], results["rust"])
                    break
        with self._fact:  # what was acknowledged meanwhile stays acknowledged
            known = self._known(release)
            known |= {"runs": known["runs"] + 1, "blocks": known["blocks"] + len(sample.blocks)}
            known |= {n: known[n] + sum(one["what"] == n for one in found) for n in COUNTED}
            known |= {"examples": [*known["examples"], *found][:MAX_EXAMPLES]}
            known |= {"at": time.time(), **_with_pairs(known, [results for one in passes for results in one])}
            self._evidence.set_fact(FACT, known)
        self._latched_now()  # a new release begins without findings, which is news as well

    def _known(self, release: str | None) -> dict[str, Any]:
        """What was found so far with this release."""
        known = self._evidence.fact(FACT)
        if isinstance(known, dict) and known.get("release") == release:
            return {**known, "examples": list(known["examples"])}
        return {**EMPTY, "examples": [], "release": release}

    def _found(
        self,
        found: list[dict[str, Any]],
        what: str,
        engine: str,
        text: bytes,
        one: Observation,
        other: Observation,
    ) -> None:
        example = {"what": what, "engine": engine, "block": text.decode("utf-8", "replace")}
        found.append({**example, "one": one.as_json(), "other": other.as_json()})
        message = "an engine judged a stored block otherwise the second time"
        kind = "self_mismatch"
        if what == "differences":
            kind, message = "divergence", "CONSENSUS DIVERGENCE on a stored block judged again"
        self._alerts.add(kind, message, engine=engine, one=one.as_json(), other=other.as_json())
        self._alerts.deliver()

    def _sample(self, active: ActiveEngines) -> Sample:
        """Consecutive blocks of the best chain that begin somewhere below the tip; only read."""
        engine, node = active.answering, active.answering.tip()
        deepest = min(DEEPEST, node.height - BLOCKS) if isinstance(node.height, int) else 0
        for _ in range(random.randrange(max(deepest, 1))):  # noqa: S311 - no secret
            parent = engine.node(node.parent_hash)
            if parent is None or engine.node(parent.parent_hash) is None:
                break
            node = parent
        blocks: list[tuple[Any, bytes]] = []
        while len(blocks) < BLOCKS:
            parent = engine.node(node.parent_hash)
            text = self._text(active, node.block)
            if parent is None or parent is node or text is None:
                break
            blocks.append((node.block, text))
            key, node = node.parent_hash, parent
        blocks.reverse()
        return Sample(node, key if blocks else None, blocks)

    @staticmethod
    def _text(active: ActiveEngines, block: Any) -> bytes | None:
        """A block as JSON text; None where only a Rust engine could make one and there is none."""
        if active.rust is not None:
            parsed, broke = active.rust.parse_unclocked(block)
            return None if broke or parsed.out_of_domain is not None else bytes(parsed.to_json())
        return json.dumps(block).encode() if isinstance(block, dict) else None

    def _pass(self, active: ActiveEngines, sample: Sample, turn: int) -> list[dict[str, Observation]]:
        """Judge the sample by one fresh engine of each kind that is loaded; `turn` says which begins."""
        engines = {
            engine.name: self._loader.fresh(engine) for engine in (active.legacy, active.rust) if engine
        }
        for engine in engines.values():
            engine.take([(sample.parent_key, sample.parent)], sample.parent)
        full = active.legacy is None or active.legacy.judges_full
        profile = self._profile or "full" if full else "header"
        results = []
        for number, (block, text) in enumerate(sample.blocks):
            order = list(engines) if (number + turn) % 2 else list(engines)[::-1]
            results.append({n: self._judge(engines[n], block, text, profile, number) for n in order})
            if self._ended.is_set():
                break
        return results

    def _judge(
        self, engine: LegacyEngine | RustEngine, block: Any, text: bytes, profile: str, number: int
    ) -> Observation:
        """One judgement after a pause, of a copy of its own; `spent` is all it took."""
        self._ended.wait(self._pause)
        if isinstance(engine, LegacyEngine):
            copy = engine.like(block, text)
            result = engine.judge(copy, profile)
            engine.drop()
            engine.complete(result, engine.like(block, text), profile)
            return result
        return engine.judge_alone(json.loads(text), float(number), profile)


def _with_pairs(known: Mapping[str, Any], results: Iterable[dict[str, Observation]]) -> dict[str, Any]:
    """Ratios and durations known so far, with those of judgements in which both engines accepted."""
    ratio, durations = Ratio(known.get("ratio", {})), Paired(FINE, known.get("durations"))
    for both in results:
        if len(both) == 2 and all(one.accepted for one in both.values()):
            legacy, rust = both["legacy"].spent, both["rust"].spent
            durations.add(legacy, rust)
            if legacy.cpu:  # a coarse clock may see nothing
                ratio.add(rust.cpu / legacy.cpu)
    return {"ratio": ratio.as_json(), "durations": durations.as_json()}


def _signature(result: Observation) -> tuple[Any, ...]:
    """All of a verdict that has to be the same the second time."""
    if result.error is not None:
        return ("error", type(result.error).__name__)
    numbers = (bits(result.work), bits(result.cumulative), bits(result.tip_cumulative))
    return (result.accepted, result.reasons, result.block_hash, result.height, result.tip_hash, *numbers)


def _differ(legacy: Observation, rust: Observation) -> bool:
    if legacy.error is not None or legacy.not_a_rule:
        return False
    return rust.error is not None or bool(compare(legacy, rust))
