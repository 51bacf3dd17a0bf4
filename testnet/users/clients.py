"""What single users do: read or submit at a steady pace, each on its own kind of connection."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .http import Answer, Connection, RequestFailedError
from .ledger import Entry, Kind

REQUEST_TIMEOUT = 30.0
"""Seconds a user waits before giving a request up as failed."""


@dataclass(frozen=True)
class Dialect:
    """What a kind of node lets its users ask.

    Attributes:
        peers: The path of its peers.
        by_hash: The path before a hash, where it finds blocks by that; empty where it does not.
        submits: Whether it takes transactions.
        within: Keys that lead to the block in an answer about one.
        height: The block's field for its height.
        hash: That for its hash.
    """

    peers: str
    by_hash: str
    submits: bool
    within: tuple[str, ...]
    height: str
    hash: str

    def best(self, body: Any) -> tuple[int, str] | None:
        """Height and hash of the block of the best chain that an answer is about; None where it is not."""
        for key in self.within:
            body = body.get(key) if isinstance(body, dict) else None
        if not isinstance(body, dict) or self.hash not in body or not body.get("on_best_chain", True):
            return None
        return int(body[self.height]), str(body[self.hash])


DIALECTS = {
    "reference": Dialect("/v1/peers", "/v1/data/block/hash/", True, (), "height", "hash"),
    "deployed": Dialect("/v1/network/peers", "", False, ("data",), "index", "block_hash"),
}


@dataclass(frozen=True)
class Node:
    """A node's API: its name in the ledger, where it listens, and what can be asked of it."""

    name: str
    host: str
    port: int
    dialect: Dialect = DIALECTS["reference"]


@dataclass(frozen=True)
class Habit:
    """What one sort of user does.

    Attributes:
        kind: The connections it uses.
        method: `GET` reads, `POST` submits a transaction.
        users: How many of this sort there are at each node.
        pause: Seconds from the end of a request to the next, on average.
    """

    kind: Kind
    method: str
    users: int
    pause: float


HABITS = (
    Habit("new", "GET", users=8, pause=0.57),
    Habit("new", "POST", users=2, pause=1.0),
    Habit("kept-checking", "GET", users=3, pause=0.75),
    Habit("kept-naive", "GET", users=3, pause=0.75),
    Habit("kept-naive", "POST", users=1, pause=1.0),
)
"""About 25 requests a second to each node, 16 of them on new connections."""
READING_HABITS = (
    Habit("new", "GET", users=9, pause=0.57),
    Habit("kept-checking", "GET", users=3, pause=0.75),
    Habit("kept-naive", "GET", users=4, pause=0.75),
)
"""The same where nothing can be submitted."""


def habits(dialect: Dialect) -> tuple[Habit, ...]:
    """What the users of a node do."""
    return HABITS if dialect.submits else READING_HABITS


class User:
    """One user of one node. It makes one attempt for each request and never repeats a failed one."""

    def __init__(self, node: Node, habit: Habit, record: Callable[[Entry], None]) -> None:
        self._node = node
        self._habit = habit
        self._record = record
        self._connection: Connection | None = None
        self._latest: tuple[int, str] | None = None
        self._turn = itertools.count(random.randrange(5))  # noqa: S311 - spreads the users, decides nothing

    async def use(self, leaving: asyncio.Event) -> None:
        """Make requests until told to leave; the one that is under way is brought to its end."""
        while not leaving.is_set():
            self._record(await self.one_request())
            pause = self._habit.pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
            try:
                await asyncio.wait_for(leaving.wait(), pause)
            except TimeoutError:
                continue
        self._drop()

    async def one_request(self) -> Entry:
        """Make one request and say what came of it."""
        path, payload = self._next()
        at, began = time.time(), time.monotonic()
        reconnected, error, transaction = False, None, None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                answer, reconnected = await self._attempt(path, payload)
            error, transaction = self._judge(answer, payload)
        except RequestFailedError as failure:
            error = str(failure)
        except TimeoutError:
            error = "timeout"
        if error is not None:
            self._drop()
        return Entry(
            at=at,
            node=self._node.name,
            kind=self._habit.kind,
            method=self._habit.method,
            path=path,
            seconds=round(time.monotonic() - began, 6),
            error=error,
            reconnected=reconnected,
            transaction=transaction,
        )

    async def _attempt(self, path: str, payload: Any) -> tuple[Answer, bool]:
        """Send the request on this user's kind of connection; say whether one had to be opened again."""
        idle, self._connection = self._connection, None
        if idle is None:
            return await self._send(await self._open(), path, payload), False
        may_reopen = self._habit.kind == "kept-checking" and self._habit.method == "GET"
        if may_reopen and idle.closed_by_peer():
            idle.close()
            return await self._send(await self._open(), path, payload), True
        try:
            return await self._send(idle, path, payload), False
        except RequestFailedError as failure:
            if not may_reopen or failure.answer_begun:
                raise
            return await self._send(await self._open(), path, payload), True

    async def _open(self) -> Connection:
        """A new connection to the node."""
        return await Connection.open(self._node.host, self._node.port)

    async def _send(self, connection: Connection, path: str, payload: Any) -> Answer:
        """Send on this connection, and keep it if it is to be kept and can be."""
        keep = self._habit.kind != "new"
        try:
            answer = await connection.request(self._habit.method, path, payload, keep=keep)
        except BaseException:
            connection.close()
            raise
        if keep and connection.reusable:
            self._connection = connection
        else:
            connection.close()
        return answer

    def _next(self) -> tuple[str, Any]:
        """The next path, and the body for a submission."""
        if self._habit.method == "POST":
            return "/v1/transactions", new_transaction()
        turn = next(self._turn) % 5
        if self._latest is None or turn == 0:
            return "/v1/data/block/latest", None
        dialect, (height, block_hash) = self._node.dialect, self._latest
        choices = (
            f"/v1/data/block/{height // 2}",
            f"{dialect.by_hash}{block_hash}" if dialect.by_hash else f"/v1/data/block/{height // 3}",
            "/health",
            dialect.peers,
        )
        return choices[turn - 1], None

    def _judge(self, answer: Answer, payload: Any) -> tuple[str | None, str | None]:
        """What is wrong with an answer, if anything, and the transaction that it acknowledges."""
        if not 200 <= answer.status < 300:
            return f"status {answer.status}", None
        if payload is not None:
            transaction = answer.body.get("id") if isinstance(answer.body, dict) else None
            return (None, transaction) if transaction == payload["id"] else ("not acknowledged", None)
        self._latest = self._node.dialect.best(answer.body) or self._latest
        return None, None

    def _drop(self) -> None:
        """Give up a kept connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def new_transaction() -> dict[str, Any]:
    """A transaction unlike any other."""
    return {
        "id": f"tx-{secrets.token_hex(12)}",
        "payload": {"from": "a user", "amount": secrets.randbelow(1000)},
    }
