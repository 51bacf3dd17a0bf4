"""Missing blocks over a stream: a peer names what it has, and gets what lies above that on the best chain.

A frame is its length (four bytes, big endian) and that many bytes. The asking side sends one frame, a JSON
list of block hashes from its tip down (a locator); the answer is one frame per block, oldest first, and an
empty one. The asking side repeats this until an answer has no block. Every frame is bounded, and so is the
time an answer may take.
"""

import json
import logging
from collections.abc import Callable
from typing import Any, Protocol

import trio
from libp2p.abc import IHost
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID

log = logging.getLogger("coinjecture.catchup")

PROTOCOL = "/coinjecture/blocks/1.0.0"
BLOCKS_AT_ONCE = 250
LONGEST_LOCATOR = 64 * 1024
LONGEST_BLOCK = 1024 * 1024
MOST_BARREN_ANSWERS = 40
ANSWER_TIMEOUT_S = 20.0
LENGTH_BYTES = 4
ATTEMPTS = 5
RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 5.0


class CatchUpError(Exception):
    """The other side does not keep to the protocol."""


class Stream(Protocol):
    """The part of a libp2p stream that is used here."""

    async def read(self, n: int | None = None) -> bytes:
        """Read up to `n` bytes; empty at the end."""

    async def write(self, data: bytes) -> None:
        """Write all of `data`."""


class Ledger(Protocol):
    """What catch-up asks of the node. Every call may block and is made from a worker thread."""

    def locator(self) -> list[Any]:
        """Hashes of the best chain from the tip down."""

    def blocks_after(self, locator: list[Any], limit: int) -> list[bytes]:
        """Raw blocks of the best chain above the first known hash of a locator, oldest first."""

    def catch_up_block(self, raw: bytes) -> tuple[bool, Any]:
        """Judge a block unless it is known. Returns whether it was accepted now, and its hash.

        Raises:
            Exception: The block is rejected or cannot be read.
        """


async def read_exactly(stream: Stream, length: int) -> bytes:
    """Read `length` bytes.

    Raises:
        CatchUpError: The stream ended before.
    """
    data = bytearray()
    while len(data) < length:
        part = await stream.read(length - len(data))
        if not part:
            raise CatchUpError("the stream ended inside a frame")
        data += part
    return bytes(data)


async def read_frame(stream: Stream, longest: int) -> bytes:
    """Read a frame of at most `longest` bytes.

    Raises:
        CatchUpError: It is longer, or the stream ended inside it.
    """
    length = int.from_bytes(await read_exactly(stream, LENGTH_BYTES))
    if length > longest:
        raise CatchUpError(f"a frame of {length} bytes, {longest} are allowed")
    return await read_exactly(stream, length)


async def write_frame(stream: Stream, data: bytes) -> None:
    """Write a frame."""
    await stream.write(len(data).to_bytes(LENGTH_BYTES) + data)


async def serve(stream: Stream, ledger: Ledger) -> None:
    """Answer a peer until it ends the stream.

    Raises:
        Exception: The peer went away or does not keep to the protocol.
    """
    while True:
        with trio.fail_after(ANSWER_TIMEOUT_S):
            locator = json.loads(await read_frame(stream, LONGEST_LOCATOR))
            if not isinstance(locator, list):
                raise CatchUpError("a locator that is no list")
            for raw in await trio.to_thread.run_sync(ledger.blocks_after, locator, BLOCKS_AT_ONCE):
                await write_frame(stream, raw)
            await write_frame(stream, b"")


async def fetch_missing(stream: Stream, ledger: Ledger) -> int:
    """Fetch and judge blocks until the peer has no more. Returns how many were accepted.

    Raises:
        Exception: The peer went away, does not keep to the protocol, or sent a block that is rejected.
    """
    accepted = barren = 0
    reached: list[Any] = []
    while True:
        with trio.fail_after(ANSWER_TIMEOUT_S):
            # What the peer sent last comes first: its branch may be a lighter one, which the tip does not
            # show.
            locator = reached + await trio.to_thread.run_sync(ledger.locator)
            await write_frame(stream, json.dumps(locator).encode())
            blocks = []
            while raw := await read_frame(stream, LONGEST_BLOCK):
                blocks.append(raw)
                if len(blocks) > BLOCKS_AT_ONCE:
                    raise CatchUpError("more blocks than one answer may have")
        if not blocks:
            return accepted
        before = accepted
        for raw in blocks:
            new, block_hash = await trio.to_thread.run_sync(ledger.catch_up_block, raw)
            accepted += new
            reached = [block_hash]
        barren = 0 if accepted > before else barren + 1
        if barren > MOST_BARREN_ANSWERS:
            raise CatchUpError("one answer after the other without a new block")


class CatchUp:
    """Fetches missing blocks, from each peer by at most one task at a time."""

    def __init__(
        self, host: IHost, node: Ledger, nursery: trio.Nursery, is_level: Callable[[ID], None]
    ) -> None:
        self._is_level = is_level
        self._host = host
        self._node = node
        self._nursery = nursery
        self._asking: set[ID] = set()
        self._again: set[ID] = set()

    def ask_everyone(self) -> None:
        """Ask all connected peers."""
        for peer_id in self._host.get_connected_peers():
            self.ask(peer_id)

    def ask(self, peer_id: ID) -> None:
        """Ask a peer; one that is being asked is asked once more afterwards."""
        if peer_id in self._asking:
            self._again.add(peer_id)
            return
        self._asking.add(peer_id)
        self._nursery.start_soon(self._ask_with_retries, peer_id)

    async def _ask_with_retries(self, peer_id: ID) -> None:
        try:
            delay = RETRY_FIRST_S
            for _ in range(ATTEMPTS):
                self._again.discard(peer_id)
                finished = await self._ask_once(peer_id)
                if finished and peer_id not in self._again:
                    return
                if peer_id not in self._host.get_connected_peers():
                    return
                await trio.sleep(delay)
                delay = min(delay * 2, RETRY_LONGEST_S)
        finally:
            self._asking.discard(peer_id)
            self._again.discard(peer_id)

    async def _ask_once(self, peer_id: ID) -> bool:
        stream: Any = None
        try:
            stream = await self._host.new_stream(peer_id, [TProtocol(PROTOCOL)])
            accepted = await fetch_missing(stream, self._node)
            await stream.close()
        except Exception as error:
            log.debug("catch-up from %s ended with %s", peer_id, type(error).__name__)
            if stream is not None:
                await reset_quietly(stream)
            return False
        self._is_level(peer_id)
        if accepted:
            log.info("caught up %d blocks from %s", accepted, peer_id)
        return True


async def reset_quietly(stream: Any) -> None:
    """Reset a stream that may be gone already."""
    try:
        await stream.reset()
    except Exception:
        log.debug("stream was gone already")
