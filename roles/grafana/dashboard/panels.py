"""What the dashboard shows, as data: one entry a panel, in reading order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES

Kind = Literal["timeseries", "bars", "state", "stat", "bar", "table"]
CALLS, RATIO = "coinjecture_consensus_calls_total", "coinjecture_consensus_ratio_bucket"
SOAK = "coinjecture_consensus_soak"
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
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    means: str
    unit: str = "short"
    width: int = 8
    limit: float | None = None
    bad_below: bool = False


@dataclass(frozen=True)
class Row:
    """A heading and its panels."""

    title: str
    panels: tuple[Panel, ...]


def _mode(mode: str) -> str:
    return f'max by (node) (coinjecture_consensus_mode{{mode="{mode}"}})'


MIGRATION = Row(
    "Migration",
    (
        Panel(
            "Mode",
            "state",
            (Query(" + ".join(f"{number} * {_mode(mode)}" for number, mode in enumerate(MODES) if number)),),
            "The mode of each node over time.",
            width=12,
        ),
        Panel(
            "Soak",
            "bar",
            (
                Query(
                    f"clamp_max((time() - max by (node) ({SOAK}_started_timestamp_seconds))"
                    f" / max by (node) ({SOAK}_required_seconds > 0), 1)"
                ),
            ),
            "How much of the running soak's time is over. Its samples and its gate are in status.yml.",
            unit="percentunit",
            width=6,
        ),
        Panel(
            "Alerts firing",
            "stat",
            (Query('count(ALERTS{alertstate="firing"}) or vector(0)', "alerts"),),
            "Alerts that fire now.",
            width=3,
            limit=1,
        ),
        Panel(
            "Latched",
            "stat",
            (Query("sum(coinjecture_consensus_latched)", "nodes"),),
            "Nodes that lowered their own mode and wait for somebody to look.",
            width=3,
            limit=1,
        ),
    ),
)

ENGINES = Row(
    "The two engines",
    (
        Panel(
            "Divergences since installation",
            "timeseries",
            (Query("consensus_divergence_count"),),
            "Blocks on which the engines disagreed. It has to stay at zero.",
            limit=1,
        ),
        Panel(
            "Error rate of the Rust engine by phase",
            "timeseries",
            (
                Query(
                    f'sum by (node, mode) (rate({CALLS}{{outcome="rust_error"}}[5m]))'
                    f" / (sum by (node, mode) (rate({CALLS}[5m])) > 0)",
                    "{{node}} {{mode}}",
                ),
            ),
            "Share of the calls that ended in a Rust error; shadow is phase 1, rust 2, final 3.",
            unit="percentunit",
            limit=0.001,
        ),
        Panel(
            "Blocks verified",
            "timeseries",
            (Query("block_verification_success_rate"),),
            "Share of the calls in which the answering engine gave a verdict; a reject is one.",
            unit="percentunit",
            limit=1,
            bad_below=True,
        ),
        Panel(
            "Rust and legacy, time to judge a block",
            "timeseries",
            (
                Query("rust_consensus_latency_ms", "{{node}} rust p{{quantile}}"),
                Query("legacy_consensus_latency_ms", "{{node}} legacy p{{quantile}}"),
                Query("legacy_consensus_baseline_ms", "{{node}} baseline p{{quantile}}"),
            ),
            "Median and 99th percentile of five minutes; the baseline is all that legacy has judged.",
            unit="ms",
            width=12,
        ),
        Panel(
            "Rust's time over legacy's for the same block",
            "timeseries",
            tuple(
                Query(
                    f"histogram_quantile({share}, sum by (node, le) (rate({RATIO}[5m])))",
                    f"{{{{node}}}} p{share}",
                )
                for share in (0.5, 0.99)
            ),
            "Above 1 Rust was the slower one.",
            width=12,
            limit=1,
        ),
        Panel(
            "Calls by outcome",
            "bars",
            (Query(f"sum by (node, outcome) (rate({CALLS}[1m])) > 0", "{{node}} {{outcome}}"),),
            "Every call ends in one outcome.",
            unit="reqps",
            width=12,
        ),
        Panel(
            "Rejects by reason",
            "bars",
            (Query("sum by (reason) (rate(coinjecture_consensus_rejects_total[1m]))", "{{reason}}"),),
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
            (Query("coinjecture_chain_height"),),
            "Height of each node's best tip.",
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
            "1 where the nodes have the same blocks at every height that both have.",
            limit=1,
            bad_below=True,
            width=4,
        ),
        Panel(
            "Clients answered",
            "timeseries",
            (Query('avg by (node) (avg_over_time(probe_success{job="api"}[5m]))'),),
            "Share of the monitoring host's requests that each node's API has answered.",
            unit="percentunit",
            limit=1,
            bad_below=True,
            width=6,
        ),
        Panel(
            "Time to answer",
            "timeseries",
            (Query('max by (node) (probe_duration_seconds{job="api"})'),),
            "How long a request of the monitoring host to /health took.",
            unit="s",
            width=6,
        ),
        Panel(
            "What runs",
            "table",
            (Query("max by (node, release, python, libc) (coinjecture_consensus_build_info)"),),
            "Release (hash of the wheel), Python and libc of each node.",
            width=12,
        ),
        Panel(
            "Memory in use",
            "timeseries",
            (
                Query(
                    "1 - max by (node) (node_memory_MemAvailable_bytes)"
                    " / max by (node) (node_memory_MemTotal_bytes)"
                ),
            ),
            "Of the host.",
            unit="percentunit",
            width=6,
        ),
        Panel(
            "Processor in use",
            "timeseries",
            (Query('1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[1m]))'),),
            "Of the host. Look here first when latency is up.",
            unit="percentunit",
            width=6,
        ),
    ),
)

ROWS = (MIGRATION, ENGINES, NETWORK)
