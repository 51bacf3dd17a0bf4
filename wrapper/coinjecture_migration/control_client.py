"""Client of the control socket on a node: one JSON line per request and answer.

Works as root on the node only: the wrapper serves uid 0 and nobody else. This one file is shipped to `ctl.py`
and to the plugins: `plugins/module_utils/control_client.py` is a link to it.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .vocabulary import CONTROL_SOCKET, MODES

_CREDENTIALS = struct.Struct("3i")
MAX_ANSWER_BYTES = 4 * 1024 * 1024

PARTS: Mapping[str, type | tuple[type, ...]] = {
    "evidence": dict,
    "engines": dict,
    "process": dict,
    "tip": dict,
    "tree": dict,
    "latched": (dict, type(None)),
    "stopped": (dict, type(None)),
    "prepare": (dict, type(None)),
    "unacknowledged": list,
}
"""What the parts of a status are where they are there; what lies in them the gate reads strictly."""


class ControlError(Exception):
    """The control socket did not do what was asked.

    Attributes:
        code: A short word for programs, such as ``unreachable`` or what the wrapper said.
        message: What happened and where.
        next_step: What to do about it, or an empty string.
    """

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(f"{message}{': ' + next_step if next_step else ''}")
        self.code = code
        self.message = message
        self.next_step = next_step


class ControlClient:
    """Speaks to the wrapper of one node.

    Args:
        path: The socket's path.
        timeout: Seconds to wait for a connection and for the answer.
    """

    def __init__(self, path: str = CONTROL_SOCKET, timeout: float = 10.0) -> None:
        self.path = path
        self.timeout = timeout

    def status(self) -> dict[str, Any]:
        """What the node says about itself.

        Raises:
            ControlError: Nobody answers, or the answer is no status: a wrapper that cannot say which mode is
                in force is as good as silent.
        """
        status = self.request({"op": "status"})
        if wrong := _not_a_status(status):
            raise ControlError("garbled", f"{self.path} answered a status that is none: {wrong}")
        return status

    def prepare(self, mode: str, who: str) -> dict[str, Any]:
        """Ask the wrapper to load in the background what ``mode`` needs; returns at once."""
        return self.request({"op": "prepare", "mode": mode, "who": who})

    def set_mode(self, mode: str, who: str, why: str, if_mode: str | None = None) -> dict[str, Any]:
        """Change the mode; with ``if_mode`` only where the node is in that mode now."""
        request = {"op": "set_mode", "mode": mode, "who": who, "why": why}
        if if_mode is not None:
            request["if_mode"] = if_mode
        return self.request(request)

    def ack(self, who: str, why: str) -> dict[str, Any]:
        """Acknowledge a latch with a reason."""
        return self.request({"op": "ack", "who": who, "why": why})

    def export_tree(self) -> dict[str, Any]:
        """Have the wrapper bring its tree to the disk; what it holds there, as `tree` of a status."""
        return self.request({"op": "export_tree"})

    def request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and return the result of its answer.

        Raises:
            ControlError: Nobody answers, the answer is no answer, or it says no.
        """
        answer = self._decode(self._exchange(json.dumps(request).encode() + b"\n"))
        if answer.get("ok") is True and isinstance(answer.get("result"), dict):
            return dict(answer["result"])
        error = answer.get("error")
        if answer.get("ok") is False and isinstance(error, dict):
            code, message = str(error.get("code", "refused")), str(error.get("message", "refused"))
            raise ControlError(code, f"{request.get('op')} refused: {message}", str(error.get("next") or ""))
        raise ControlError("garbled", f"{self.path} answered neither a result nor an error")

    def _exchange(self, line: bytes) -> bytes:
        """One line there, one line back."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self.timeout)
                connection.connect(self.path)
                self._check_listener(connection)
                with contextlib.suppress(BrokenPipeError):  # it refuses strangers before they have asked
                    connection.sendall(line)
                return self._read_line(connection)
        except TimeoutError as error:
            raise ControlError(
                "timeout",
                f"{self.path} did not answer within {self.timeout:g} s",
                "look at the unit's journal",
            ) from error
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise ControlError(
                "unreachable",
                f"nobody listens on {self.path}",
                "is the unit running, and with the wrapper in its node.py?",
            ) from error
        except PermissionError as error:
            raise ControlError("denied", f"{self.path} is for root only", "run this as root") from error
        except OSError as error:
            raise ControlError("broken", f"the connection to {self.path} broke: {error}") from error

    def _check_listener(self, connection: socket.socket) -> None:
        """Say nothing to a service of somebody else: the node's user can lay a link in the socket's place.

        Raises:
            ControlError: Who listens is neither who we are nor the owner of the socket's folder.
        """
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _pid, user, _group = _CREDENTIALS.unpack(credentials)
        owner = Path(self.path).parent.stat().st_uid
        if user != owner:
            raise ControlError(
                "stranger",
                f"{self.path} leads to a service of user {user}, and its folder is user {owner}'s",
                "look at what lies there, and restart the unit",
            )

    def _read_line(self, connection: socket.socket) -> bytes:
        """Read up to the line's end; the wrapper may close right after it."""
        received = bytearray()
        deadline = time.monotonic() + self.timeout
        while not received.endswith(b"\n"):
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = connection.recv(65536)
            if not piece:
                break
            received += piece
            if len(received) > MAX_ANSWER_BYTES:
                raise ControlError("garbled", f"{self.path} answered more than {MAX_ANSWER_BYTES} bytes")
        if not received:
            raise ControlError("closed", f"{self.path} closed without an answer", "only uid 0 is served")
        return bytes(received)

    def _decode(self, line: bytes) -> dict[str, Any]:
        """An answer is one JSON object."""
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ControlError("garbled", f"{self.path} answered something that is not JSON") from error
        if not isinstance(answer, dict):
            raise ControlError("garbled", f"{self.path} answered JSON that is not an object")
        return answer


def _not_a_status(status: Mapping[str, Any]) -> str:
    """Why an answer cannot be a status, or an empty text."""
    if status.get("mode") not in MODES:
        return f"mode is {str(status.get('mode'))[:40]!r}, none of {', '.join(MODES)}"
    wrong = [name for name, kind in PARTS.items() if name in status and not isinstance(status[name], kind)]
    return f"{', '.join(wrong)} of another type" if wrong else ""
