"""What the node's tests share: node processes on loopback, patience, and a peer that misbehaves."""

# mypy: disable-error-code="import-untyped"

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import trio
from libp2p import new_host
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from testnet.node.src.network import GOSSIP_PROTOCOLS, HoldingGossipSub, SturdyPubsub

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
NODE = ROOT / "testnet" / "node"
GENESIS = json.loads((NODE / "genesis.json").read_text())
TOPIC = f"/coinjecture/{GENESIS['network_id']}/blocks/1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], T], what: str, timeout: float = 40.0) -> T:
    """Look again and again until the condition gives something true."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout} s in vain: {what}"
        time.sleep(0.05)
    return value


class NodeProcess:
    """A node of the local network as a process of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.data = folder / name
        self.data.mkdir(parents=True)
        self.config = folder / f"{name}.json"
        self.log = folder / f"{name}.log"
        self.api_port, self.p2p_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.configure()
        shown = subprocess.run([*self._command(), "--peer-id"], capture_output=True, text=True, check=True)
        self.peer_id = shown.stdout.strip()

    @property
    def address(self) -> str:
        return f"/ip4/127.0.0.1/tcp/{self.p2p_port}/p2p/{self.peer_id}"

    def configure(self, *, mining: bool = True, peers: Iterable["NodeProcess"] = ()) -> None:
        settings = {
            "network_id": GENESIS["network_id"],
            "genesis": str(NODE / "genesis.json"),
            "data_dir": str(self.data),
            "consensus": {"max_headers_per_second": 0},
            "api": {"host": "127.0.0.1", "port": self.api_port},
            "p2p": {"host": "127.0.0.1", "port": self.p2p_port, "peers": [peer.address for peer in peers]},
            "mining": {"enabled": mining, "min_interval_s": 0.4, "max_interval_s": 0.6},
        }
        self.config.write_text(json.dumps(settings))

    def _command(self) -> list[str]:
        return [sys.executable, str(NODE / "src" / "node.py"), "--config", str(self.config)]

    def start(self) -> None:
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command(), stderr=log, env=environment)
        wait_until(lambda: self.health() or self._ended(), f"{self.name} answers", 20)
        assert not self._ended(), self.log.read_text()

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def send(self, what: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(what)

    def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        self.send(how)
        return self.process.wait(10)

    def request(self, path: str, body: Any = None) -> tuple[int, Any]:
        """One request: status and parsed answer. Status 0 is a connection that failed."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api_port}{path}", data)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def get(self, path: str) -> Any:
        status, answer = self.request(path)
        assert status == 200, f"{self.name}: GET {path} answers {status} {answer}"
        return answer

    def health(self) -> Any:
        return self.request("/health")[1]

    @property
    def height(self) -> int:
        height: int = self.get("/health")["height"]
        return height

    def best_chain(self) -> list[dict[str, Any]]:
        """Every block of the best chain above the genesis."""
        return [self.get(f"/v1/data/block/{height}") for height in range(1, self.height + 1)]


async def connect_peer(address: str, use: Callable[[Any, Any, Any], Any]) -> None:
    """Connect a peer that is no node, and let `use(host, pubsub, peer_id)` do what it likes."""
    target = info_from_p2p_addr(Multiaddr(address))
    host = new_host(muxer_preference="MPLEX")
    router = HoldingGossipSub(
        protocols=GOSSIP_PROTOCOLS, degree=6, degree_low=4, degree_high=12, heartbeat_interval=1
    )
    pubsub = SturdyPubsub(host, router, lambda message: None)
    async with (
        host.run(listen_addrs=[Multiaddr("/ip4/127.0.0.1/tcp/0")]),
        background_trio_service(pubsub),
        background_trio_service(router),
    ):
        await pubsub.wait_until_ready()
        await host.connect(target)
        await use(host, pubsub, target.peer_id)


def gossip(address: str, messages: Iterable[bytes], done: Callable[[], bool]) -> None:
    """Publish messages to one node, and stay until `done` says that they have arrived."""

    async def use(host: Any, pubsub: Any, peer_id: Any) -> None:
        await pubsub.subscribe(TOPIC)
        await pubsub.wait_for_subscription(peer_id, TOPIC, 10)
        for message in messages:
            await pubsub.publish(TOPIC, message)
            await trio.sleep(0.12)  # a router sends no more than ten a second
        with trio.fail_after(20):
            while not await trio.to_thread.run_sync(done):
                await trio.sleep(0.05)

    trio.run(connect_peer, address, use)


def write_raw(address: str, protocol: str, data: bytes) -> None:
    """Open a stream of a protocol, write bytes into it, and wait until the node ends it."""

    async def use(host: Any, pubsub: Any, peer_id: Any) -> None:
        stream = await host.new_stream(peer_id, [TProtocol(protocol)])
        await stream.write(data)
        with trio.move_on_after(2):
            try:
                while await stream.read(4096):
                    pass
            except Exception:  # the node has reset the stream: what a dropped peer sees
                pass

    try:
        trio.run(connect_peer, address, use)
    except* Exception:  # the host of the misbehaving peer may fail as it likes
        pass
