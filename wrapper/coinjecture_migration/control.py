"""The control socket: one JSON line per request and answer, for root on the node, with or without Ansible."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coinjecture_migration.errors import NEVER_SWALLOWED, ModeChangeRefused
from coinjecture_migration.keeper import ModeKeeper

log = logging.getLogger("coinjecture.migration")

MAX_REQUEST_BYTES = 65_536
MAX_CLIENTS = 16
CLIENT_TIMEOUT_S = 30.0
_PEER_CREDENTIALS = struct.Struct("3i")

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def handle(keeper: ModeKeeper, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do what a request asks.

    Raises:
        ModeChangeRefused: It cannot be done; nothing has changed.
    """
    op = request.get("op")
    if op == "status":
        return keeper.status()
    if op == "prepare":
        return keeper.prepare(_text(request, "mode"), _text(request, "who")).as_json()
    if op == "set_mode":
        if_mode = _text(request, "if_mode") if request.get("if_mode") is not None else None
        return keeper.commit(_text(request, "mode"), _text(request, "who"), _text(request, "why"), if_mode)
    if op == "ack":
        return keeper.ack(_text(request, "who"), _text(request, "why"))
    raise ModeChangeRefused("unknown_op", f"op {op!r} is unknown", "use status, prepare, set_mode or ack")


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise ModeChangeRefused(
            "bad_request", f"{name} is {value!r}", f"send {name} as a string that is not empty"
        )
    return value


class ControlServer:
    """Serves the control socket from threads of its own.

    Args:
        path: Where the socket is made; a file left by a dead process is replaced.
        handler: Answers a request; `ModeChangeRefused` becomes an error answer.
        allowed_uid: The one user id that is served, by the peer credentials of the kernel.
    """

    def __init__(self, path: Path, handler: Handler, allowed_uid: int = 0) -> None:
        self._path = path
        self._handler = handler
        self._allowed_uid = allowed_uid
        self._places = threading.BoundedSemaphore(MAX_CLIENTS)
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The folder is missing or not writable, or another process is listening there.
        """
        self._remove_leftover()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            listener.listen(MAX_CLIENTS)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="control", daemon=True).start()

    def close(self) -> None:
        """Stop listening and remove the socket."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            self._path.unlink(missing_ok=True)

    def _remove_leftover(self) -> None:
        if not self._path.is_socket():
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self._path))
            except ConnectionRefusedError:
                self._path.unlink(missing_ok=True)
                return
        raise OSError(f"{self._path}: another process is listening there")

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                client, _ = listener.accept()
            except OSError:
                if self._listener is listener:
                    log.exception("the control socket has stopped listening; the node goes on")
                return
            if not self._places.acquire(blocking=False):
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rb") as lines:
                client.settimeout(CLIENT_TIMEOUT_S)
                if (uid := _peer_uid(client)) != self._allowed_uid:
                    log.warning("control socket: refused user id %d", uid)
                    _send(client, _error("not_allowed", f"user id {uid} is not served", "use root"))
                    return
                while line := lines.readline(MAX_REQUEST_BYTES):
                    _send(client, self._answer(line))
                    if not line.endswith(b"\n"):
                        return
        except OSError:
            pass  # the client has gone
        finally:
            self._places.release()

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            return _error("bad_request", f"the request is no JSON object ({error})", "send one object a line")
        try:
            return {"ok": True, "result": self._handler(request)}
        except ModeChangeRefused as refusal:
            return _error(refusal.code, refusal.message, refusal.next_step)
        except NEVER_SWALLOWED:
            raise
        except BaseException as error:
            log.exception("control socket: %s failed", request.get("op"))
            return _error("internal", f"{type(error).__name__}: {error}", "look into the node's journal")


def _peer_uid(client: socket.socket) -> int:
    raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    _pid, uid, _gid = _PEER_CREDENTIALS.unpack(raw)
    return int(uid)


def _error(code: str, message: str, next_step: str) -> Mapping[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message, "next": next_step}}


def _send(client: socket.socket, answer: Mapping[str, Any]) -> None:
    client.sendall(json.dumps(answer, default=repr).encode() + b"\n")
