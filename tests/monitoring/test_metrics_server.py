"""The metrics server as the process it is, beside a wrapper that judges blocks, and dead beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.monitoring.recorder import recording
from tests.monitoring.support import ROOT
from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, place, rust

__all__ = ["place", "rust"]  # fixtures
LIMIT = 30  # seconds for what takes one


class Server:
    """The process, on a free port."""

    def __init__(self, place: Place, api: str, **more: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {"node": "node1", "port": port, "api": api, "state_dir": str(place.folder), **more}
        path = place.folder / "metrics.json"
        path.write_text(json.dumps(settings))
        folders = [ROOT / "roles/metrics/files", ROOT / "wrapper"]
        self.url = f"http://127.0.0.1:{port}/metrics"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "coinjecture_exporter", str(path)],
            env={**os.environ, "PYTHONPATH": ":".join(map(str, folders))},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        assert "metrics of node1" in self.process.stderr.readline()

    def scrape(self) -> str:
        with urllib.request.urlopen(self.url, timeout=LIMIT) as answer:
            text: str = answer.read().decode()
            return text


@pytest.fixture
def server(place: Place) -> Iterator[Server]:
    with recording() as api:
        api.answer = lambda _: (200, json.dumps({"height": 3, "hash": "ab" * 32}).encode())
        server = Server(place, api.url)
        yield server
        server.process.kill()
        server.process.communicate(timeout=LIMIT)


def test_given_a_wrapper_that_has_judged_then_its_blocks_are_in_the_metrics(
    place: Place, rust: Any, server: Server
) -> None:
    wrapper = place.start("shadow")
    blocks = chain(3)
    for block in [*blocks, sealed(blocks[-1], solution=[1, 1])]:
        place.judge(wrapper, block)
    wrapper.close()
    text = server.scrape()
    assert 'coinjecture_consensus_calls_total{mode="shadow",outcome="match"} 4.0' in text
    assert 'coinjecture_consensus_judge_seconds_count{engine="rust"} 4.0' in text
    assert "coinjecture_consensus_ratio_count 3.0" in text, "accepted blocks that both engines judged"
    assert 'coinjecture_consensus_rejects_total{reason="bad_proof"} 1.0' in text
    assert 'coinjecture_consensus_mode{mode="shadow"} 1.0' in text
    assert "coinjecture_chain_height 3.0" in text
    assert 'coinjecture_exporter_source_up{source="evidence"} 1.0' in text
    assert 'coinjecture_exporter_source_up{source="mode"} 1.0' in text


def test_given_a_metrics_server_that_is_killed_then_blocks_are_judged_as_before(
    place: Place, rust: Any, server: Server
) -> None:
    wrapper = place.start("shadow")
    first, second = chain(2)
    assert place.judge(wrapper, first) == "accept"
    server.scrape()
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(timeout=LIMIT)
    assert place.judge(wrapper, second) == "accept"
    assert wrapper.stats()["outcomes"]["match"] == 2


def test_given_a_metrics_server_that_is_stopped_while_it_reads_then_blocks_are_judged_and_kept(
    place: Place, rust: Any, server: Server
) -> None:
    wrapper = place.start("shadow")
    place.judge(wrapper, chain(1)[0])
    server.scrape()
    server.process.send_signal(signal.SIGSTOP)
    for block in chain(4)[1:]:
        assert place.judge(wrapper, block) == "accept"
    assert wrapper._manager.evidence.flush(), "a reader that hangs keeps nobody from writing"


def test_given_a_term_signal_then_the_server_ends_well(place: Place, server: Server) -> None:
    server.process.terminate()
    assert server.process.wait(timeout=LIMIT) == 0


@pytest.mark.parametrize("arguments", [[], ["/nowhere.json"]])
def test_given_no_settings_then_the_exit_status_says_so(arguments: list[str]) -> None:
    folders = [ROOT / "roles/metrics/files", ROOT / "wrapper"]
    done = subprocess.run(
        [sys.executable, "-m", "coinjecture_exporter", *arguments],
        env={**os.environ, "PYTHONPATH": ":".join(map(str, folders))},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 2
    assert ("monitoring.yml" if arguments else "usage") in done.stderr
