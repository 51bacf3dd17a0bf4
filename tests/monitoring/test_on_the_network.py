"""Monitoring on the local network: its sockets, a divergence on its way to a person, the panels' queries."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testnet.lab import network
from testnet.lab.plan import MONITOR, NODES, ROOT, USERS
from testnet.machine.docker import Docker, require_docker
from testnet.rehearsal.dashboard import ask, panels
from testnet.rehearsal.droplet import Remote, UnreadableError
from tests.monitoring.support import await_true

pytestmark = pytest.mark.droplets

NODE1, NODE2 = (Remote(node) for node in NODES)
WATCHER, STRANGER = Remote(MONITOR), Remote(USERS)
EXPORTER = "prometheus-node-exporter"
LOOK = "coinjecture-look.service"
RECEIVER = Path(__file__).parent / "on_the_monitor/receiver.py"
ARRIVES_WITHIN = 30.0  # seconds from the divergence to the person, as promised
OPENED = {
    "node1": {"10.77.0.11:9100", "10.77.0.11:9478"},
    "node2": {"10.77.0.12:9100", "10.77.0.12:9478"},
    "monitor": {"127.0.0.1:9090", "127.0.0.1:9093", "127.0.0.1:9100", "127.0.0.1:9115"},
    "users": set[str](),
}
SERVICES = f"http://{MONITOR.address}:9901"
EVENTS = {
    "events_sentry_dsn": SERVICES.replace("//", "//a-key@") + "/42",
    "events_datadog_api_key": "another-key",
    "events_datadog_url": SERVICES,
}
FAULT = {"wheel_features": ["faults"], "wrapper_fault": "divergence"}


def play(name: str, *arguments: str) -> str:
    """Run a playbook as typed and return what it said."""
    done = subprocess.run(
        ["ansible-playbook", f"playbooks/{name}.yml", *arguments],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=560,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def monitor(*arguments: str) -> str:
    """Run monitoring.yml with Sentry and Datadog, as they are here."""
    return play("monitoring", "-e", json.dumps(EVENTS), *arguments)


def changed(recap: str) -> dict[str, int]:
    """How many tasks changed something, by host."""
    return {host: int(count) for host, count in re.findall(r"^(\w+) +: .*changed=(\d+)", recap, re.MULTILINE)}


def sockets() -> dict[str, set[str]]:
    """What listens on every host, TCP and UDP; the container engine's resolver is not the host's."""
    found = {}
    for remote in (NODE1, NODE2, WATCHER, STRANGER):
        lines = remote.ssh("ss", "-Hltun").decode().splitlines()
        found[remote.name] = {line.split()[4] for line in lines if "127.0.0.11:" not in line}
    return found


def prometheus(path: str) -> Any:
    """What Prometheus answers on the monitoring host."""
    answer = json.loads(WATCHER.ssh("curl", "-sS", f"'http://127.0.0.1:9090/api/v1/{path}'"))
    assert answer["status"] == "success", answer
    return answer["data"]


@dataclass
class Watched:
    """The network with the monitoring on it."""

    docker: Docker
    before: dict[str, set[str]]
    announced: dict[str, int]
    after: dict[str, set[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """The local network, monitored, with a receiver of alerts; it goes afterwards."""
    network.up()
    docker = require_docker()
    watched = Watched(docker, sockets(), changed(monitor("--check", "--diff")))
    assert sockets() == watched.before, "a check changes nothing"
    monitor()
    watched.after = sockets()
    start = "cat >/var/tmp/receiver.py && systemd-run --quiet --unit=receiver python3 /var/tmp/receiver.py"
    docker.execute(MONITOR.container, "sh", "-c", start, stdin=RECEIVER.read_text())
    yield watched
    network.down()


def requests(path: str) -> list[dict[str, Any]]:
    """Every request to a path that has reached the receiver, with the time of its arrival."""
    lines = WATCHER.ssh("touch", "/var/tmp/received.jsonl", "&&", "cat", "/var/tmp/received.jsonl")
    told = [json.loads(line) for line in lines.decode().splitlines()]
    return [one for one in told if one["path"] == path]


def received() -> list[dict[str, Any]]:
    """Every alert that has reached the person, with the time of its arrival."""
    return [
        {"arrived": request["arrived"], **alert}
        for request in requests("/alerts")
        for alert in json.loads(request["body"])["alerts"]
    ]


def test_it_opens_exactly_the_sockets_it_lists(watched: Watched) -> None:
    opened = {host: watched.after[host] - watched.before[host] for host in OPENED}
    assert opened == OPENED
    assert all(watched.before[host] <= watched.after[host] for host in OPENED), "and closes none"


def test_a_check_on_a_fresh_network_announces_every_host(watched: Watched) -> None:
    assert set(watched.announced) == {"node1", "node2", "monitor"}
    assert all(count > 3 for count in watched.announced.values()), watched.announced


def test_the_page_lists_every_port_that_is_opened(watched: Watched) -> None:
    page = (ROOT / "docs/alerts.md").read_text()
    for socket in set().union(*OPENED.values()):
        assert socket.rpartition(":")[2] in page


def test_run_again_it_changes_nothing(watched: Watched) -> None:
    assert changed(monitor()) == {"node1": 0, "node2": 0, "monitor": 0}


@pytest.mark.parametrize("port", [9100, 9478])
def test_a_node_answers_the_monitoring_host_and_nobody_else(watched: Watched, port: int) -> None:
    ask = ("curl", "-sS", "--max-time", "3", "-o", "/dev/null", "-w", "%{http_code}")
    url = f"http://{NODES[0].address}:{port}/metrics"
    assert WATCHER.ssh(*ask, url) == b"200"
    for other in (NODE2, STRANGER):
        with pytest.raises(UnreadableError):
            other.ssh(*ask, url)


def confined(script: str) -> str:
    """What a shell script says that runs under the metrics server's own unit, in its place."""
    text = NODE2.ssh("systemctl", "cat", "coinjecture-metrics.service").decode()
    text = re.sub(r"ExecStart=.*", f"Type=oneshot\nExecStart=/bin/sh -c '{script}'", text)
    NODE2.ssh("tee", f"/run/systemd/system/{LOOK}", stdin=text.replace("Restart=always", "").encode())
    NODE2.ssh("systemctl", "start", LOOK)
    said = NODE2.ssh("journalctl", "--output=cat", f"--unit={LOOK}").decode()
    NODE2.ssh("rm", f"/run/systemd/system/{LOOK}")
    return said


