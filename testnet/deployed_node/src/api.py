"""The HTTP API of form A, in the node's own process."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

MAX_BODY = 1 << 20


class Answers(Protocol):
    """What the API asks of a node; None means that there is no such thing."""

    def health(self) -> dict[str, Any]:
        """How the node is."""

    def latest(self) -> dict[str, Any]:
        """The block of the best tip."""

    def block(self, height: int) -> dict[str, Any] | None:
        """The block at a height."""

    def peers(self) -> dict[str, Any]:
        """Who the peers are."""

    def chain(self, start: int) -> list[dict[str, Any]]:
        """Whole blocks from a height on."""

    def receive(self, data: Any) -> bool:
        """Judge a block of a peer; ValueError where it is none."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    node: Answers
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one segment

    def do_GET(self) -> None:
        """Read."""
        url = urlsplit(self.path)
        if url.path == "/health":
            self._answer(200, self.node.health())
            return
        found: Any = None
        if url.path == "/v1/data/block/latest":
            found = self.node.latest()
        elif url.path.startswith("/v1/data/block/") and url.path[15:].isdecimal():
            found = self.node.block(int(url.path[15:]))
        elif url.path == "/v1/network/peers":
            found = self.node.peers()
        elif url.path == "/v1/sync/chain":
            found = self.node.chain(int(parse_qs(url.query).get("from", ["0"])[0]))
        if found is None:
            self._answer(404, {"status": "error", "message": "not found"})
        else:
            self._answer(200, {"status": "success", "data": found})

    def do_POST(self) -> None:
        """Take a block of a peer."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MAX_BODY))
        if length > MAX_BODY or self.path != "/v1/gossip/block":
            self.close_connection = True
            self._answer(404 if length <= MAX_BODY else 413, {"status": "error", "message": "not taken"})
            return
        try:
            accepted = self.node.receive(json.loads(body))
        except (ValueError, RecursionError) as error:
            self._answer(400, {"status": "error", "message": str(error)})
            return
        self._answer(200, {"status": "success", "data": {"accepted": accepted}})

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of every request."""


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128


def serve(node: Answers, port: int) -> Server:
    """A server on every address of the machine; the caller lets it run."""
    return Server(("", port), type("NodeHandler", (Handler,), {"node": node}))
