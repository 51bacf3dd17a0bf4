"""After the restart that brings the wrapper in, it is said how long the node took to have its chain again."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PEER_HEIGHT = 7
STARTED = 1000.0


class Api(BaseHTTPRequestHandler):
    """The API of the network, as far as its heights are asked for."""

    def do_GET(self) -> None:
        told = {"status": "ok", "height": PEER_HEIGHT, "hash": "ab", "depth": 0, "peers": ["x"], "block": {}}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Wrapper(socketserver.ThreadingUnixStreamServer):
    """A control socket of a node that gains a block, and 40 s, each time it is asked."""

    def __init__(self, path: str, height: int) -> None:
        super().__init__(path, Answer)
        self.height, self.now = height, STARTED

    def status(self) -> dict[str, Any]:
        self.height, self.now = self.height + 1, self.now + 40
        return {
            "mode": "shadow",
            "tip": {"height": self.height},
            "process": {"started": STARTED},
            "evidence": {"now": self.now},
        }


class Answer(socketserver.StreamRequestHandler):
    """One request, one answer."""

    server: Wrapper

    def handle(self) -> None:
        self.rfile.readline()
        answer = {"ok": True, "result": self.server.status()}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


@pytest.fixture
def api() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def said(folder: Path, api: str, height: int | None, patience: int) -> str:
    """What is printed of a node that is this high when it is first asked; None where no wrapper answers."""
    tasks = {"ansible.builtin.include_tasks": str(ROOT / "playbooks/tasks/caught_up.yml"), "name": "Wait"}
    play = {"hosts": "nodes", "gather_facts": False, "tasks": [tasks]}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    (folder / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": {"node1": {}}}}))
    with tempfile.TemporaryDirectory(prefix="ctl") as place:
        given = {
            "ansible_become": False, "migration_socket": f"{place}/s", "coinjecture_api": api,
            "coinjecture_api_shape": {}, "health_timeout": patience,
            "ansible_python_interpreter": sys.executable,
        }  # fmt: skip
        (folder / "vars.json").write_text(json.dumps(given))
        command = [
            "ansible-playbook",
            "-i",
            f"{folder}/hosts.yml",
            "-c",
            "local",
            "-e",
            f"@{folder}/vars.json",
        ]
        command.append(str(folder / "play.yml"))
        if height is None:
            return output(command)
        with Wrapper(f"{place}/s", height) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            told = output(command)
            server.shutdown()
        return told


def output(command: list[str]) -> str:
    """What a play prints, in one line."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def test_given_a_node_that_catches_up_then_the_seconds_since_its_start_are_told_not_the_looks(
    api: str, tmp_path: Path
) -> None:
    told = said(tmp_path, api, height=PEER_HEIGHT - 2, patience=180)
    assert (
        f"stands at height {PEER_HEIGHT} 80 s after its process started; the nodes told the heights [7]"
        in told
    )


def test_given_a_node_that_takes_longer_than_a_health_check_may_then_the_step_goes_on(
    api: str, tmp_path: Path
) -> None:
    told = said(tmp_path, api, height=0, patience=60)
    assert "stands at height 2 80 s after its process started" in told


def test_given_no_wrapper_that_answers_then_that_is_said_and_the_step_goes_on(
    api: str, tmp_path: Path
) -> None:
    assert "its wrapper has not answered" in said(tmp_path, api, height=None, patience=2)
