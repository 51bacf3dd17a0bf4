"""The evidence of a node, as `coinjecture_migration.evidence_reader.read` gives it, as metric families."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from coinjecture_migration.vocabulary import MODES, OUTCOMES
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)


def of(evidence: Mapping[str, Any]) -> list[Metric]:
    """Everything the evidence says.

    Raises:
        KeyError: It lacks something that the agreed format has. So do TypeError and ValueError.
    """
    families: list[Metric] = [
        _calls(evidence["totals"]),
        _rejects(evidence["rejected"]),
        CounterMetricFamily(
            "coinjecture_consensus_demotions",
            "Times the node has lowered its own mode since installation.",
            value=evidence["demotions"],
        ),
        _of_engines(
            "coinjecture_consensus_judge_seconds",
            "How long an engine took to judge a block, since installation.",
            evidence["latency"],
        ),
        _of_engines(
            "coinjecture_consensus_judge_cpu_seconds",
            "Processor time of accepts that both engines judged alike, since installation.",
            evidence.get("cpu", {}),  # an older wrapper beside this server has none
        ),
        _ratio(evidence["ratio"]),
    ]
    if evidence["flushed"] is not None:
        families.append(
            GaugeMetricFamily(
                "coinjecture_consensus_evidence_timestamp_seconds",
                "When the evidence was last written.",
                value=evidence["flushed"],
            )
        )
    if evidence["evidence"] is not None:
        families += [*_soak(evidence["evidence"]), _build(evidence["evidence"])]
    return families


def _calls(totals: Mapping[str, Mapping[str, int]]) -> Metric:
    """Every mode and outcome from the first scrape on, zeros too: `increase` sees a first one only so."""
    family = CounterMetricFamily(
        "coinjecture_consensus_calls",
        "Judging calls since installation, each under its one outcome.",
        labels=["mode", "outcome"],
    )
    for mode in MODES:
        for outcome in OUTCOMES:
            family.add_metric([mode, outcome], totals.get(mode, {}).get(outcome, 0))
    return family


def _rejects(rejected: Mapping[str, Mapping[str, int]]) -> Metric:
    family = CounterMetricFamily(
        "coinjecture_consensus_rejects", "Rejects answered since installation, by code.", labels=["reason"]
    )
    answered: Counter[str] = Counter()
    for codes in rejected.values():
        answered.update(codes)
    for code, count in sorted(answered.items()):
        family.add_metric([code], count)
    return family


def _of_engines(name: str, told: str, found: Mapping[str, Mapping[str, Any]]) -> Metric:
    family = HistogramMetricFamily(name, told, labels=["engine"])
    for engine, histogram in sorted(found.items()):
        family.add_metric([engine], buckets(histogram), sum_value=histogram["sum"])
    return family


def _ratio(ratio: Mapping[str, Any]) -> Metric:
    family = HistogramMetricFamily(
        "coinjecture_consensus_ratio",
        "Rust's time over legacy's for the same accepted block, since installation.",
    )
    family.add_metric([], buckets(ratio), sum_value=ratio["sum"])
    return family


def buckets(histogram: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Prometheus buckets, each with all that is below its edge, of counts a bucket.

    Raises:
        ValueError: The counts do not fit the edges or their number.
    """
    bounds, counts = histogram["bounds"], histogram["counts"]
    if len(counts) != len(bounds) + 1 or sum(counts) != histogram["count"]:
        raise ValueError(
            f"{len(counts)} counts of {sum(counts)} do not fit {len(bounds)} edges of {histogram['count']}"
        )
    total, found = 0.0, []
    for edge, count in zip([*bounds, float("inf")], counts, strict=True):
        total += count
        found.append(("+Inf" if math.isinf(edge) else repr(float(edge)), total))
    return found


def _soak(evidence: Mapping[str, Any]) -> list[Metric]:
    """The soak that is running."""
    calls = GaugeMetricFamily(
        "coinjecture_consensus_soak_calls", "Judging calls of the running soak.", labels=["outcome"]
    )
    for outcome in OUTCOMES:
        calls.add_metric([outcome], evidence["outcomes"][outcome])
    families: list[Metric] = [
        calls,
        GaugeMetricFamily(
            "coinjecture_consensus_soak_started_timestamp_seconds",
            "Start of the running soak.",
            value=evidence["soak_started"],
        ),
        GaugeMetricFamily(
            "coinjecture_consensus_soak_restarts",
            "Restarts of the node within the running soak.",
            value=evidence["restarts"],
        ),
    ]
    if evidence["last_call"] is not None:
        families.append(
            GaugeMetricFamily(
                "coinjecture_consensus_last_call_timestamp_seconds",
                "When a block was last judged.",
                value=evidence["last_call"],
            )
        )
    return families


def _build(evidence: Mapping[str, Any]) -> Metric:
    """What runs: release (hash of the wheel), its version, Python and libc."""
    named = {name: str(evidence.get(name) or "") for name in ("release", "version", "python", "libc")}
    return InfoMetricFamily("coinjecture_consensus_build", "What judges on this node.", value=named)
