"""Alertmanager's configuration as the inventory has it, and what Prometheus is told to scrape."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.support import ROOT, rendered, tool

PEOPLE = {"name": "people", "webhook_configs": [{"url": "http://127.0.0.1:9900/alerts"}]}
CHAT = {"name": "chat", "telegram_configs": [{"bot_token": "a-token", "chat_id": 42}]}
PAGER = {"name": "pager", "pagerduty_configs": [{"routing_key": "a-key"}]}
ROUTE = {
    "receiver": "people",
    "routes": [
        {"receiver": "pager", "matchers": ['severity="page"'], "continue": True},
        {"receiver": "people"},
    ],
}
# As version 4.0 had them.
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


def test_given_a_receiver_of_any_kind_then_it_is_passed_on_as_it_is(tmp_path: Path) -> None:
    config = rendered(tmp_path, "alertmanager.yml", monitoring_receivers=[CHAT, PAGER])
    check(tool("amtool"), "check-config", config)
    written = yaml.safe_load(config.read_text())
    assert written["receivers"] == [CHAT, PAGER]
    assert written["route"]["receiver"] == "chat", "without a route the first is told of everything"
    assert written["route"]["group_wait"] == "0s", "at once"


@pytest.mark.parametrize(("severity", "receivers"), [("page", "pager,people"), ("ticket", "people")])
def test_given_a_route_then_it_is_followed(tmp_path: Path, severity: str, receivers: str) -> None:
    told = {"monitoring_receivers": [PEOPLE, PAGER], "monitoring_route": ROUTE}
    config = rendered(tmp_path, "alertmanager.yml", **told)
    assert yaml.safe_load(config.read_text()) == {"route": ROUTE, "receivers": [PEOPLE, PAGER]}
    assert route(config, severity) == receivers


def route(config: Path, severity: str) -> str:
    """Who is told of an alert."""
    where = ("config", "routes", "test", f"--config.file={config}")
    return check(tool("amtool"), *where, f"severity={severity}").strip()


def checked(folder: Path, variables: dict[str, Any], program: str = "ansible-playbook") -> str:
    """What the role says of who is told, before it does anything."""
    task = {
        "name": "Check who is told",
        "ansible.builtin.include_role": {
            "name": "coinjecture.migration.monitoring",
            "tasks_from": "receivers",
        },
    }
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    (folder / "vars.json").write_text(json.dumps(variables))
    command = [program, "-i", "localhost,", "-c", "local", "-e", f"@{folder}/vars.json"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(
        [*command, str(folder / "play.yml")],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    return f"{done.returncode} {done.stdout}{done.stderr}"


@pytest.mark.parametrize("program", ["ansible-playbook", ".venv/ansible-oldest/bin/ansible-playbook"])
@pytest.mark.parametrize("receivers", [[], [{"name": "people"}], {}, {"webhook": []}])
def test_given_nobody_to_tell_then_the_refusal_says_so(tmp_path: Path, receivers: Any, program: str) -> None:
    said = checked(tmp_path, {"monitoring_receivers": receivers}, program)
    assert said.startswith("2 ")
    assert "monitoring_receivers is empty, so no alert would reach anybody" in said


def test_given_a_route_to_nobody_then_the_refusal_names_the_receiver(tmp_path: Path) -> None:
    said = checked(tmp_path, {"monitoring_receivers": [PEOPLE], "monitoring_route": ROUTE})
    assert said.startswith("2 ")
    assert "monitoring_route names pager, and monitoring_receivers has none of that name" in said


@pytest.mark.parametrize(
    ("variables", "old"),
    [
        ({"monitoring_receivers": [PEOPLE]}, False),
        ({"monitoring_receivers": WEBHOOK}, True),
        ({"monitoring_receivers": [PEOPLE], "monitoring_repeat_interval": "1h"}, True),
    ],
)
def test_given_what_the_last_version_had_then_it_is_said(
    tmp_path: Path, variables: dict[str, Any], old: bool
) -> None:
    said = checked(tmp_path, variables)
    assert said.startswith("0 "), said
    assert ("are of version 4.0" in said) is old


@pytest.mark.parametrize(
    "receivers", [WEBHOOK, EMAIL, SLACK, PAGERDUTY, WEBHOOK | EMAIL | SLACK | PAGERDUTY],
    ids=["webhook", "email", "slack", "pagerduty", "all"],
)  # fmt: skip
def test_given_receivers_by_kind_then_amtool_accepts_the_configuration(
    tmp_path: Path, receivers: dict[str, Any]
) -> None:
    config = rendered(tmp_path, "receivers_by_kind.yml", monitoring_receivers=receivers)
    check(tool("amtool"), "check-config", config)
    told = {name: kinds for name, *kinds in map(kinds_of, yaml.safe_load(config.read_text())["receivers"])}
    assert sorted(told["people"]) == sorted(f"{kind}_configs" for kind in receivers if kind != "pagerduty")
    assert told["pager"] == (["pagerduty_configs"] if "pagerduty" in receivers else [])


def kinds_of(receiver: dict[str, Any]) -> list[str]:
    return [receiver["name"], *(key for key in receiver if key != "name")]


@pytest.mark.parametrize(("severity", "receivers"), [("page", "pager,people"), ("ticket", "people")])
def test_given_receivers_by_kind_then_a_ticket_wakes_nobody(
    tmp_path: Path, severity: str, receivers: str
) -> None:
    told = {"monitoring_receivers": WEBHOOK | PAGERDUTY, "monitoring_repeat_interval": "1h"}
    config = rendered(tmp_path, "receivers_by_kind.yml", **told)
    assert route(config, severity) == receivers
    assert yaml.safe_load(config.read_text())["route"]["repeat_interval"] == "1h"


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
