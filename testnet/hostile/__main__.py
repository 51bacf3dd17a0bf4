"""`python -m testnet.hostile`: join the gossip of the nodes and publish invalid blocks until stopped."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from testnet.hostile import deployed

CONFIG = Path("/etc/coinjecture-hostile.json")


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT.

    The configuration is `{"network_id", "host", "port", "peers": [multiaddress, ...], "identity": path}`, or
    `{"nodes": [url, ...]}` for a network of deployed nodes.
    """
    parser = argparse.ArgumentParser(prog="python -m testnet.hostile", description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"default: {CONFIG}")
    config = json.loads(parser.parse_args(argv).config.read_text(encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    leaving = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leaving.set())
    if "nodes" in config:
        deployed.pester(config["nodes"], leaving)
    else:
        _join(config, leaving)
    return 0


def _join(config: dict[str, Any], leaving: threading.Event) -> None:
    """Pester a network of reference nodes, as a member of its gossip."""
    # Their libraries need not be there for a network of other nodes.
    from testnet.hostile.peer import Eavesdropper, pester
    from testnet.node.src.network import GossipNetwork, load_identity

    ears = Eavesdropper()
    network = GossipNetwork(
        config["network_id"],
        config["host"],
        config["port"],
        config["peers"],
        load_identity(Path(config["identity"])),
        ears,
    )
    threading.Thread(target=network.run, name="network", daemon=True).start()
    pester(network, ears, leaving)


if __name__ == "__main__":
    sys.exit(main())
