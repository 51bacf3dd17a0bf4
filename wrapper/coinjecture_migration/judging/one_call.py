"""One call of the node at a time, under the engines in force."""

from __future__ import annotations

import threading

from coinjecture_migration.engines.active import ActiveEngines
from coinjecture_migration.modes.manager import ModeManager
from coinjecture_migration.runtime.alerts import Alerts


class OneCall:
    """Holds the judging lock and the engines in force as long as it is entered; then alerts go out.

    A class and not a generator, since it is in the way of every block.

    Args:
        manager: Has the engines in force.
        judging: The lock of all calls that change a tree.
        alerts: Delivered when the lock is free.
    """

    __slots__ = ("_active", "_alerts", "_judging", "_manager")

    def __init__(self, manager: ModeManager, judging: threading.RLock, alerts: Alerts) -> None:
        self._manager, self._judging, self._alerts = manager, judging, alerts

    def __enter__(self) -> ActiveEngines:
        self._judging.acquire()
        try:
            while True:
                active = self._manager.active
                active.calls.enter()
                if active is self._manager.active:
                    self._active = active
                    return active
                active.calls.leave()  # it was replaced in between: nobody waits for this call
        except BaseException:
            self._judging.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._active.calls.leave()
        finally:
            self._judging.release()
            self._alerts.deliver()
