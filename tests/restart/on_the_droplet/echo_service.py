"""A small service that answers with its client's address; told to, without a Date header or over TLS.

Words: its port, the address that it listens on, and what else it is told.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """HTTP/1.1, connections kept alive."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"client": self.client_address[0]}).encode()
        self.send_response_only(200)
        if "undated" not in sys.argv:
            self.send_header("Date", self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    port, address = int(sys.argv[1]), sys.argv[2]
    ThreadingHTTPServer.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = ThreadingHTTPServer((address, port), Echo)
    if "tls" in sys.argv:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/root/tls.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
