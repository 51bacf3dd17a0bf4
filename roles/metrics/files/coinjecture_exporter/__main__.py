"""`python -m coinjecture_exporter SETTINGS`: serve a node's metrics until told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

from coinjecture_migration.evidence_reader import read
from prometheus_client import CollectorRegistry, start_http_server

from coinjecture_exporter.collector import NodeCollector
from coinjecture_exporter.settings import SettingsError, load_settings


def main(argv: list[str]) -> int:
    """Serve; 0 when told to stop, 2 where the settings are wrong or the address is not to be had."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    if len(argv) != 1:
        print("usage: python -m coinjecture_exporter SETTINGS.json", file=sys.stderr)
        return 2
    try:
        settings = load_settings(Path(argv[0]))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(NodeCollector(settings, read))
        server, thread = start_http_server(settings.port, settings.address, registry)
    except (SettingsError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.info("metrics of %s on http://%s:%s/metrics", settings.node, settings.address, settings.port)
    stop.wait()
    server.shutdown()
    thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
