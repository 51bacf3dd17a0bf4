"""The control socket: one JSON line per request and answer, for root on the node, with or without Ansible."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coinjecture_migration.control import status
from coinjecture_migration.modes.manager import ModeManager
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED, ModeChangeError

log = logging.getLogger("coinjecture.migration")

MAX_REQUEST_BYTES = 65_536
MAX_CLIENTS = 16
CLIENT_TIMEOUT_S = 30.0
SHORTAGE_PAUSE_S = 0.2
"""Before the next client is taken, where the system had nothing left for the last one."""
NO_SOCKET_PAUSE_S = 5.0
"""Before the socket is made anew, where it could not be made or is gone."""
GONE = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK})
"""What accept says of a listener that is none any more; everything else passes."""
OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
_PEER_CREDENTIALS = struct.Struct("3i")

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def handle(manager: ModeManager, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do what a request asks.

    Raises:
        ModeChangeError: It cannot be done; nothing has changed.
    """
    op = request.get("op")
    if op == "status":
        return status.report(manager)
    if op == "prepare":
        return manager.prepare(_text(request, "mode"), _text(request, "who")).as_json()
    if op == "set_mode":
        if_mode = _text(request, "if_mode") if request.get("if_mode") is not None else None
        return manager.commit(_text(request, "mode"), _text(request, "who"), _text(request, "why"), if_mode)
    if op == "ack":
        return manager.ack(_text(request, "who"), _text(request, "why"))
    if op == "export_tree":
        return manager.tree_log.export()
    known = "use status, prepare, set_mode, ack or export_tree"
    raise ModeChangeError("unknown_op", f"op {op!r} is unknown", known)


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise ModeChangeError(
            "bad_request", f"{name} is {value!r}", f"send {name} as a string that is not empty"
        )
    return value


class ControlServer:
    """Serves the control socket from threads of its own, and outlives every passing shortage.

    A client for whom there is no place, no descriptor or no thread is closed at once. A socket that cannot be
    made, or that is lost, is made anew after a while; meanwhile there is no file that nobody answers.

    Args:
        path: Where the socket is made; a file left by a dead process is replaced.
        handler: Answers a request; `ModeChangeError` becomes an error answer.
        allowed_uid: The one user id that is served, by the peer credentials of the kernel.
        tell: Told in a sentence where the socket ends while it should not, and where it is back.
    """

    def __init__(
        self,
        path: Path,
        handler: Handler,
        allowed_uid: int = 0,
        tell: Callable[[str], None] = log.error,
    ) -> None:
        self._path = path
        self._handler = handler
        self._allowed_uid = allowed_uid
        self._tell = tell
        self._places = threading.BoundedSemaphore(MAX_CLIENTS)
        self._listener: socket.socket | None = None
        self._closed = threading.Event()
        self._spare: int | None = None
        self._short = False

    def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The folder is missing or not writable, or another process is listening there; it is
                tried again every few seconds.
            RuntimeError: There is no thread to be had; nothing is listening and nothing is tried again.
        """
        try:
            self._listen()
        finally:
            try:
                threading.Thread(target=self._run, name="control", daemon=True).start()
            except RuntimeError:
                self._drop()
                raise

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._closed.set()
        self._drop()

    def _listen(self) -> None:
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

    def _drop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with contextlib.suppress(OSError):  # its file goes in any case
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

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

    def _run(self) -> None:
        """Accept until closed; make the socket anew whenever there is none."""
        try:
            self._accept_until_closed()
        finally:
            self._drop()
            if self._spare is not None:
                os.close(self._spare)

    def _accept_until_closed(self) -> None:
        while not self._closed.is_set():
            listener = self._listener
            if listener is None:
                if self._closed.wait(NO_SOCKET_PAUSE_S):
                    return
                with contextlib.suppress(OSError):
                    self._listen()
                    self._tell(f"the control socket {self._path} is there now")
                continue
            try:
                self._accept(listener)
            except NEVER_SWALLOWED:
                raise
            except BaseException as error:
                if self._closed.is_set() or self._listener is not listener:
                    continue
                self._drop()
                again = f"it is made anew in {NO_SOCKET_PAUSE_S:g} s"
                self._tell(
                    f"the control socket {self._path} has ended ({error!r}); the node goes on, {again}"
                )

    def _accept(self, listener: socket.socket) -> None:
        """Take one client. Raises what a listener says that is none any more."""
        self._keep_spare()
        try:
            client, _ = listener.accept()
        except (OSError, MemoryError) as error:
            number = getattr(error, "errno", None)
            if self._listener is not listener or number in GONE:
                raise
            self._complain(f"a client could not be taken: {error!r}")
            if number in OUT_OF_DESCRIPTORS:
                self._turn_away(listener)
            self._closed.wait(SHORTAGE_PAUSE_S)
            return
        if not self._places.acquire(blocking=False):
            client.close()
            return
        try:
            threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            self._places.release()
            client.close()
            self._complain(f"no thread for a client: {error}")
            self._closed.wait(SHORTAGE_PAUSE_S)
            return
        self._short = False

    def _complain(self, what: str) -> None:
        """Say once in a shortage what is short."""
        if not self._short:
            log.warning("control socket: %s; it is tried again until that has passed", what)
        self._short = True

    def _keep_spare(self) -> None:
        """A descriptor that can be given up to close a client for whom there is none."""
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _turn_away(self, listener: socket.socket) -> None:
        spare, self._spare = self._spare, None
        if spare is None:
            return
        os.close(spare)
        with contextlib.suppress(OSError):  # another thread was faster to take it
            listener.settimeout(SHORTAGE_PAUSE_S)
            listener.accept()[0].close()
        listener.settimeout(None)

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
        except ModeChangeError as refusal:
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
