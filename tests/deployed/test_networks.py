"""Two nodes of the deployed shape, in either form, each in processes of its own, without droplets."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from testnet.deployed_node.src import api

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = ROOT / "testnet/deployed_node"
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Place:
    """A node's folder and its processes."""

    def __init__(self, home: Path, form: str, port: int, peer: int) -> None:
        self.home, self.form, self.port = home, form, port
        self.url = f"http://127.0.0.1:{port}"
        shutil.copytree(DEPLOYED / "src", home / "src")
        if form == "b":
            shutil.copytree(DEPLOYED / "service", home, dirs_exist_ok=True)
        (home / "config.json").write_text(json.dumps({
            "network_id": "two", "url": self.url, "port": port, "peers": [f"http://127.0.0.1:{peer}"],
            "max_headers_per_second": 0, "min_interval_s": 0.15, "max_interval_s": 0.3,
        }))  # fmt: skip
        self.running: list[subprocess.Popen[bytes]] = []
        self.server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        programs: list[list[str]] = [["src/node.py", "config.json", "data"]]
        if self.form == "b":
            programs = [["consensus_service.py"], ["miner.py"]]
            self.server = self.server or stand_in_api(self)
        environment = {**os.environ, "PYTHONPATH": str(self.home / "lib")}  # as the unit of form B has it
        with (self.home / "log").open("ab") as log:
            for program in programs:
                command = [sys.executable, "-u", *program]
                process = subprocess.Popen(command, cwd=self.home, stdout=log, stderr=log, env=environment)
                self.running.append(process)

    def stop(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.running = []

    def close(self) -> None:
        self.stop()
        if self.server is not None:
            self.server.shutdown()

    def ask(self, path: str) -> Any:

        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def height(self) -> int:
        health = self.ask("/health")
        return health["height"] if health else -1

    def hash_at(self, height: int) -> str | None:
        found = self.ask(f"/v1/data/block/{height}")
        return found["data"]["block_hash"] if found else None

    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")


def stand_in_api(place: Place) -> ThreadingHTTPServer:
    """The API of form B without Flask, on the same files: what it takes goes into the events."""

    taken = {"/v1/mining/submit": "mined", "/v1/gossip/block": "received", "/v1/gossip/want": "want",
             "/v1/gossip/chain": "chain"}  # fmt: skip
    data = place.home / "data"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                state = json.loads((data / "blockchain_state.json").read_text())
            except OSError:
                self.send_error(503)
                return
            tip = state["latest_block"]
            if self.path == "/health":
                self.say({"height": tip["index"], "peers": len(state["peers"])})
            elif self.path.endswith("latest"):
                self.say({"status": "success", "data": tip})
            else:
                with sqlite3.connect(data / "blockchain.db") as database:
                    row = database.execute(
                        "SELECT header_bytes FROM headers WHERE height = ?", (int(self.path.split("/")[-1]),)
                    ).fetchone()
                self.say({"data": json.loads(row[0])}) if row else self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with sqlite3.connect(data / "events.db", timeout=10) as database:
                database.execute(
                    "INSERT INTO events (kind, body, received_at) VALUES (?, ?, ?)",
                    (taken[self.path], body, time.time()),
                )
            self.say({})

        def say(self, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", place.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def until(holds: Callable[[], bool], what: str, *places: Place) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: {[place.log()[-1500:] for place in places]}")
        time.sleep(0.1)


def agree(one: Place, other: Place, least: int) -> bool:
    """Whether both have the same block three below the lower of their tips, at this height at least."""
    common = min(one.height(), other.height()) - 3
    found = one.hash_at(common) if common >= least else None
    return found is not None and found == other.hash_at(common)


@pytest.fixture(params=["a", "b"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    ports = free_port(), free_port()
    places = (
        Place(tmp_path / "one", request.param, ports[0], ports[1]),
        Place(tmp_path / "two", request.param, ports[1], ports[0]),
    )
    yield places
    for place in places:
        place.close()


def test_given_two_nodes_then_they_mine_one_chain_and_one_that_lost_its_tree_catches_up(
    pair: tuple[Place, Place],
) -> None:
    one, two = pair
    one.start()
    two.start()
    until(lambda: agree(one, two, 10), "no common chain", one, two)
    before = one.height()
    old = one.hash_at(5)
    one.stop()
    one.start()
    until(lambda: agree(one, two, before + 5), "not caught up", one, two)
    assert one.hash_at(5) == two.hash_at(5) == old  # not a second chain from the genesis
    if one.form == "b":
        assert "Bootstrap ended at height" in one.log()
        assert "Bootstrap failed" not in one.log()


def test_given_a_peer_that_sends_what_is_no_block_then_form_a_refuses_it() -> None:
    class Node:
        def receive(self, data: Any) -> bool:
            raise ValueError("no block")

    server = api.serve(Node(), 0)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with socket.create_connection(server.server_address[:2]) as client:
            client.sendall(b"POST /v1/gossip/block HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            assert client.recv(4096).startswith(b"HTTP/1.1 400")
    finally:
        server.shutdown()
        server.server_close()
