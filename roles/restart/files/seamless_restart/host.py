"""This host as the guard uses it: commands, units, sockets, requests, files, time."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from . import durable, owned_place
from .compatibility import Answer
from .kernel_sockets import SHOW, Listener, Socket, listeners, read_sockets
from .settings import Change
from .sockets import port_is_free

_POLL = 0.02
_LONGEST_HEAD = 65536


class CommandFailedError(Exception):
    """A command ended non-zero; the text is the command and what it said."""


@dataclass(frozen=True)
class Unit:
    """A unit of the service manager at one moment.

    Attributes:
        active: `active`, `inactive`, `failed`, `activating`, ...
        main_pid: Its process; 0 if there is none.
        uid: The user it runs as; None if it does not run.
        restarts: How often it has been started again by itself.
        busy: Whether a job for it is under way.
    """

    active: str
    main_pid: int
    uid: int | None
    restarts: int
    busy: bool


class Host(Protocol):
    """What the operation needs of a host; `ThisHost` is one, a test brings another."""

    def run(self, argv: Sequence[str], text: str | None = None) -> str:
        """Run a command, with this on its standard input, and return what it wrote."""

    def unit(self, name: str) -> Unit:
        """A unit now."""

    def sockets(self) -> list[Socket]:
        """Every TCP socket now."""

    def listeners_of(self, name: str) -> list[Listener]:
        """Where the processes of a unit take connections now."""

    def port_is_free(self, port: int) -> bool:
        """Whether this loopback port can be listened on."""

    def ask(self, address: str, port: int, path: str) -> Answer | None:
        """One GET; None if no connection could be made, or it stayed open and silent for five seconds."""

    def runs(self, pid: int) -> bool:
        """Whether this process is there."""

    def missing(self, paths: Sequence[str]) -> list[str]:
        """Those of these paths that are not there."""

    def write(self, path: Path, text: str) -> None:
        """Write a file of the operation that everyone may read."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Make these changes, each whole or not at all; made again they do nothing."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""

    def pause(self) -> None:
        """Wait a moment before looking again."""


class ThisHost:
    """The host that this program runs on; needs root."""

    def run(self, argv: Sequence[str], text: str | None = None) -> str:
        """See Host.

        Raises:
            CommandFailedError: It ended non-zero.
        """
        done = subprocess.run(list(argv), input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CommandFailedError(f"{' '.join(argv)}: {done.stderr.strip() or f'exit {done.returncode}'}")
        return done.stdout

    def unit(self, name: str) -> Unit:
        """See Host."""
        names = ("ActiveState", "MainPID", "UID", "NRestarts", "Job")
        shown = self.run(["systemctl", "show", f"--property={','.join(names)}", "--", name])
        values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        uid = values.get("UID", "")
        return Unit(
            active=values.get("ActiveState", ""),
            main_pid=int(values.get("MainPID") or 0),
            uid=int(uid) if uid.isdigit() else None,
            restarts=int(values.get("NRestarts") or 0),
            busy=values.get("Job", "") not in ("", "0"),
        )

    def sockets(self) -> list[Socket]:
        """See Host."""
        return read_sockets()

    def listeners_of(self, name: str) -> list[Listener]:
        """See Host."""
        return listeners(self.run([*SHOW, name]))

    def port_is_free(self, port: int) -> bool:
        """See Host."""
        return port_is_free(port)

    def ask(self, address: str, port: int, path: str) -> Answer | None:
        """See Host."""
        host = f"[{address}]" if ":" in address else address
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: coinjecture-restart\r\n\r\n"
        head, connected = b"", False
        try:
            with socket.create_connection((address, port), timeout=5) as connection:
                connected = True
                connection.sendall(request.encode("ascii"))
                while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
                    part = connection.recv(4096)
                    if not part:
                        break
                    head += part
        except TimeoutError:
            return Answer(head) if head else None
        except OSError:
            # It has accepted and closed: there is something, if not what was asked for.
            return Answer(head) if connected else None
        return Answer(head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n") if b"\r\n\r\n" in head else Answer(head)

    def runs(self, pid: int) -> bool:
        """See Host. A process that has ended and waits for its parent is none."""
        try:
            status = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return status.rpartition(") ")[2][:1] not in ("Z", "X")

    def missing(self, paths: Sequence[str]) -> list[str]:
        """See Host."""
        return [path for path in paths if not Path(path).exists()]

    def write(self, path: Path, text: str) -> None:
        """See Host."""
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)

    def apply(self, changes: Sequence[Change]) -> None:
        """See Host."""
        for change in changes:
            apply_change(change)

    def now(self) -> float:
        """See Host."""
        return time.monotonic()

    def pause(self) -> None:
        """See Host."""
        time.sleep(_POLL)


def apply_change(change: Change) -> None:
    """Make one change, whole or not at all; in a folder of another user with that user's rights alone.

    Raises:
        OSError: The disk refused.
    """
    path = Path(change.path)
    if change.absent:
        owned_place.act(path.parent, lambda: durable.remove(path))
    elif change.link is not None:
        link = change.link
        owned_place.act(path.parent, lambda: durable.link(path, link))
    else:
        model = Path(change.source) if change.source else None
        content = model.read_bytes() if model else (change.content or "").encode()
        owned_place.rewrite(path, content, model)
