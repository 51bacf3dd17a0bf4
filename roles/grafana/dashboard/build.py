"""Makes Grafana's JSON of the panels, with Grafana's own builders."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import MODES
from roles.grafana.dashboard.panels import ALERTS_PAGE, ANNOTATIONS, ROWS, Annotation, Panel

UID = "coinjecture-migration"
OURS = "coinjecture"
"""The data source that the role sets up; elsewhere the reader chooses one."""
DATA_SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
RUNBOOK = "https://runbook.invalid/docs/alerts.md"
"""Where the runbook is, until the role or the reader says so."""
COLORS = ("gray", "blue", "orange", "green")  # of the modes in their order
HEIGHT = 7  # grid units
MAKERS: dict[str, Any] = {
    "timeseries": timeseries.Panel,
    "bars": timeseries.Panel,
    "state": statetimeline.Panel,
    "stat": stat.Panel,
    "bar": bargauge.Panel,
    "table": table.Panel,
}


def encode() -> str:
    """The dashboard as the text of its file."""
    board = json.loads(JSONEncoder().encode(build()))
    for panel in board["panels"]:
        if panel.get("options", ...) is None:
            del panel["options"]  # the library writes null for a panel without; Grafana wants none
    for mark, told in zip(board["annotations"]["list"], ANNOTATIONS, strict=True):
        # What Prometheus' annotations have besides, which the library has no type for.
        mark |= {"titleFormat": told.title, "textFormat": told.text, "step": "15s"}
    return json.dumps(board, sort_keys=True, indent=1) + "\n"


def build() -> models.Dashboard:
    """The dashboard."""
    board = (
        dashboard.Dashboard("COINjecture: from Python to Rust")
        .uid(UID)
        .tags(["coinjecture", "generated"])
        .time("now-6h", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(
            dashboard.DashboardLink("What each alert means, and what to do")
            .type(models.DashboardLinkType.LINK)
            .icon("doc")
            .target_blank(True)
            .url(ALERTS_PAGE)
        )
    )
    for variable in _variables():
        board = board.with_variable(variable)
    for annotation in ANNOTATIONS:
        board = board.annotation(_annotation(annotation))
    ids = count(1)
    for row in ROWS:
        board = board.with_row(dashboard.Row(row.title).id(next(ids)))
        for panel in row.panels:
            board = board.with_panel(_panel(panel).id(next(ids)))
    return board.build()


def _variables() -> list[Any]:
    """What a reader chooses: the Prometheus, the nodes; and where the links to the runbook lead."""
    ours = models.VariableOption(selected=True, text=OURS, value=OURS)
    every = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    link = models.VariableOption(selected=True, text=RUNBOOK, value=RUNBOOK)
    return [
        dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus").current(ours),
        dashboard.QueryVariable("node")
        .label("Node")
        .datasource(DATA_SOURCE)
        .query("label_values(coinjecture_chain_height, node)")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(every),
        dashboard.TextBoxVariable("runbook").label("Runbook").default_value(RUNBOOK).current(link),
    ]


def _annotation(told: Annotation) -> Any:
    """The builder of one kind of marks."""
    return (
        dashboard.AnnotationQuery()
        .name(told.name)
        .datasource(DATA_SOURCE)
        .enable(True)
        .expr(told.expr)
        .icon_color(told.color)
    )


def _panel(panel: Panel) -> Any:
    """The builder of one panel."""
    built = (
        MAKERS[panel.kind]()
        .title(panel.title)
        .description(panel.means)
        .datasource(DATA_SOURCE)
        .unit(panel.unit)
        .span(panel.width)
        .height(HEIGHT)
    )
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(65 + number))
        if panel.kind in ("bar", "stat", "table"):
            target = target.instant()
        built = built.with_target(target)
    if panel.alert:
        link = dashboard.DashboardLink(f"Runbook: {panel.alert}").type(models.DashboardLinkType.LINK)
        built = built.links([link.target_blank(True).url(f"{ALERTS_PAGE}#{panel.alert.lower()}")])
    if panel.limit is not None:
        built = built.thresholds(_limit(panel.limit, panel.bad_below))
    return _shape(panel, built)


def _limit(limit: float, bad_below: bool) -> Any:
    """Green on the good side of the limit, red on the other."""
    below, above = ("red", "green") if bad_below else ("green", "red")
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=None, color=below), models.Threshold(value=limit, color=above)])
    )


def _shape(panel: Panel, built: Any) -> Any:
    """What only one kind of panel has."""
    if panel.kind == "state":
        options = {
            str(number): models.ValueMappingResult(text=mode, color=color, index=number)
            for number, (mode, color) in enumerate(zip(MODES, COLORS, strict=True))
        }
        return built.mappings([models.ValueMap(options=options)])
    if panel.kind == "bars":
        stacked = common.StackingConfig().mode(common_models.StackingMode.NORMAL)
        return built.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(60).stacking(stacked)
    if panel.kind == "bar":
        return built.min(0).max(1)
    if panel.kind == "timeseries" and panel.limit is not None:
        style = common_models.GraphTresholdsStyleMode.LINE
        return built.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    return built
