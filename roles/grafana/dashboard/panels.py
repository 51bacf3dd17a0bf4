"""What the dashboard shows, as data: one entry a panel, in reading order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES

Kind = Literal["timeseries", "bars", "state", "stat", "bar", "table"]
CALLS, RATIO = "coinjecture_consensus_calls_total", "coinjecture_consensus_ratio_bucket"
SOAK = "coinjecture_consensus_soak"
CHOSEN = 'node=~"$node"'
"""Of the nodes that the reader has chosen; every query about single nodes asks so."""
ALERTS_PAGE = "${runbook}"
"""The address of docs/alerts.md, a variable of the dashboard."""
FINGERPRINT, HEIGHT = "coinjecture_chain_checkpoint_fingerprint", "coinjecture_chain_checkpoint_height"


@dataclass(frozen=True)
class Query:
    """One query and how its series are named; `{{label}}` stands for a label."""

    expr: str
    legend: str = "{{node}}"


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: Its heading.
        kind: How it is drawn.
        queries: What it asks.
        means: What the reader sees in it.
        unit: Grafana's name of the unit.
        width: Of 24 columns.
        limit: Value from which on it is drawn as bad; None: no value is.
        bad_below: Whether values below `limit` are the bad ones.
        alert: The alert on what it shows, whose section of the runbook it links to.
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    means: str
    unit: str = "short"
    width: int = 8
    limit: float | None = None
    bad_below: bool = False
    alert: str = ""


@dataclass(frozen=True)
class Annotation:
    """Marks in every panel: what a query finds, how it is named, and its colour."""

    name: str
    expr: str
    title: str
    text: str
    color: str


@dataclass(frozen=True)
class Row:
    """A heading and its panels."""

    title: str
    panels: tuple[Panel, ...]


def _mode(mode: str) -> str:
    return f'max by (node) (coinjecture_consensus_mode{{mode="{mode}",{CHOSEN}}})'


MIGRATION = Row(
    "Migration",
    (
        Panel(
            "Mode",
            "state",
            (Query(" + ".join(f"{number} * {_mode(mode)}" for number, mode in enumerate(MODES) if number)),),
            "The mode of each node over time.",
            width=12,
            alert="ModeDiffersFromJournal",
        ),
        Panel(
            "Soak",
            "bar",
            (
                Query(
                    f"clamp_max((time() - max by (node) ({SOAK}_started_timestamp_seconds{{{CHOSEN}}}))"
                    f" / max by (node) ({SOAK}_required_seconds{{{CHOSEN}}} > 0), 1)"
                ),
            ),
            "How much of the running soak's time is over. Its samples and its gate are in status.yml.",
            unit="percentunit",
            width=6,
            alert="SoakStalled",
        ),
        Panel(
            "Alerts firing",
            "stat",
            (Query('count(ALERTS{alertstate="firing"}) or vector(0)', "alerts"),),
            "Alerts that fire now, of all nodes.",
            width=3,
            limit=1,
        ),
        Panel(
            "Latched",
            "stat",
            (Query(f"sum(coinjecture_consensus_latched{{{CHOSEN}}})", "nodes"),),
            "Nodes that lowered their own mode and wait for somebody to look.",
            width=3,
            limit=1,
            alert="Demotion",
        ),
    ),
)

ENGINES = Row(
    "The two engines",
    (
        Panel(
            "Divergences since installation",
            "timeseries",
            (Query(f"consensus_divergence_count{{{CHOSEN}}}"),),
            "Blocks on which the engines disagreed. It has to stay at zero.",
            limit=1,
            alert="ConsensusDivergence",
        ),
        Panel(
            "Error rate of the Rust engine by phase",
            "timeseries",
            (
                Query(
                    f'sum by (node, mode) (rate({CALLS}{{outcome="rust_error",{CHOSEN}}}[5m]))'
                    f" / (sum by (node, mode) (rate({CALLS}{{{CHOSEN}}}[5m])) > 0)",
                    "{{node}} {{mode}}",
                ),
            ),
            "Share of the calls that ended in a Rust error; shadow is phase 1, rust 2, final 3.",
            unit="percentunit",
            limit=0.001,
            alert="RustErrors",
        ),
        Panel(
            "Blocks verified",
            "timeseries",
            (Query(f"block_verification_success_rate{{{CHOSEN}}}"),),
            "Share of the calls in which the answering engine gave a verdict; a reject is one.",
            unit="percentunit",
            limit=1,
            bad_below=True,
            alert="VerificationFailing",
        ),
        Panel(
            "Rust and legacy, time to judge a block",
            "timeseries",
            (
                Query(f"rust_consensus_latency_ms{{{CHOSEN}}}", "{{node}} rust p{{quantile}}"),
                Query(f"legacy_consensus_latency_ms{{{CHOSEN}}}", "{{node}} legacy p{{quantile}}"),
                Query(f"legacy_consensus_baseline_ms{{{CHOSEN}}}", "{{node}} baseline p{{quantile}}"),
            ),
            "Median and 99th percentile of five minutes; the baseline is all that legacy has judged.",
            unit="ms",
            width=12,
            alert="RustLatencyAboveLegacy",
        ),
        Panel(
            "Rust's time over legacy's for the same block",
            "timeseries",
            tuple(
                Query(
                    f"histogram_quantile({share}, sum by (node, le) (rate({RATIO}{{{CHOSEN}}}[5m])))",
                    f"{{{{node}}}} p{share}",
                )
                for share in (0.5, 0.99)
            ),
            "Above 1 Rust was the slower one. Single pairs decide nothing: the gate compares all durations.",
            unit="none",
            width=12,
            limit=1,
        ),
        Panel(
            "Calls by outcome",
            "bars",
            (Query(f"sum by (node, outcome) (rate({CALLS}{{{CHOSEN}}}[1m])) > 0", "{{node}} {{outcome}}"),),
            "Every call ends in one outcome.",
            unit="reqps",
            width=12,
        ),
        Panel(
            "Rejects by reason",
            "bars",
            (
                Query(
                    f"sum by (reason) (rate(coinjecture_consensus_rejects_total{{{CHOSEN}}}[1m]))",
                    "{{reason}}",
                ),
            ),
            "Rejects are compared too; a soak needs them.",
            unit="reqps",
            width=12,
        ),
    ),
)

NETWORK = Row(
    "The network",
    (
        Panel(
            "Height",
            "timeseries",
            (Query(f"coinjecture_chain_height{{{CHOSEN}}}"),),
            "Height of each node's best tip.",
            unit="none",
            alert="HeightStalled",
        ),
        Panel(
            "Agreement below the confirmation depth",
            "stat",
            (
                Query(
                    f"min((max by (slot) ({FINGERPRINT}) == bool min by (slot) ({FINGERPRINT}))"
                    f" and on (slot) (max by (slot) ({HEIGHT}) == min by (slot) ({HEIGHT})))",
                    "agree",
                ),
            ),
            "1 where all nodes have the same blocks at every height that all have.",
            unit="none",
            limit=1,
            bad_below=True,
            alert="ChainFork",
            width=4,
        ),
        Panel(
            "Clients answered",
            "timeseries",
            (Query(f'avg by (node) (avg_over_time(probe_success{{job="api",{CHOSEN}}}[5m]))'),),
            "Share of the monitoring host's requests that each node's API has answered.",
            unit="percentunit",
            limit=1,
            bad_below=True,
            alert="NodeSilent",
            width=6,
        ),
        Panel(
            "Time to answer",
            "timeseries",
            (Query(f'max by (node) (probe_duration_seconds{{job="api",{CHOSEN}}})'),),
            "How long a request of the monitoring host to /health took.",
            unit="s",
            width=6,
            limit=1,
        ),
        Panel(
            "What runs",
            "table",
            (Query(f"max by (node, release, python, libc) (coinjecture_consensus_build_info{{{CHOSEN}}})"),),
            "Release (hash of the wheel), Python and libc of each node.",
            width=12,
        ),
        Panel(
            "Memory in use",
            "timeseries",
            (
                Query(
                    f"1 - max by (node) (node_memory_MemAvailable_bytes{{{CHOSEN}}})"
                    f" / max by (node) (node_memory_MemTotal_bytes{{{CHOSEN}}})"
                ),
            ),
            "Of the host.",
            unit="percentunit",
            width=6,
            limit=0.9,
        ),
        Panel(
            "Processor in use",
            "timeseries",
            (Query(f'1 - avg by (node) (rate(node_cpu_seconds_total{{mode="idle",{CHOSEN}}}[1m]))'),),
            "Of the host. Look here first when latency is up.",
            unit="percentunit",
            width=6,
            limit=0.9,
        ),
    ),
)

ROWS = (MIGRATION, ENGINES, NETWORK)

ANNOTATIONS = (
    Annotation(
        "Steps",
        f"coinjecture_consensus_journal_mode{{{CHOSEN}}} == 1"
        f" unless on (node, mode) coinjecture_consensus_journal_mode{{{CHOSEN}}} offset 1m == 1",
        "{{node}}: {{mode}}",
        "its step journal tells of a step or a rollback",
        "blue",
    ),
    Annotation(
        "Demotions",
        f"sum by (node) (increase(coinjecture_consensus_demotions_total{{{CHOSEN}}}[1m])) > 0",
        "{{node}} lowered its own mode",
        "it stays there until somebody acknowledges",
        "red",
    ),
)
