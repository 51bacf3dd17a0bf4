"""Whoever is told: a webhook of Alertmanager on loopback, and Sentry and Datadog for the nodes.

Appends every request with the time of its arrival to a file.
"""

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEPT = Path("/var/tmp/received.jsonl")
LOCK = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = {"arrived": time.time(), "path": self.path, "body": body.decode()}
        with LOCK, KEPT.open("a") as kept:
            kept.write(json.dumps(request) + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        return


nodes = ThreadingHTTPServer(("10.77.0.30", 9901), Receiver)
threading.Thread(target=nodes.serve_forever, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", 9900), Receiver).serve_forever()
