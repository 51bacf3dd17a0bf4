"""Sending on: in order, each alert until every service has taken it, and from there after a restart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from coinjecture_events.entries import Alert, Cursor
from coinjecture_events.sinks import NotTakenError, RefusedError, Sink

log = logging.getLogger("coinjecture.events")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between two attempts


def forward(
    alerts: Iterable[Alert],
    sinks: Sequence[Sink],
    cursor: Cursor,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Send alerts on until there are no more.

    One that a service has taken is not sent to it again while this runs; after a restart it can be.

    Args:
        alerts: The alerts in order.
        sinks: The services.
        cursor: Moves on once every service has taken an alert.
        pause: Waits.
    """
    for alert in alerts:
        for sink in sinks:
            _insist(sink, alert, pause)
        cursor.write(alert.cursor)


def _insist(sink: Sink, alert: Alert, pause: Callable[[float], None]) -> None:
    wait = FIRST_PAUSE
    while True:
        try:
            sink.send(alert)
        except NotTakenError as error:
            log.warning("%s was not taken, trying again in %g s: %s", alert.kind, wait, error)
            pause(wait)
            wait = min(2 * wait, LONGEST_PAUSE)
        except RefusedError as error:
            log.error("%s is left out, the service will never take it: %s", alert.kind, error)
            return
        else:
            return
