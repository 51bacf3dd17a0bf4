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
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

MAX_ANSWER = 16 * 1024 * 1024
MAX_COMPLAINT = 2000


class NotDoneError(Exception):
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


def output(argv: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints that may be the node's user's: it can neither flood its caller nor hold it up.

    Args:
        argv: The command, as `command` gives it.
        seconds: How long it may take.
        environment: All of its environment; none for the caller's own.

    Raises:
        NotDoneError: It does not start, fails (with its complaint), says too much, or does not end in time.
    """
    try:
        child = subprocess.Popen(
            argv, env=None if environment is None else dict(environment), cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise NotDoneError(f"{argv[0]} cannot be started: {error.strerror}") from error
    assert child.stdout and child.stderr
    deadline = time.monotonic() + seconds
    try:
        said = _read_all([child.stdout.fileno(), child.stderr.fileno()], deadline)
        in_time = said is not None and _has_ended(child.pid, deadline)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # and what it has begun
        child.wait()
        child.stdout.close()
        child.stderr.close()
    if said is None or not in_time:
        raise NotDoneError(f"it took more than {seconds:g} s, or said too much")
    if child.returncode != 0:
        complaint = said[1].decode("utf-8", "replace").strip()[-MAX_COMPLAINT:]
        raise NotDoneError(complaint or f"it ended with {child.returncode}")
    return said[0].decode("utf-8", "replace")


def call(user: str, function: Callable[[], Any], seconds: float) -> Any:
    """As `call_as`, with the rights of a user by name; with our own where we are not root, or the user is.

    Raises:
        NotDoneError: As `call_as`.
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
        NotDoneError: It raised, or did not end in time.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(who, function, writing)
    os.close(writing)
    try:
        said = _read_all([reading], time.monotonic() + seconds)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)  # it has answered, or has no time left
        os.waitpid(child, 0)
    if said is None:
        raise NotDoneError(f"it took more than {seconds:g} s, or said too much")
    try:
        answer = json.loads(said[0])
    except ValueError:
        raise NotDoneError("it ended without an answer") from None
    if "error" in answer:
        raise NotDoneError(str(answer["error"]))
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


def _read_all(handles: Sequence[int], deadline: float) -> list[bytes] | None:
    """All that comes from each of these pipes, or None where that is too much or too late."""
    said = {handle: bytearray() for handle in handles}
    waiting = set(handles)
    while (left := deadline - time.monotonic()) > 0 and sum(map(len, said.values())) <= MAX_ANSWER:
        for handle in select.select(list(waiting), [], [], left)[0]:
            piece = os.read(handle, 65_536)
            said[handle] += piece
            if not piece:
                waiting.discard(handle)
        if not waiting:
            return [bytes(text) for text in said.values()]
    return None


def _has_ended(child: int, deadline: float) -> bool:
    """Whether a child ends in time; its number stays taken until it is waited for."""
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
