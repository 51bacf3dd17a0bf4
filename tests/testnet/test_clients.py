"""A user makes one attempt; only an idle kept connection found closed may be opened again, once, to read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from testnet.users.clients import DIALECTS, HABITS, READING_HABITS, Habit, Node, User
from testnet.users.ledger import Entry, Kind

Serve = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server on loopback with a behaviour given by the test; it counts connections and requests."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.connections = 0
        self.requests = 0

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.node = Node("node1", "127.0.0.1", self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._serve(self, reader, writer)
        finally:
            writer.close()

    async def read_request(self, reader: asyncio.StreamReader) -> bytes:
        """The body of the next request."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""


def answer(body: object, *, status: int = 200, extra: str = "") -> bytes:
    text = json.dumps(body)
    return f"HTTP/1.1 {status} x\r\nContent-Length: {len(text)}\r\n{extra}\r\n{text}".encode()


async def acknowledge(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        body = await server.read_request(reader)
        writer.write(answer({"id": json.loads(body)["id"]} if body else {}))


async def one_answer_then_close(
    server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    body = await server.read_request(reader)
    writer.write(answer({"id": json.loads(body)["id"]} if body else {}))


async def close_on_second(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one_answer_then_close(server, reader, writer)
    await server.read_request(reader)


async def half_an_answer_on_second(
    server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await close_on_second(server, reader, writer)
    writer.write(b"HTTP/1.1 2")


async def say_close(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.read_request(reader)
    writer.write(answer({}, extra="Connection: close\r\n"))


async def unavailable(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.read_request(reader)
    writer.write(answer({"error": "later"}, status=503))


def use(serve: Serve, kind: Kind, method: str, times: int) -> tuple[list[Entry], Server]:
    """Let one user make some requests, one after the other, each after the server's closing has arrived."""

    async def scenario() -> tuple[list[Entry], Server]:
        async with Server(serve) as server:
            user = User(server.node, Habit(kind, method, 1, 0.0), lambda _: None)
            entries = []
            for _ in range(times):
                entries.append(await user.one_request())
                await asyncio.sleep(0.05)
            return entries, server

    return asyncio.run(scenario())


def test_a_submission_is_acknowledged_with_its_id() -> None:
    (entry,), _ = use(acknowledge, "new", "POST", 1)
    assert entry.error is None
    assert entry.transaction is not None


def test_new_connections_are_new_each_time_and_kept_ones_are_kept() -> None:
    assert use(acknowledge, "new", "GET", 3)[1].connections == 3
    assert use(acknowledge, "kept-naive", "GET", 3)[1].connections == 1


def test_given_an_idle_connection_closed_then_a_checking_reader_opens_it_again_and_says_so() -> None:
    entries, server = use(one_answer_then_close, "kept-checking", "GET", 2)
    assert [entry.error for entry in entries] == [None, None]
    assert [entry.reconnected for entry in entries] == [False, True]
    assert server.connections == 2


def test_given_an_idle_connection_closed_then_a_naive_reader_fails() -> None:
    entries, server = use(one_answer_then_close, "kept-naive", "GET", 2)
    assert entries[1].error is not None
    assert not entries[1].reconnected
    assert server.connections == 1


def test_given_an_idle_connection_closed_then_a_submission_is_never_sent_again() -> None:
    entries, server = use(one_answer_then_close, "kept-naive", "POST", 2)
    assert entries[1].error is not None
    assert entries[1].transaction is None
    assert server.requests == 1


def test_given_a_closing_before_any_byte_then_a_checking_reader_tries_exactly_once_more() -> None:
    entries, server = use(close_on_second, "kept-checking", "GET", 2)
    assert (entries[1].error, entries[1].reconnected) == (None, True)
    assert server.requests == 3


def test_given_an_answer_cut_short_then_nothing_is_repeated() -> None:
    entries, server = use(half_an_answer_on_second, "kept-checking", "GET", 2)
    assert entries[1].error == "answer cut short"
    assert server.requests == 2


def test_given_connection_close_in_the_answer_then_the_next_request_just_connects() -> None:
    entries, server = use(say_close, "kept-naive", "GET", 2)
    assert [(entry.error, entry.reconnected) for entry in entries] == [(None, False)] * 2
    assert server.connections == 2


def test_an_error_status_is_a_failed_request() -> None:
    (entry,), _ = use(unavailable, "new", "GET", 1)
    assert entry.error == "status 503"


def test_given_no_server_then_the_request_fails_at_connecting() -> None:
    async def scenario() -> Entry:
        async with Server(acknowledge) as server:
            node = server.node
        return await User(node, Habit("new", "GET", 1, 0.0), lambda _: None).one_request()

    assert asyncio.run(scenario()).error == "connect: ConnectionRefusedError"


@pytest.mark.parametrize("habits", [HABITS, READING_HABITS])
def test_the_users_together_make_15_to_30_requests_a_second_to_each_node(habits: tuple[Habit, ...]) -> None:
    rate = sum(habit.users / habit.pause for habit in habits)
    assert 15 <= rate <= 30


@pytest.mark.parametrize("kind", ["new", "kept-naive"])
def test_there_are_submitters_on_new_and_on_kept_connections(kind: str) -> None:
    assert any(habit.kind == kind and habit.method == "POST" for habit in HABITS)


def test_a_user_of_a_deployed_node_asks_what_it_has_and_submits_nothing() -> None:
    asked: list[str] = []

    async def deployed(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b" ")[1].decode())
        writer.write(answer({"status": "success", "data": {"index": 30, "block_hash": "ab"}}))

    async def scenario() -> list[Entry]:
        async with Server(deployed) as server:
            node = Node("node1", server.node.host, server.node.port, DIALECTS["deployed"])
            user = User(node, Habit("new", "GET", 1, 0.0), lambda _: None)
            return [await user.one_request() for _ in range(10)]

    assert all(entry.error is None for entry in asyncio.run(scenario()))
    latest, peers = "/v1/data/block/latest", "/v1/network/peers"
    assert {*asked} == {latest, peers, "/health", "/v1/data/block/15", "/v1/data/block/10"}
    assert {habit.method for habit in READING_HABITS} == {"GET"}
