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

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import OUTCOMES
from roles.grafana.dashboard.__main__ import TARGET
from roles.grafana.dashboard.build import UID, encode
from tests.monitoring.support import RECORDING, ROOT, tool

BOARD = json.loads(TARGET.read_text())


def queries() -> Iterator[str]:
    """Every query of the dashboard."""
    for panel in BOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def test_given_the_dashboard_that_is_checked_in_then_it_is_what_is_generated() -> None:
    assert TARGET.read_text() == encode(), "run python -m roles.grafana.dashboard and commit what it wrote"


def test_given_the_dashboard_then_every_panel_says_what_it_means_and_asks_our_data_source() -> None:
    panels = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
    assert BOARD["uid"] == UID
    assert len(panels) >= 12
    for panel in panels:
        assert panel["title"] and panel["description"] and panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "coinjecture"}
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
