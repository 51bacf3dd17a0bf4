"""Collects a node's metrics at the moment they are asked for, each source on its own."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from coinjecture_migration.vocabulary import MODES
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coinjecture_exporter import evidence_families
from coinjecture_exporter.chain import Fetch, fetcher, look
from coinjecture_exporter.journal import read_journal
from coinjecture_exporter.settings import Settings

log = logging.getLogger("coinjecture.metrics")

ReadEvidence = Callable[[Path], dict[str, Any]]
SECOND_LOOK_SECONDS = 0.1
_COMPLAINT_SECONDS = 60.0


class NodeCollector(Collector):
    """The metrics of one node.

    A source that cannot be read leaves its metrics out and says so in
    `coinjecture_exporter_source_up{source}`: absence is for the alert rules to judge.

    Args:
        settings: Where to look.
        read_evidence: `coinjecture_migration.evidence_reader.read`.
        fetch: Gets JSON from a URL.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        read_evidence: ReadEvidence,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._read_evidence = read_evidence
        self._fetch = fetch or fetcher(settings.timeout)
        self._clock = clock
        self._complained: dict[str, float] = {}

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the node."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics of this moment."""
        up = GaugeMetricFamily(
            "coinjecture_exporter_source_up", "1 if this source could be read.", labels=["source"]
        )
        sources: dict[str, Callable[[], list[Metric]]] = {
            "mode": self._mode,
            "evidence": self._evidence,
            "journal": self._journal,
            "api": self._chain,
        }
        for name, read in sources.items():
            try:
                families = read()
            except Exception as error:  # a torn file, another format: one source less, the others go on
                self._complain(name, error)
                up.add_metric([name], 0)
                continue
            up.add_metric([name], 1)
            yield from families
        yield up

    def _complain(self, source: str, error: Exception) -> None:
        now = time.monotonic()
        if now - self._complained.get(source, float("-inf")) > _COMPLAINT_SECONDS:
            self._complained[source] = now
            log.error("%s cannot be read: %s: %s", source, type(error).__name__, error)

    @property
    def _mode_file(self) -> Path:
        return self._settings.state_dir / "mode.json"

    @property
    def _evidence_file(self) -> Path:
        return self._settings.state_dir / "evidence.db"

    def _mode(self) -> list[Metric]:
        """Mode and latch; a node without a mode file and without evidence runs its legacy engine alone."""
        try:
            record = json.loads(self._mode_file.read_bytes())
        except FileNotFoundError:
            if self._evidence_file.exists():
                raise
            record = {"mode": "legacy", "since": None, "latched": None}
        mode = record["mode"]
        if mode not in MODES:
            raise ValueError(f"{self._mode_file}: mode {mode!r} is none of {MODES}")
        families: list[Metric] = [
            one_of("coinjecture_consensus_mode", "1 for the mode of the node, 0 for the others.", mode),
            gauge(
                "coinjecture_consensus_latched",
                "1 while the node stays in the mode it lowered itself to.",
                float(record["latched"] is not None),
            ),
        ]
        if record["since"] is not None:
            families.append(
                gauge(
                    "coinjecture_consensus_mode_since_timestamp_seconds",
                    "Start of the mode.",
                    record["since"],
                )
            )
        required = self._settings.soak_required.get(mode)
        if required is not None:
            families.append(
                gauge(
                    "coinjecture_consensus_soak_required_seconds",
                    "How long a soak in this mode has to last before every step that waits for it may start.",
                    required,
                )
            )
        return families

    def _evidence(self) -> list[Metric]:
        """What the evidence holds; none of it where no wrapper has ever run."""
        installed = self._evidence_file.exists()
        families: list[Metric] = [
            gauge(
                "coinjecture_consensus_installed", "1 once the wrapper has run on the node.", float(installed)
            )
        ]
        if installed:
            families += evidence_families.of(self._read_twice(self._evidence_file))
        elif self._mode_file.exists():
            raise FileNotFoundError(f"{self._evidence_file} is not there, and the mode file is")
        return families

    def _read_twice(self, path: Path) -> dict[str, Any]:
        """Read the evidence; the moment in which its writer opens or closes the file gets a second look."""
        try:
            return self._read_evidence(path)
        except Exception:
            time.sleep(SECOND_LOOK_SECONDS)
            return self._read_evidence(path)

    def _journal(self) -> list[Metric]:
        folder = self._settings.operator_dir
        if not folder.is_dir():
            folder = self._settings.state_dir
        recorded = read_journal(folder / "journal.jsonl", self._settings.node)
        families: list[Metric] = [
            gauge(
                "coinjecture_consensus_complete",
                "1 once the step journal says that the legacy code is removed.",
                float(recorded.complete),
            )
        ]
        if recorded.mode is not None:
            families.append(
                one_of(
                    "coinjecture_consensus_journal_mode",
                    "1 for the mode that the step journal recorded last, 0 for the others.",
                    recorded.mode,
                )
            )
        return families

    def _chain(self) -> list[Metric]:
        settings = self._settings
        lag, step = settings.fingerprint_lag, settings.fingerprint_step
        chain = look(settings.api, lag, step, self._fetch, settings.api_shape)
        heights = GaugeMetricFamily(
            "coinjecture_chain_checkpoint_height", "A height at which nodes are compared.", labels=["slot"]
        )
        prints = GaugeMetricFamily(
            "coinjecture_chain_checkpoint_fingerprint",
            "First 48 bits of the hash of the block at the height of the same slot.",
            labels=["slot"],
        )
        for checkpoint in chain.checkpoints:
            heights.add_metric([str(checkpoint.slot)], checkpoint.height)
            prints.add_metric([str(checkpoint.slot)], checkpoint.fingerprint)
        return [
            gauge("coinjecture_chain_height", "Height of the best tip.", chain.height),
            heights,
            prints,
        ]


def gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    """A gauge without labels."""
    return GaugeMetricFamily(name, meaning, value=value)


def one_of(name: str, meaning: str, mode: str) -> GaugeMetricFamily:
    """A gauge with one sample a mode: 1 for the given one, 0 for the others."""
    family = GaugeMetricFamily(name, meaning, labels=["mode"])
    for each in MODES:
        family.add_metric([each], float(each == mode))
    return family
