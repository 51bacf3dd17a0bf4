"""The network as data: its droplets, their addresses and ports, where the clone keeps its keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / "build" / "testnet"
OPERATOR_KEY = STATE / "id_ed25519"
KNOWN_HOSTS = STATE / "known_hosts"

BRIDGE = "coinjecture-lab"
SUBNET = "10.77.0.0/24"
APT_CACHE = "coinjecture-apt"
"""Volume with the packages that droplets have fetched, so a second network does not fetch them again."""
LABEL = "coinjecture.checkout"
"""Label of the bridge and of every droplet; its value is the root of the clone that made it."""

SSH_PORT = 22
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Droplet:
    """One host of the network.

    Attributes:
        name: Its host name, also in the inventory.
        address: Its address on the bridge.
        ssh_port: The port on this machine's loopback address that leads to its ssh server.
        api_port: The same for the node's HTTP API; None where no node runs.
    """

    name: str
    address: str
    ssh_port: int
    api_port: int | None = None

    @property
    def container(self) -> str:
        """The name of its container."""
        return f"coinjecture-{self.name}"

    def published(self, node_port: int) -> dict[int, int]:
        """Port on this machine's loopback address -> port of the droplet; `node_port` is its node's API."""
        ports = {self.ssh_port: SSH_PORT}
        if self.api_port is not None:
            ports[self.api_port] = node_port
        return ports

    @property
    def api(self) -> str:
        """The URL of the node's API as this machine reaches it.

        Raises:
            ValueError: No node runs on this droplet.
        """
        if self.api_port is None:
            raise ValueError(f"{self.name} runs no node")
        return f"http://{LOOPBACK}:{self.api_port}"


NODES = (
    Droplet("node1", "10.77.0.11", 22011, 18011),
    Droplet("node2", "10.77.0.12", 22012, 18012),
)
USERS = Droplet("users", "10.77.0.40", 22040)
PROVISIONED = (*NODES, USERS)
"""What testnet/provision.yml makes of bare droplets; the monitoring host is playbooks/monitoring.yml's."""
MONITOR = Droplet("monitor", "10.77.0.30", 22030)
DROPLETS = (*PROVISIONED, MONITOR)
