"""The operator lock of a node: who is at work on the network, since when, and how long that may last.

A lock belongs to a run of a playbook, not to a person: a second terminal of the same person is
refused too. It is in use by the nodes that the run works on (``users``) and goes with the last of
them. A run says with every renewal how long its next stretch may take (``ttl``); one that does not
come back in time has lost it. Times of expiry are read from the clock since boot, which no one sets.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import durable
from .bounded_reader import UnreadableError, read_object

SCHEMA = 1
MAX_BROKEN = 50
"""How many broken locks are remembered, so that their runs learn of it."""


@dataclass(frozen=True)
class Claim:
    """A run that asks for the lock.

    Attributes:
        id: Names the run, the same for all its tasks.
        who: The operator, for people.
        what: What the run does, for people.
        place: Names the machine and the process table of the controller, without telling which they are.
        pid: The run's process there.
    """

    id: str
    who: str
    what: str
    place: str
    pid: int


def age(lock: Mapping[str, Any], uptime: float) -> float:
    """Seconds since the lock was renewed; ``uptime`` is the node's clock since boot."""
    return float(uptime - lock["renewed_uptime"])


def expired(lock: Mapping[str, Any], uptime: float) -> bool:
    """Whether its run has not renewed it in time; one that lies in the future is of another boot."""
    return not 0 <= age(lock, uptime) <= lock["ttl"]


def describe(lock: Mapping[str, Any], uptime: float) -> str:
    """Who holds the lock, since when, and how long it lasts if nobody renews it."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(lock["taken"]))
    left = lock["ttl"] - age(lock, uptime)
    lasts = f"expires in {left:.0f} s unless it is renewed" if not expired(lock, uptime) else "expired"
    return f"held by {lock['who']} since {since} ({lock['what']}; run {lock['id']}; {lasts})"


@dataclass(frozen=True)
class LockFile:
    """The lock of one node, in a folder that does not outlive a boot."""

    folder: Path
    clock: Callable[[], float] = time.time
    uptime: Callable[[], float] = field(default=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))

    @property
    def path(self) -> Path:
        """The lock itself; no file, no lock."""
        return self.folder / "lock.json"

    def read(self) -> dict[str, Any] | None:
        """The lock that is there, or None; one that cannot be read counts as none: nobody can renew it."""
        found = _read(self.path)
        try:
            describe(found or {}, self.uptime())
            return found if found and set(found["users"]) and int(found["pid"]) >= 0 else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def take(self, claim: Claim, ttl: float, user: str, dead: str = "") -> dict[str, Any]:
        """Take the lock for one of the run's nodes, or renew it.

        Args:
            claim: The run.
            ttl: Seconds that the run may stay away before it has lost the lock.
            user: The node that the run works on.
            dead: A run that is known to have ended; its lock counts as expired.

        Returns:
            ``outcome``: ``taken``, ``renewed``, ``refused`` (another run holds it) or ``broken`` (this run
            held it until someone broke it). ``lock``: the lock that is there now. ``why``, in words.
        """
        with self._alone():
            lock, uptime = self.read(), self.uptime()
            if notice := self._broken().get(claim.id):
                why = f"the lock of this run was broken by {notice['who']}: {notice['why']}"
                return {"outcome": "broken", "lock": lock, "why": why}
            mine = lock is not None and lock["id"] == claim.id
            if lock and not mine and not expired(lock, uptime) and lock["id"] != dead:
                return {"outcome": "refused", "lock": lock, "why": describe(lock, uptime)}
            users = sorted({*(lock["users"] if lock and mine else []), user})
            fresh = {
                "schema": SCHEMA, "id": claim.id, "who": claim.who, "what": claim.what, "place": claim.place,
                "pid": claim.pid, "taken": lock["taken"] if lock and mine else self.clock(),
                "renewed": self.clock(), "renewed_uptime": uptime, "ttl": ttl, "users": users,
            }  # fmt: skip
            self._write(self.path, fresh)
            after = f"after the lock {describe(lock, uptime)}" if lock and not mine else ""
            return {"outcome": "renewed" if mine else "taken", "lock": fresh, "why": after}

    def release(self, run: str, users: list[str]) -> bool:
        """Give the lock back for some of the run's nodes; says whether it is gone with them.

        One that another run has lost by its time is taken away too.
        """
        if not self.folder.is_dir():
            return False
        with self._alone():
            lock = self.read()
            if lock is None or (lock["id"] != run and not expired(lock, self.uptime())):
                return False
            left = sorted(set(lock["users"]) - set(users))
            if lock["id"] == run and left:
                self._write(self.path, lock | {"users": left})
                return False
            durable.remove(self.path)
            if not any(self.folder.iterdir()):
                self.folder.rmdir()  # a node that nobody works on shows no trace of it
            return True

    def break_lock(self, run: str, who: str, why: str) -> bool:
        """Take the lock from a run, which learns of it at its next task; says whether it held one."""
        if not self.folder.is_dir():
            return False
        with self._alone():
            lock = self.read()
            if lock is None or lock["id"] != run:
                return False
            broken = dict(list(self._broken().items())[-MAX_BROKEN + 1 :])
            self._write(self.folder / "broken.json", broken | {run: {"who": who, "why": why}})
            durable.remove(self.path)
            return True

    def _broken(self) -> dict[str, Any]:
        return _read(self.folder / "broken.json") or {}

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other runs out from reading to writing."""
        handle = self._open()
        try:
            yield
        finally:
            os.close(handle)

    def _open(self) -> int:
        """The folder, open and locked; it is looked for again where it went while this run waited."""
        while True:
            with suppress(FileExistsError):
                self.folder.mkdir(mode=0o700)
            try:
                handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue
            os.fchmod(handle, 0o700)  # whoever can open the folder can lock it too, and hold up every play
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink > 0:
                return handle
            os.close(handle)

    @staticmethod
    def _write(path: Path, content: Mapping[str, Any]) -> None:
        durable.replace(path, json.dumps(content, indent=1) + "\n")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = read_object(path)
    except (OSError, UnreadableError):
        return None
    return found
