"""A small HTTP/1.1 client in which nothing is repeated behind the caller's back.

Libraries retry, reconnect and pool by themselves; here each attempt on the wire is one that the ledger sees.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

_HEAD_LIMIT = 64 * 1024


class RequestFailedError(Exception):
    """A request did not get its answer.

    Attributes:
        answer_begun: Whether any byte of an answer had arrived.
    """

    def __init__(self, why: str, *, answer_begun: bool) -> None:
        super().__init__(why)
        self.answer_begun = answer_begun


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: The HTTP status.
        body: The body, parsed as JSON.
    """

    status: int
    body: Any


class Connection:
    """One TCP connection to one server, used for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host
        self.reusable = True
        """False once the server has said `Connection: close`, or something on the connection went wrong."""

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        """Connect.

        Raises:
            RequestFailedError: The connection was refused, reset or could not be made.
        """
        try:
            reader, writer = await asyncio.open_connection(host, port, limit=_HEAD_LIMIT)
        except OSError as error:
            raise RequestFailedError(f"connect: {_name(error)}", answer_begun=False) from error
        return cls(reader, writer, f"{host}:{port}")

    def closed_by_peer(self) -> bool:
        """Whether the server is known to have closed this connection while it was idle."""
        return self._reader.at_eof() or self._reader.exception() is not None or self._writer.is_closing()

    async def request(self, method: str, path: str, payload: Any = None, *, keep: bool) -> Answer:
        """Send one request, once, and read its answer.

        Args:
            method: `GET` or `POST`.
            path: The path on the server.
            payload: A JSON body, for `POST`.
            keep: Whether to ask for the connection to stay open.

        Raises:
            RequestFailedError: The connection ended, or what came is no HTTP answer with a JSON body.
        """
        body = b"" if payload is None else json.dumps(payload).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
        head += "" if keep else "Connection: close\r\n"
        if payload is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        try:
            self._writer.write(head.encode() + b"\r\n" + body)
            await self._writer.drain()
        except OSError as error:
            self.reusable = False
            raise RequestFailedError(f"send: {_name(error)}", answer_begun=False) from error
        try:
            return await self._read_answer()
        except RequestFailedError:
            self.reusable = False
            raise

    async def _read_answer(self) -> Answer:
        """Read status, headers and a body of known length."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            why = "answer cut short" if error.partial else "closed before an answer"
            raise RequestFailedError(why, answer_begun=bool(error.partial)) from error
        except OSError as error:
            raise RequestFailedError(f"read: {_name(error)}", answer_begun=False) from error
        try:
            status, headers = _parse_head(head)
            body = await self._reader.readexactly(int(headers["content-length"]))
            answer = Answer(status, json.loads(body))
        except (asyncio.IncompleteReadError, OSError, KeyError, ValueError) as error:
            raise RequestFailedError(f"answer: {_name(error)}", answer_begun=True) from error
        if headers.get("connection", "").lower() == "close":
            self.reusable = False
        return answer

    def close(self) -> None:
        """Close the connection; not an error if it is gone already."""
        self._writer.close()


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers, names in lower case.

    Raises:
        ValueError: It is not the head of an HTTP answer.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"no HTTP answer: {first[:40]}")
    pairs = (line.partition(":") for line in lines if line)
    return int(status), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _name(error: BaseException) -> str:
    """A short, stable name of an error, fit for counting."""
    return type(error).__name__
