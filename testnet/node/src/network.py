"""The node among its peers: GossipSub for new blocks, a stream for missing ones, connections kept alive.

A peer may send anything: whatever it makes libp2p raise costs that peer its connection and nothing else.
Blocks are judged after delivery, not in a validator, so that rejects are seen and counted; only accepted
blocks travel on.
"""

# The two imports of a sibling serve a package and a plain folder; a type checker sees only one of them.
# mypy: disable-error-code="import-not-found, import-untyped, no-redef"

import logging
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.custom_types import TProtocol
from libp2p.network.config import ConnectionConfig
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo, info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

try:
    from .catchup import PROTOCOL, CatchUp, Ledger, reset_quietly, serve
except ImportError:
    from catchup import PROTOCOL, CatchUp, Ledger, reset_quietly, serve

log = logging.getLogger("coinjecture.network")
# Peers can make libp2p talk, and importing it sets up handlers of its own: only serious lines pass.
logging.getLogger("libp2p").setLevel(logging.CRITICAL)

GOSSIP_PROTOCOLS = [TProtocol("/meshsub/1.1.0"), TProtocol("/meshsub/1.0.0")]
INBOX_BLOCKS = 4096
OUTBOX_BLOCKS = 256
MOST_CONNECTIONS = 64
WATCH_S = 0.25
CATCH_UP_EVERY_S = 5.0
RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 1.0
DIAL_TIMEOUT_S = 10.0
SECOND_DIALER_WAITS_S = 1.0


@dataclass(frozen=True)
class PeerStatus:
    """A peer as the API shows it."""

    peer_id: str
    configured: bool
    connected: bool


class BlockReceiver(Ledger, Protocol):
    """What the network asks of the node. Every call may block and is made from a worker thread."""

    def receive_block(self, raw: bytes) -> str:
        """Judge a block from gossip. Returns ``accepted``, ``unreadable`` or the reject's reason."""


def load_identity(path: Path) -> KeyPair:
    """Read the node's key pair, made on the first start; the file is for the owner's eyes only.

    Raises:
        ValueError: The file holds no key.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
    try:
        seed = bytes.fromhex(path.read_text(encoding="ascii").strip())
        if len(seed) != 32:
            raise ValueError(f"{len(seed)} bytes instead of 32")
    except ValueError as error:
        raise ValueError(
            f"{path} holds no identity key ({error}); delete it to get a new identity"
        ) from error
    return create_new_key_pair(seed)


def peer_id_of(identity: KeyPair) -> str:
    """The peer id that other nodes know this one by."""
    return str(ID.from_pubkey(identity.public_key))


class HoldingGossipSub(GossipSub):
    """Sends the node's own messages at once; those of others when told to, after the block was accepted."""

    async def publish(self, msg_forwarder: ID, pubsub_msg: rpc_pb2.Message) -> None:
        """Send a message of this node; hold one of another node."""
        if self.pubsub is not None and msg_forwarder == self.pubsub.my_id:
            await super().publish(msg_forwarder, pubsub_msg)

    async def forward(self, pubsub_msg: rpc_pb2.Message) -> None:
        """Send on a message of another node."""
        await super().publish(ID(pubsub_msg.from_id), pubsub_msg)


class SturdyPubsub(Pubsub):
    """A Pubsub that outlives bad input and hands messages on, instead of to a queue that drops silently."""

    def __init__(self, host: IHost, router: GossipSub, deliver: Callable[[rpc_pb2.Message], None]) -> None:
        super().__init__(host, router)
        self._deliver = deliver
        # Peers remember message numbers: a restarted node has to begin above the ones it used before.
        self.counter = time.time_ns()

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Read a peer's messages; on anything that cannot be read, reset the stream and drop the peer."""
        try:
            await super().continuously_read_stream(stream)
        except Exception as error:
            peer_id = stream.muxed_conn.peer_id
            log.warning("peer %s dropped: reading its messages raised %s", peer_id, type(error).__name__)
            for drop in (stream.reset, lambda: self.host.disconnect(peer_id)):
                try:
                    await drop()
                except Exception:
                    log.debug("peer %s was gone already", peer_id)
            self._handle_dead_peer(peer_id)

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Check and deliver one message; one that cannot be checked is dropped."""
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as error:
            log.warning("message from %s dropped: checking it raised %s", msg_forwarder, type(error).__name__)

    def notify_subscriptions(self, publish_message: rpc_pb2.Message) -> None:
        """Deliver a message of another node; the node's own come back here too and are skipped."""
        if publish_message.from_id != self.my_id.to_bytes():
            self._deliver(publish_message)


