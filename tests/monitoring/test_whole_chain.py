"""From a block the engines disagree on to Alertmanager's door: the metrics server and a real Prometheus.

Alertmanager itself needs its package installed: it runs in test_on_the_network.py.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.recorder import Recorder, recording
from tests.monitoring.support import RECORDING, await_true, render_alerts, rendered, tool
from tests.monitoring.test_dashboard import queries
from tests.monitoring.test_metrics_server import LIMIT, Server
from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, place, rust
from tests.wrapper.double import DoubleEngine

__all__ = ["place", "rust"]  # fixtures
ELSEWHERE = ("probe_", "node_memory", "node_cpu")  # metrics of exporters that only the network has


class WrongOnce(DoubleEngine):
    """A Rust engine with a wrong rule: the first block it judges counts double."""

    wrong = True

    def judge(self, captured: Any, received_at: float, profile: str) -> Any:
        told = super().judge(captured, received_at, profile)
        factor, self.wrong = (2.0 if self.wrong else 1.0), False
        return replace(told, work=factor * told.work)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Watch:
    """Prometheus as the role configures it, with a recorder in Alertmanager's place."""

    def __init__(self, folder: Path, server: Server, alertmanager: Recorder, api: Recorder) -> None:
        self.port = free_port()
        (folder / "coinjecture").mkdir()
        shutil.copy(RECORDING, folder / "coinjecture")
        render_alerts(folder / "coinjecture/alerts.yml")
        config = rendered(
            folder,
            "prometheus.yml",
            monitoring_prometheus_port=self.port,
            monitoring_alertmanager_port=urllib.parse.urlsplit(alertmanager.url).port,
            monitoring_scrape_interval="1s",
            monitoring_nodes=[
                {"name": "node1", "metrics": urllib.parse.urlsplit(server.url).netloc, "api": api.url}
            ],
        )
        where = [f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb"]
        with (folder / "prometheus.log").open("wb") as log:
            self.process = subprocess.Popen(
                [tool("prometheus"), *where, f"--web.listen-address=127.0.0.1:{self.port}"],
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    def query(self, expr: str) -> list[Any]:
        """The series with a number that an instant query gives; none while Prometheus starts."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?query={urllib.parse.quote(expr)}"
        try:
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return [series for series in result if series["value"][1] not in ("NaN", "+Inf", "-Inf")]


@pytest.fixture
def alertmanager() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture
def api() -> Iterator[Recorder]:
    with recording() as recorder:
        recorder.answer = lambda _: (200, json.dumps({"height": 60, "hash": "ab" * 32}).encode())
        yield recorder


@pytest.fixture
def watch(place: Place, alertmanager: Recorder, api: Recorder) -> Iterator[Watch]:
    server = Server(place, api.url, soak_required={"shadow": 60})
    watch = Watch(place.folder, server, alertmanager, api)
    yield watch
    for process in (watch.process, server.process):
        process.kill()
        process.communicate(timeout=LIMIT)


def told(alertmanager: Recorder) -> dict[str, Any]:
    """What Alertmanager has been told, the last word on each alert."""
    sent = [request for request in alertmanager.requests if request.path == "/api/v2/alerts"]
    alerts = [alert for request in sent for alert in json.loads(request.body)]
    return {alert["labels"]["alertname"]: alert for alert in alerts}


def test_given_a_divergence_then_alertmanager_is_told_and_every_panel_shows_data(
    place: Place, rust: Any, watch: Watch, alertmanager: Recorder
) -> None:
    wrapper = place.start("shadow")
    blocks = chain(40)
    for block in blocks[:5]:
        place.judge(wrapper, block)
    place.judge(wrapper, sealed(blocks[4], solution=[1, 1]))
    await_true(lambda: watch.query("coinjecture_consensus_calls_total"), "the first scrape")
    assert "ConsensusDivergence" not in told(alertmanager)
    wrapper.close()
    rust(WrongOnce)
    wrapper = place.start(None)
    place.judge(wrapper, blocks[5])
    alert = await_true(lambda: told(alertmanager).get("ConsensusDivergence"), "the alert")
    assert alert["labels"] == {"alertname": "ConsensusDivergence", "node": "node1", "severity": "page"}
    assert alert["annotations"]["summary"] == "CONSENSUS DIVERGENCE on node1"
    for number, block in enumerate(blocks[6:12]):
        place.judge(wrapper, block)
        place.judge(wrapper, sealed(block, solution=[1, number]))
        time.sleep(0.6)
    for expr in (expr for expr in queries() if not any(name in expr for name in ELSEWHERE)):
        of_all = expr.replace("$node", ".*")
        await_true(lambda expr=of_all: watch.query(expr), f"data for {expr}")
