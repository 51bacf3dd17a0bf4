"""Alertmanager's configuration for every kind of receiver, and what Prometheus is told to scrape."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.support import rendered, tool

WEBHOOK = {"webhook": [{"url": "http://127.0.0.1:9900/alerts"}]}
EMAIL = {"email": [{"to": "ops@example.org", "from": "a@example.org", "smarthost": "mail.example.org:587"}]}
SLACK = {"slack": [{"api_url": "https://hooks.example.org/services/x", "channel": "#alerts"}]}
PAGERDUTY = {"pagerduty": [{"routing_key": "a-key"}]}
NODES = [
    {"name": "node1", "metrics": "10.0.0.1:9478", "api": "http://10.0.0.1:8080"},
    {"name": "node2", "metrics": "10.0.0.2:9478", "api": "http://10.0.0.2:8080"},
]
HOSTS = [{"name": "node1", "address": "10.0.0.1:9100"}, {"name": "monitor", "address": "127.0.0.1:9100"}]


def check(*command: str | Path) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "receivers", [WEBHOOK, EMAIL, SLACK, PAGERDUTY, WEBHOOK | EMAIL | SLACK | PAGERDUTY],
    ids=["webhook", "email", "slack", "pagerduty", "all"],
)  # fmt: skip
def test_given_any_kind_of_receiver_then_amtool_accepts_the_configuration(
    tmp_path: Path, receivers: dict[str, Any]
) -> None:
    config = rendered(tmp_path, "alertmanager.yml", monitoring_receivers=receivers)
    check(tool("amtool"), "check-config", config)
    told = {name: kinds for name, *kinds in map(kinds_of, yaml.safe_load(config.read_text())["receivers"])}
    assert sorted(told["people"]) == sorted(f"{kind}_configs" for kind in receivers if kind != "pagerduty")
    assert told["pager"] == (["pagerduty_configs"] if "pagerduty" in receivers else [])


def kinds_of(receiver: dict[str, Any]) -> list[str]:
    return [receiver["name"], *(key for key in receiver if key != "name")]


@pytest.mark.parametrize(("severity", "receivers"), [("page", "pager,people"), ("ticket", "people")])
def test_given_a_severity_then_a_ticket_wakes_nobody(tmp_path: Path, severity: str, receivers: str) -> None:
    config = rendered(tmp_path, "alertmanager.yml", monitoring_receivers=WEBHOOK | PAGERDUTY)
    route = check(
        tool("amtool"), "config", "routes", "test", f"--config.file={config}", f"severity={severity}"
    )
    assert route.strip() == receivers


def test_given_nodes_then_prometheus_scrapes_each_by_its_name(tmp_path: Path) -> None:
    config = rendered(tmp_path, "prometheus.yml", monitoring_nodes=NODES, monitoring_hosts=HOSTS)
    check(tool("promtool"), "check", "config", "--syntax-only", config)
    jobs = {job["job_name"]: job for job in yaml.safe_load(config.read_text())["scrape_configs"]}
    scraped = {
        name: [(one["targets"][0], one["labels"]["node"]) for one in jobs[name]["static_configs"]]
        for name in ("coinjecture", "api", "host")
    }
    assert scraped == {
        "coinjecture": [("10.0.0.1:9478", "node1"), ("10.0.0.2:9478", "node2")],
        "api": [("http://10.0.0.1:8080/health", "node1"), ("http://10.0.0.2:8080/health", "node2")],
        "host": [("10.0.0.1:9100", "node1"), ("127.0.0.1:9100", "monitor")],
    }
