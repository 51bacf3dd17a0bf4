"""Alerts: what a person should hear of, delivered after the judging lock is free."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from coinjecture_migration.runtime import system_log
from coinjecture_migration.runtime.visible import guard, visible

log = logging.getLogger("coinjecture.migration")
guard(log)  # of every module of the wrapper: they share it

AlertCallback = Callable[[dict[str, Any]], None]


class Alerts:
    """Collects alerts; hands each to the callback as `{"kind", "message", ...}`, outside of every lock."""

    def __init__(self, callback: AlertCallback | None) -> None:
        self._callback = callback
        self._waiting: deque[dict[str, Any]] = deque()

    def add(self, kind: str, message: str, *, level: int = logging.ERROR, **fields: Any) -> None:
        """Log an alert with its fields, and queue it.

        In a unit it becomes one entry of the system log; elsewhere, and where the journal does not take it,
        a line of the log and a second one with the fields. What a stranger wrote cannot steer either.
        """
        message = visible(message)
        if not (system_log.is_ours() and system_log.send(level, message, {"kind": kind, **fields})):
            log.log(level, message, extra={"migration": {"kind": kind, **fields}})
            if fields:
                log.log(level, "%s: %s", kind, json.dumps(fields, default=repr, sort_keys=True))
        if self._callback is not None:
            self._waiting.append({"kind": kind, "message": message, **fields})

    def deliver(self) -> None:
        """Call back for every waiting alert; a callback that raises is logged and stops nothing."""
        while self._waiting and self._callback is not None:
            try:
                self._callback(self._waiting.popleft())
            except IndexError:
                return  # another thread was faster
            except Exception:
                log.exception("the alert callback raised")