class GossipNetwork:
    """Runs the libp2p host in the thread that calls `run`; `publish` and `peers` serve the other threads.

    `caught_up` is set once a configured peer had no more blocks for this node, or at once where none is
    configured.
    """

    def __init__(
        self, network_id: str, host: str, port: int, peers: list[str], identity: KeyPair, node: BlockReceiver
    ) -> None:
        """`peers` are multiaddresses that end in ``/p2p/<peer id>``.

        Raises:
            ValueError: A peer's address cannot be read.
        """
        self.topic = f"/coinjecture/{network_id}/blocks/1"
        self.peer_id = peer_id_of(identity)
        self._listen = Multiaddr(f"/{'ip6' if ':' in host else 'ip4'}/{host}/tcp/{port}")
        self._identity = identity
        self._node = node
        self._configured = [self._parse_peer(address) for address in peers]
        self._statuses: tuple[PeerStatus, ...] = ()
        self.caught_up = threading.Event()
        if not self._configured:
            self.caught_up.set()
        self._token: trio.lowlevel.TrioToken | None = None
        self._outbox_send, self._outbox = trio.open_memory_channel[bytes](OUTBOX_BLOCKS)

    def _parse_peer(self, address: str) -> PeerInfo:
        try:
            return info_from_p2p_addr(Multiaddr(address))
        except Exception as error:
            raise ValueError(
                f"p2p.peers: {address!r} is no address of a peer ({error}); write it like "
                "/ip4/10.77.0.12/tcp/9000/p2p/12D3Koo..., `node.py --peer-id` prints the last part"
            ) from error

    # For other threads

    def publish(self, raw: bytes) -> None:
        """Gossip a block. Before the host is up, or when the outbox is full, catch-up has to carry it."""
        if self._token is not None:
            try:
                self._token.run_sync_soon(self._post, raw)
            except trio.RunFinishedError:
                log.info("block not gossiped: the network has ended")

    def _post(self, raw: bytes) -> None:
        try:
            self._outbox_send.send_nowait(raw)
        except trio.WouldBlock:
            log.warning("outbox full: a block is not gossiped, peers get it by catch-up")

    def peers(self) -> tuple[PeerStatus, ...]:
        """Configured and connected peers as of a moment ago."""
        return self._statuses

    # In the trio thread

    def run(self) -> None:
        """Run until the process ends. Whatever ends the host starts a new one."""
        trio.run(self._run_forever)

    async def _run_forever(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        while True:
            try:
                await self._run_host()
            except Exception:
                log.exception("the libp2p host ended, starting it again")
            await trio.sleep(RETRY_FIRST_S)

    async def _run_host(self) -> None:
        host = new_host(
            key_pair=self._identity,
            # The default one ends the host on a message of more than 65,000 bytes.
            muxer_preference="MPLEX",
            listen_addrs=[self._listen],
            # Connections are kept here: libp2p is not to dial whomever it has heard of.
            connection_config=ConnectionConfig(
                min_connections=0,
                low_watermark=0,
                high_watermark=MOST_CONNECTIONS,
                max_connections=MOST_CONNECTIONS,
            ),
        )
        router = HoldingGossipSub(
            protocols=GOSSIP_PROTOCOLS,
            degree=6,
            degree_low=4,
            degree_high=12,
            heartbeat_interval=1,
            eclipse_protection_enabled=False,  # two nodes of one network are no variety of addresses
        )
        deliver, inbox = trio.open_memory_channel[rpc_pb2.Message](INBOX_BLOCKS)
        pubsub = SturdyPubsub(host, router, lambda message: self._deliver(deliver, message))
        host.set_stream_handler(TProtocol(PROTOCOL), self._serve_stream)
        async with (
            host.run(listen_addrs=[self._listen]),
            background_trio_service(pubsub),
            background_trio_service(router),
        ):
            await pubsub.wait_until_ready()
            await pubsub.subscribe(self.topic)
            log.info("listening for peers on %s as %s", self._listen, self.peer_id)
            async with trio.open_nursery() as nursery:
                behind = CatchUp(host, self._node, nursery, self._is_level)
                nursery.start_soon(self._guard, lambda: self._judge_inbox(inbox, router, behind))
                nursery.start_soon(self._guard, lambda: self._publish_outbox(pubsub))
                nursery.start_soon(self._guard, lambda: self._watch_peers(host, behind))
                for peer in self._configured:
                    nursery.start_soon(self._guard, lambda peer=peer: self._keep_connected(host, peer))

    def _is_level(self, peer_id: ID) -> None:
        if any(peer.peer_id == peer_id for peer in self._configured):
            self.caught_up.set()

    async def _guard(self, task: Callable[[], Awaitable[None]]) -> None:
        """Keep one task's failure from ending the others."""
        while True:
            try:
                await task()
            except Exception:
                log.exception("a task of the network failed, starting it again")
            await trio.sleep(RETRY_FIRST_S)

    def _deliver(self, inbox: trio.MemorySendChannel[rpc_pb2.Message], message: rpc_pb2.Message) -> None:
        try:
            inbox.send_nowait(message)
        except trio.WouldBlock:
            log.warning("inbox full: a block from gossip is dropped, catch-up will fetch it")

    async def _judge_inbox(
        self, inbox: trio.MemoryReceiveChannel[rpc_pb2.Message], router: HoldingGossipSub, behind: "CatchUp"
    ) -> None:
        async for message in inbox:
            outcome = await trio.to_thread.run_sync(self._node.receive_block, bytes(message.data))
            if outcome == "accepted":
                await router.forward(message)
            elif outcome == "unknown_parent":
                behind.ask_everyone()

    async def _publish_outbox(self, pubsub: Pubsub) -> None:
        async for raw in self._outbox:
            await pubsub.publish(self.topic, raw)

    async def _serve_stream(self, stream: INetStream) -> None:
        try:
            await serve(stream, self._node)
        except Exception as error:
            # Also the ordinary end: the peer has what it wanted and closes the stream.
            log.debug("serving blocks to %s ended with %s", stream.muxed_conn.peer_id, type(error).__name__)
            await reset_quietly(stream)

    async def _watch_peers(self, host: IHost, behind: "CatchUp") -> None:
        """Ask each peer for missing blocks when it connects, and all of them now and then."""
        configured = {peer.peer_id for peer in self._configured}
        known: set[ID] = set()
        next_round = trio.current_time() + CATCH_UP_EVERY_S
        while True:
            connected = set(host.get_connected_peers())
            for peer_id in connected - known:
                behind.ask(peer_id)
            if trio.current_time() >= next_round:
                behind.ask_everyone()
                next_round = trio.current_time() + CATCH_UP_EVERY_S
            known = connected
            self._statuses = tuple(
                PeerStatus(str(peer_id), peer_id in configured, peer_id in connected)
                for peer_id in sorted(configured | connected, key=str)
            )
            await trio.sleep(WATCH_S)

    async def _keep_connected(self, host: IHost, peer: PeerInfo) -> None:
        """Dial a configured peer whenever there is no connection, with back-off.

        Both sides are configured to dial. The one with the greater id waits a little, so that a restart does
        not end in two connections.
        """
        patience = SECOND_DIALER_WAITS_S if self.peer_id > str(peer.peer_id) else 0.0
        delay = RETRY_FIRST_S
        swarm: Any = host.get_network()
        while True:
            if peer.peer_id in host.get_connected_peers():
                delay = RETRY_FIRST_S
                await trio.sleep(WATCH_S)
                continue
            await trio.sleep(patience)
            if peer.peer_id in host.get_connected_peers():
                continue
            try:
                # libp2p shuns a peer for a minute after a failed dial, and may prefer an address it has heard
                # of to the configured one.
                swarm.unblock_peer(peer.peer_id)
                host.get_peerstore().clear_addrs(peer.peer_id)
                with trio.fail_after(DIAL_TIMEOUT_S):
                    await host.connect(peer)
                log.info("connected to peer %s", peer.peer_id)
            except Exception as error:
                log.info("peer %s cannot be reached: %s", peer.peer_id, type(error).__name__)
                await trio.sleep(delay)
                delay = min(delay * 2, RETRY_LONGEST_S)