def test_the_metrics_server_may_do_nothing_to_the_node(watched: Watched) -> None:
    shown = NODE1.ssh("systemd-analyze", "security", "--no-pager", "coinjecture-metrics.service").decode()
    score = re.search(r"Overall exposure level.*: ([\d.]+)", shown)
    assert score and float(score[1]) < 2.5, shown[-200:]
    pid = NODE2.ssh("systemctl", "show", "-P", "MainPID", "coinjecture-node.service").decode().strip()
    look = "cat /etc/coinjecture-metrics/metrics.json; ls /var/lib/coinjecture"
    said = confined(f"{look}; kill -CONT {pid}; true")
    assert '"node": "node2"' in said, "it reads its settings"
    assert "/var/lib/coinjecture': Permission denied" in said, "neither the chain nor its key"
    assert "kill: Operation not permitted" in said, "no signal to the process of the same user"


def test_every_target_is_scraped(watched: Watched) -> None:
    def silent() -> bool:
        targets = prometheus("targets?state=active")["activeTargets"]
        return len(targets) == 2 + 2 + 3 + 3 and all(target["health"] == "up" for target in targets)

    await_true(silent, "every target is up")


def test_a_divergence_reaches_a_person_in_time(watched: Watched) -> None:
    play("phase1", "-l", "node1", "-e", json.dumps(FAULT))
    await_true(
        lambda: any(alert["labels"]["alertname"] == "ConsensusDivergence" for alert in received()),
        "an alert at the receiver",
    )
    first = min(
        (alert for alert in received() if alert["labels"]["alertname"] == "ConsensusDivergence"),
        key=lambda alert: alert["arrived"],
    )
    assert first["labels"]["node"] == "node1"
    assert first["annotations"]["runbook_url"].endswith("#consensusdivergence")
    search = ("journalctl", "--output=json", "--lines=all", "COINJECTURE_KIND=divergence")
    entries = [json.loads(line) for line in NODE1.ssh(*search).decode().splitlines()]
    happened = int(entries[0]["__REALTIME_TIMESTAMP"]) / 1e6
    assert first["arrived"] - happened <= ARRIVES_WITHIN
    assert entries[0]["MESSAGE"] == "CONSENSUS DIVERGENCE"
    assert entries[0]["PRIORITY"] == "3"
    assert json.loads(entries[0]["COINJECTURE_RUST"])["engine"] == "rust"


def test_the_divergence_reaches_sentry_and_datadog_too(watched: Watched) -> None:
    sentry = await_true(lambda: requests("/api/42/envelope/"), "an event at Sentry")
    assert '"kind":"divergence"' in "".join(one["body"] for one in sentry).replace('": "', '":"')
    datadog = await_true(lambda: requests("/api/v1/events"), "an event at Datadog")
    assert "CONSENSUS DIVERGENCE (node1)" in {json.loads(one["body"])["title"] for one in datadog}


@pytest.mark.parametrize("title", panels())
def test_every_panel_of_the_dashboard_has_data(watched: Watched, title: str) -> None:
    queries = panels()[title]
    await_true(lambda: all(ask(WATCHER, queries)), f"data for every query of {title}: {queries}")


@pytest.mark.parametrize(
    "name",
    ["consensus_divergence_count", "rust_consensus_errors", "rust_consensus_latency_ms",
     "block_verification_success_rate"],
)  # fmt: skip
def test_the_plans_four_are_recorded_for_the_node_in_shadow(watched: Watched, name: str) -> None:
    await_true(lambda: [s for s in ask(WATCHER, [name])[0] if s["metric"]["node"] == "node1"], name)


def test_a_dead_metrics_server_is_an_alert_and_no_node_notices(watched: Watched) -> None:
    before = NODE1.ssh("systemctl", "show", "-P", "MainPID", "coinjecture-node.service")
    calls = NODE1.status()["evidence"]["calls"]
    NODE1.ssh("systemctl", "stop", "coinjecture-metrics.service")
    missing = await_true(
        lambda: [a for a in received() if a["labels"]["alertname"] == "MetricsMissing"], "MetricsMissing"
    )
    assert missing[0]["labels"]["node"] == "node1"
    await_true(lambda: NODE1.status()["evidence"]["calls"] > calls, "further blocks")
    assert NODE1.ssh("systemctl", "show", "-P", "MainPID", "coinjecture-node.service") == before
    monitor("-l", "node1")
    await_true(
        lambda: any(
            a["labels"]["alertname"] == "MetricsMissing" and a["status"] == "resolved" for a in received()
        ),
        "its end",
    )


@pytest.mark.soak
def test_given_a_node_without_the_package_then_a_check_says_so_and_a_run_fetches_it(watched: Watched) -> None:
    NODE2.ssh("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "purge", "-qq", "--yes", EXPORTER)
    assert f"would install {EXPORTER}" in monitor("--check", "-l", "node2")
    NODE2.ssh("test", "!", "-e", f"/etc/default/{EXPORTER}")
    monitor("-l", "node2")
    assert sockets()["node2"] == watched.after["node2"]
