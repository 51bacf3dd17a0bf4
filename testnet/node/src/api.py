"""The HTTP API: blocks, health and peers to read, transactions to submit; HTTP/1.1, connections kept alive.

Errors are `{"error": {"code", "message"}}`. A block is answered as it was received, byte for byte, inside an
object with what the node knows of it: `hash, height, received_at` (seconds), `on_best_chain`, `depth` (blocks
on top of it).
"""

# mypy: disable-error-code="import-not-found, no-redef"

import asyncio
import hashlib
import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

try:
    from .storage import TransactionConflictError
except ImportError:
    from storage import TransactionConflictError

if TYPE_CHECKING:
    from .network import GossipNetwork
    from .node import MinerThread, Node

LONGEST_BODY = 16 * 1024
TX_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class ApiError(Exception):
    """An answer that is an error: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Api:
    """Serves the node's state from an asyncio loop in a thread of its own."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._network: GossipNetwork | None = None
        self._miner: MinerThread | None = None

    def attach(self, network: "GossipNetwork", miner: "MinerThread") -> None:
        """Tell the API about what starts after it."""
        self._network, self._miner = network, miner

    def start(self) -> None:
        """Begin to listen; returns when connections are accepted.

        Raises:
            OSError: The address is taken or not this host's.
        """
        listening = threading.Event()
        failure: list[OSError] = []

        def serve() -> None:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            try:
                loop.run_until_complete(self._listen())
            except OSError as error:
                failure.append(error)
                return
            finally:
                listening.set()
            loop.run_forever()

        threading.Thread(target=serve, name="api", daemon=True).start()
        listening.wait()
        if failure:
            raise failure[0]

    async def _listen(self) -> None:
        app = web.Application(client_max_size=LONGEST_BODY, middlewares=[errors_as_json])
        app.router.add_get("/v1/data/block/latest", self._latest)
        app.router.add_get(r"/v1/data/block/{index:\d{1,15}}", self._by_index)
        app.router.add_get("/v1/data/block/hash/{hash}", self._by_hash)
        app.router.add_get("/v1/transactions/{id}", self._transaction)
        app.router.add_post("/v1/transactions", self._submit)
        app.router.add_get("/v1/peers", self._peers)
        app.router.add_get("/health", self._health)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        settings = self._node.settings.api
        await web.TCPSite(runner, settings.host, settings.port).start()

    # Blocks

    async def _latest(self, _: web.Request) -> web.Response:
        return await in_thread(
            lambda: self._block_text(self._locked(lambda: self._node.chain.tip.block_hash))
        )

    async def _by_index(self, request: web.Request) -> web.Response:
        index = int(request.match_info["index"])

        def answer() -> str:
            entry = self._locked(lambda: self._node.chain.at_height(index))
            if entry is None:
                raise ApiError(404, "no_such_block", f"the best chain has no block at height {index}")
            return self._block_text(entry.block_hash)

        return await in_thread(answer)

    async def _by_hash(self, request: web.Request) -> web.Response:
        return await in_thread(lambda: self._block_text(request.match_info["hash"]))

    def _locked(self, read: Callable[[], Any]) -> Any:
        with self._node.lock:
            return read()

    def _block_text(self, block_hash: Any) -> str:
        """JSON text of a block with what is known of it; the block's own text is not written anew."""
        node = self._node
        genesis = node.engine.genesis_block
        stored = node.storage.block(block_hash)
        if stored is not None:
            raw, received_at, work = stored.raw.decode(), stored.received_at, node.storage.work(block_hash)
            height = work[0] if work else None
        elif block_hash == genesis["block_hash"]:
            raw, received_at, height = json.dumps(genesis), genesis["timestamp"], genesis["index"]
        else:
            raise ApiError(404, "no_such_block", "no block with this hash is stored here")
        with node.lock:
            entry = node.chain.find(block_hash)
            depth = node.chain.tip.height - entry.height if entry else None
        known = {
            "hash": block_hash,
            "height": height,
            "received_at": received_at,
            "on_best_chain": entry is not None,
            "depth": depth,
        }
        return f'{json.dumps(known)[:-1]}, "block": {raw}}}'

    # Transactions

    async def _submit(self, request: web.Request) -> web.Response:
        tx_id, transaction = read_transaction(await request.text())

        def answer() -> tuple[int, str]:
            try:
                is_new = self._node.submit_transaction(tx_id, transaction)
            except TransactionConflictError as error:
                raise ApiError(409, "id_taken", str(error)) from error
            except sqlite3.Error as error:
                raise ApiError(503, "not_stored", f"the transaction is not stored: {error}") from error
            return (201 if is_new else 200), json.dumps(
                {"id": tx_id, "status": "acknowledged", "new": is_new}
            )

        status, text = await asyncio.to_thread(answer)
        return web.Response(status=status, text=text, content_type="application/json")

    async def _transaction(self, request: web.Request) -> web.Response:
        tx_id = request.match_info["id"]

        def answer() -> str:
            found = self._node.transaction_status(tx_id)
            if isinstance(found, tuple):
                entry, depth = found
                block = {"hash": entry.block_hash, "height": entry.height}
                return json.dumps({"id": tx_id, "status": "mined", "block": block, "depth": depth})
            if found:
                return json.dumps({"id": tx_id, "status": "pending"})
            raise ApiError(404, "no_such_transaction", "neither acknowledged here nor in the best chain")

        return await in_thread(answer)

    # The node

    async def _peers(self, _: web.Request) -> web.Response:
        network = self._network
        listed = network.peers() if network else ()
        peers = [
            {"peer_id": peer.peer_id, "configured": peer.configured, "connected": peer.connected}
            for peer in listed
        ]
        return web.json_response({"peer_id": network.peer_id if network else None, "peers": peers})

    async def _health(self, _: web.Request) -> web.Response:
        return await in_thread(lambda: json.dumps(self._locked(self._state)))

    def _state(self) -> dict[str, Any]:
        node, tip = self._node, self._node.chain.tip
        peers = self._network.peers() if self._network else ()
        return {
            "status": "ok",
            "network_id": node.settings.network_id,
            "pid": os.getpid(),
            "uptime_s": round(time.time() - node.started, 3),
            "height": tip.height,
            "tip": tip.block_hash,
            "cumulative_work": node.engine.best_tip.cumulative_work,
            "peers": sum(peer.connected for peer in peers),
            "mining": bool(self._miner and self._miner.enabled),
            "pending_transactions": node.chain.count_pending(),
            "blocks": {"accepted": node.accepted, "rejected": dict(node.rejected), "errors": node.errors},
            "reorgs": {"count": node.reorgs, "deepest": node.deepest_reorg},
        }


