"""Work that is done again and again in a thread of its own, and outlives every passing shortage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from coinjecture_migration.runtime.errors import NEVER_SWALLOWED

log = logging.getLogger("coinjecture.migration")


class Periodic:
    """A thread that calls `work` every so often until it is closed.

    What the work raises is logged, a panic of an engine too, and the next turn comes all the same. Where the
    system has no thread to give, or the thread has died, `ensure` starts one.

    Args:
        name: The thread's name, and what log lines call it.
        every: Seconds between two turns.
        work: One turn.
    """

    def __init__(self, name: str, every: float, work: Callable[[], object]) -> None:
        self._name, self._every, self._work = name, every, work
        self._starting = threading.Lock()
        self._wanted = False
        self._thread: threading.Thread | None = None
        self.ended = threading.Event()

    def start(self) -> bool:
        """Begin; False where no thread could be started, which is logged."""
        self._wanted = True
        return self.ensure()

    def ensure(self) -> bool:
        """Start the thread if it should run and does not. Returns whether all is as it should be."""
        with self._starting:
            if not self._wanted or self.ended.is_set() or (self._thread and self._thread.is_alive()):
                return True
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError) as error:
                log.error(
                    "%s: no thread (%s); it is tried again when somebody asks for status", self._name, error
                )
                return False
            self._thread = thread
            return True

    def close(self, *, wait: bool = False) -> None:
        """End after the turn that is under way; `wait` for that."""
        self.ended.set()
        thread = self._thread
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while not self.ended.wait(self._every):
            try:
                self._work()
            except NEVER_SWALLOWED:
                raise
            except BaseException as error:  # a panic is no Exception
                log.error("%s: one turn failed: %r", self._name, error)
