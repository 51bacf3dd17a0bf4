"""Several pieces of work of one task at the same time, each in a process, as Ansible itself does it.

Its loaders of plugins do not bear threads. For action plugins, on the controller.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from .controller_run import work_for

AT_ONCE = 16
"""How many processes at the same time."""


class BrokenOffError(Exception):
    """A process ended without an answer."""


def side_by_side(work: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """What each piece of work returns, by its name; the last of every batch is done by this process itself.

    Raises:
        BrokenOffError: One of the processes was killed, or its work has raised.
    """
    found: dict[str, Any] = {}
    waiting = iter(work.items())
    while batch := list(islice(waiting, AT_ONCE)):
        begun = [(name, *_begin(one)) for name, one in batch[:-1]]
        name, own = batch[-1]
        try:
            last = own()
        finally:
            answers = {other: _end(process, pipe) for other, process, pipe in begun}
        found |= {other: _answer(other, answer) for other, answer in answers.items()} | {name: last}
    return {name: found[name] for name in work}


def _begin(work: Callable[[], Any]) -> tuple[int, int]:
    """A process that does the work, and the pipe from which its answer comes."""
    reader, writer = os.pipe()
    worker = os.getpid()
    if process := os.fork():
        os.close(writer)
        return process, reader
    try:
        os.close(reader)
        work_for(worker)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(_told(work))
    finally:
        os._exit(0)


def _told(work: Callable[[], Any]) -> bytes:
    try:
        return pickle.dumps((True, work()))
    except Exception as error:
        return pickle.dumps((False, f"{type(error).__name__}: {error}"))


def _end(process: int, pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as told:
        answer = told.read()
    os.waitpid(process, 0)
    return answer


def _answer(name: str, told: bytes) -> Any:
    if not told:
        raise BrokenOffError(f"{name}: the process that asked it was killed")
    done, answer = pickle.loads(told)  # noqa: S301 - written by the process above
    if not done:
        raise BrokenOffError(f"{name}: {answer}")
    return answer