async def in_thread(answer: Callable[[], str]) -> web.Response:
    """Answer with JSON text made in a worker thread: the node's lock may be held during a commit."""
    return web.Response(text=await asyncio.to_thread(answer), content_type="application/json")


def read_transaction(text: str) -> tuple[str, dict[str, Any]]:
    """Id and content of a submitted transaction; without an id its content's hash is the id.

    Raises:
        ApiError: It is no transaction.
    """

    def refuse(_: str) -> Any:
        raise ValueError("NaN and Infinity are no JSON")

    try:
        body = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "no_json", f"the body is no JSON: {error}") from error
    if not isinstance(body, dict) or not {"payload"} <= set(body) <= {"id", "payload"}:
        raise ApiError(400, "no_transaction", 'send {"id": "...", "payload": ...}, the id may be left out')
    content = json.dumps(body["payload"], sort_keys=True)
    tx_id = body.get("id", hashlib.sha256(content.encode()).hexdigest())
    if not isinstance(tx_id, str) or not TX_ID.fullmatch(tx_id):
        raise ApiError(
            400, "bad_id", "an id is 1 to 128 letters, digits, dots, colons, dashes and underscores"
        )
    return tx_id, {"id": tx_id, "payload": body["payload"]}


@web.middleware
async def errors_as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn errors into JSON answers."""
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except ApiError as error:
        status, code, message = error.status, error.code, str(error)
    except web.HTTPException as error:
        status, code, message = error.status, error.reason.lower().replace(" ", "_"), error.reason
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
