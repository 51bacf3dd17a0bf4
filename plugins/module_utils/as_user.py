"""Doing with the rights of the node's user what concerns that user's own files and programs.

Root never runs an interpreter, imports a package or opens a database that the node's user may have changed:
a child does, which has given root's rights up for good.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

MAX_ANSWER = 16 * 1024 * 1024


class NotDone(Exception):
    """The child did not do it; the message says why."""


def command(user: str, argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` as ``user``; as it is where we are not root, or the user is.

    Raises:
        OSError: There is no such user.
    """
    account = _account(user)
    if account is None:
        return list(argv)
    give_up = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--no-new-privs"]
    return ["setpriv", *give_up, "--inh-caps=-all", "--", *argv]


def call(user: str, function: Callable[[], Any], seconds: float) -> Any:
    """As `call_as`, with the rights of a user by name; with our own where we are not root, or the user is.

    Raises:
        NotDone: As `call_as`.
        OSError: There is no such user.
    """
    account = _account(user)
    return call_as(None if account is None else (account.pw_uid, account.pw_gid), function, seconds)


def call_as(who: tuple[int, int] | None, function: Callable[[], Any], seconds: float) -> Any:
    """What ``function`` returns, a value of JSON, when a child with these rights alone calls it.

    Args:
        who: User and group; None for our own.
        function: What is done.
        seconds: How long it may take.

    Raises:
        NotDone: It raised, or did not end in time.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(who, function, writing)
    os.close(writing)
    try:
        said = _read(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)  # it has answered, or has no time left
        os.waitpid(child, 0)
    if said is None:
        raise NotDone(f"it took more than {seconds:g} s, or said too much")
    try:
        answer = json.loads(said)
    except ValueError:
        raise NotDone("it ended without an answer") from None
    if "error" in answer:
        raise NotDone(str(answer["error"]))
    return answer["result"]


def _account(user: str) -> pwd.struct_passwd | None:
    """Whose rights are taken on; None where there is nothing to give up."""
    if not user or os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise OSError(f"there is no user {user} on this host") from None
    return account if account.pw_uid != 0 else None


def _answer(who: tuple[int, int] | None, function: Callable[[], Any], writing: int) -> None:
    """The child's whole life."""
    try:
        if who is not None:
            user, group = who
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
        os.chdir("/")
        said = json.dumps({"result": function()})
    except BaseException as error:
        said = json.dumps({"error": f"{type(error).__name__}: {error}"})
    try:
        with os.fdopen(writing, "w") as file:
            file.write(said)
    finally:
        os._exit(0)


def _read(reading: int, deadline: float) -> bytes | None:
    """All that the child says, or None where that is too much or too late."""
    said = bytearray()
    while (left := deadline - time.monotonic()) > 0 and len(said) <= MAX_ANSWER:
        if select.select([reading], [], [], left)[0]:
            piece = os.read(reading, 65_536)
            if not piece:
                return bytes(said)
            said += piece
    return None
