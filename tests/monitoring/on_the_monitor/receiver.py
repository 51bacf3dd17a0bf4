"""A receiver of Alertmanager's webhooks: appends each body with the time of its arrival to a file."""

import json
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with Path("/var/tmp/alerts.jsonl").open("a") as kept:
            kept.write(json.dumps({"arrived": time.time(), "path": self.path, "body": body}) + "\n")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        return


HTTPServer(("127.0.0.1", 9900), Receiver).serve_forever()
