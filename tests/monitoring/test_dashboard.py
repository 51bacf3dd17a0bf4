"""The dashboard that is checked in is the generated one, and it asks only for what there is."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import OUTCOMES
from roles.grafana.dashboard.__main__ import TARGET
from roles.grafana.dashboard.build import RUNBOOK, UID, encode
from roles.grafana.dashboard.panels import ROWS
from tests.monitoring.support import RECORDING, ROOT, tool

BOARD = json.loads(TARGET.read_text())


def queries() -> Iterator[str]:
    """Every query of the dashboard."""
    for panel in BOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def test_given_the_dashboard_that_is_checked_in_then_it_is_what_is_generated() -> None:
    assert TARGET.read_text() == encode(), "run python -m roles.grafana.dashboard and commit what it wrote"


def test_given_the_dashboard_then_every_panel_says_what_it_means_and_asks_the_chosen_source() -> None:
    panels = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
    assert BOARD["uid"] == UID
    assert len(panels) >= 12
    for panel in panels:
        assert panel["title"] and panel["description"] and panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@pytest.mark.parametrize(
    "title",
    ["Mode", "Soak", "Divergences since installation", "Rust and legacy, time to judge a block",
     "Error rate of the Rust engine by phase", "Height", "Agreement below the confirmation depth",
     "Clients answered"],
)  # fmt: skip
def test_given_what_the_plan_asks_for_then_there_is_a_panel_for_it(title: str) -> None:
    assert title in {panel["title"] for panel in BOARD["panels"]}


def test_given_every_query_then_promtool_can_read_it(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(queries())]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    told = subprocess.run(
        [tool("promtool"), "check", "rules", path], check=False, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr


def test_given_every_query_then_its_metrics_are_known() -> None:
    exporter = "".join(path.read_text() for path in ROOT.glob("roles/metrics/files/**/*.py"))
    recorded: set[Any] = {
        rule["record"] for group in yaml.safe_load(RECORDING.read_text())["groups"] for rule in group["rules"]
    }
    for expr in queries():
        for name in re.findall(r"\b(?:coinjecture|rust|legacy|consensus|block)_\w+", expr):
            if name in OUTCOMES:
                continue  # the value of a label
            base = re.sub(r"_(total|bucket|info)$", "", name)
            assert f'"{base}"' in exporter or name in recorded, f"{name} is nobody's metric"


def variables() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in BOARD["templating"]["list"]}


def test_given_any_grafana_then_it_asks_for_its_data_source_for_nodes_and_for_the_runbook() -> None:
    assert (variables()["datasource"]["type"], variables()["datasource"]["query"]) == (
        "datasource",
        "prometheus",
    )
    node = variables()["node"]
    assert (node["type"], node["multi"], node["includeAll"], node["allValue"]) == ("query", True, True, ".*")
    assert node["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert variables()["runbook"]["query"] == RUNBOOK


def test_given_a_query_about_single_nodes_then_it_asks_for_those_that_were_chosen() -> None:
    asked = [*queries(), *(mark["expr"] for mark in BOARD["annotations"]["list"])]
    of_all = [expr for expr in asked if "$node" not in expr]
    assert len(of_all) == 2, "only the alerts, and whether all nodes agree"
    for expr in set(asked) - set(of_all):
        assert expr.count('node=~"$node"') == len(re.findall(r"\{", expr))


def test_given_the_dashboard_then_the_builders_types_of_grafana_10_hold_all_of_it() -> None:
    """What they do not know is lost on the way through them; what Prometheus adds to annotations is ours."""
    typed = json.loads(JSONEncoder().encode(models.Dashboard.from_json(BOARD)))
    beside = {"titleFormat", "textFormat", "step"}
    for mark in BOARD["annotations"]["list"]:
        assert beside < set(mark)
    marks = [{key: mark[key] for key in mark if key not in beside} for mark in BOARD["annotations"]["list"]]
    for key in ("annotations", "templating", "links", "time", "refresh", "schemaVersion", "tags", "uid"):
        assert typed[key] == (BOARD[key] if key != "annotations" else {"list": marks})
    for told, panel in zip(typed["panels"], BOARD["panels"], strict=True):
        lost = {key for key in panel if key not in told or told[key] != panel[key]}
        assert not lost - {"targets", "fieldConfig", "options"}, panel["title"]
    assert BOARD["schemaVersion"] <= 38, (
        "that of Grafana 10.0: a newer one lifts it, an older one may not read it"
    )
    assert {panel["type"] for panel in BOARD["panels"]} <= {
        "row", "timeseries", "state-timeline", "stat", "bargauge", "table",
    }  # fmt: skip


def test_given_steps_and_demotions_then_they_are_marked_in_every_panel(tmp_path: Path) -> None:
    marks = {mark["name"]: mark for mark in BOARD["annotations"]["list"]}
    assert set(marks) == {"Steps", "Demotions"}
    assert marks["Steps"]["titleFormat"] == "{{node}}: {{mode}}"
    cases = {
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {
                        "series": 'coinjecture_consensus_journal_mode{node="n1",mode="legacy"}',
                        "values": "1x20 0x20",
                    },
                    {
                        "series": 'coinjecture_consensus_journal_mode{node="n1",mode="shadow"}',
                        "values": "0x20 1x20",
                    },
                ],
                "promql_expr_test": [
                    {
                        "expr": marks["Steps"]["expr"].replace("$node", ".*"),
                        "eval_time": when,
                        "exp_samples": [
                            {
                                "labels": 'coinjecture_consensus_journal_mode{node="n1",mode="shadow"}',
                                "value": 1,
                            }
                        ]
                        * found,
                    }
                    for when, found in (("5m", 0), ("5m30s", 1), ("8m", 0))
                ],
            }
        ],
    }
    path = tmp_path / "cases.yml"
    path.write_text(yaml.safe_dump(cases))
    told = subprocess.run(
        [tool("promtool"), "test", "rules", path], check=False, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_given_a_panel_with_an_alert_then_it_links_to_its_section_of_the_runbook() -> None:
    sections = set(re.findall(r"^### (\w+)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE))
    named = {panel.alert for row in ROWS for panel in row.panels if panel.alert}
    assert named <= sections
    assert len(named) >= 8
    links = [link["url"] for panel in BOARD["panels"] for link in panel.get("links") or ()]
    assert set(links) == {f"${{runbook}}#{name.lower()}" for name in named}
    assert [link["url"] for link in BOARD["links"]] == ["${runbook}"]


def test_given_a_value_that_is_bad_then_its_panel_has_a_threshold() -> None:
    without = {
        panel["title"]
        for panel in BOARD["panels"]
        if panel["type"] != "row" and "thresholds" not in panel["fieldConfig"]["defaults"]
    }
    assert without == {
        "Mode", "Soak", "Rust and legacy, time to judge a block", "Calls by outcome", "Rejects by reason",
        "Height", "What runs",
    }  # fmt: skip
