"""Where alerts go: Sentry by its own client, Datadog by its events API."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any, Protocol

import sentry_sdk
from sentry_sdk.transport import HttpTransport

from coinjecture_events.entries import Alert
from coinjecture_events.settings import Settings

_TIMEOUT = 10.0  # seconds
_DATADOG_TYPES = {"fatal": "error", "error": "error", "warning": "warning", "info": "info"}
_LONGEST_TEXT = 3900  # Datadog takes 4,000 characters


class NotTakenError(Exception):
    """The service did not take the alert; it is to be tried again."""


class RefusedError(Exception):
    """The service will never take this alert: it is too large, or wrong in its eyes."""


class Sink(Protocol):
    """A service that takes alerts."""

    def send(self, alert: Alert) -> None:
        """Hand an alert over.

        Raises:
            NotTakenError: It did not arrive.
            RefusedError: It never will.
        """


class _Telling(HttpTransport):
    """Sentry's transport, which says whether an event was lost."""

    lost: str | None = None

    def on_dropped_event(self, _reason: str) -> None:
        self.lost = _reason


class Sentry:
    """Sends alerts as events of their kind; Sentry groups them by it."""

    def __init__(self, settings: Settings) -> None:
        self._client = sentry_sdk.Client(
            dsn=settings.sentry_dsn,
            transport=_Telling,
            server_name=settings.node,
            default_integrations=False,
            auto_enabling_integrations=False,
            send_client_reports=False,
            auto_session_tracking=False,
            ca_certs=settings.ca_file or None,
        )

    def send(self, alert: Alert) -> None:
        """Hand an alert over and wait until it has arrived."""
        transport = self._client.transport
        assert isinstance(transport, _Telling)
        transport.lost = None
        event: Any = {
            "message": alert.message,
            "level": alert.level,
            "timestamp": alert.at,
            "logger": "coinjecture.migration",
            "tags": {"kind": alert.kind},
            "extra": dict(alert.fields),
            "fingerprint": [alert.kind, alert.message],
        }
        if self._client.capture_event(event) is None:
            raise NotTakenError("Sentry's client dropped the event")
        self._client.flush(timeout=2 * HttpTransport.TIMEOUT)  # longer than any attempt lasts
        if transport.lost is not None:
            final = transport.lost in ("status_400", "status_413")
            raise (RefusedError if final else NotTakenError)(f"Sentry: {transport.lost}")


class Datadog:
    """Posts alerts to the events API, version 1."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))

    def send(self, alert: Alert) -> None:
        """Hand an alert over; any answer but 2xx means that it was not taken."""
        settings = self._settings
        body = {
            "title": f"{alert.message} ({settings.node})",
            "text": json.dumps(dict(alert.fields), sort_keys=True)[:_LONGEST_TEXT],
            "alert_type": _DATADOG_TYPES[alert.level],
            "date_happened": int(alert.at),
            "host": settings.node,
            "aggregation_key": f"coinjecture-{alert.kind}",
            "source_type_name": "coinjecture",
            "tags": [f"kind:{alert.kind}", f"node:{settings.node}"],
        }
        request = urllib.request.Request(  # noqa: S310 - the URL is the operator's own setting
            f"{settings.datadog_url.rstrip('/')}/api/v1/events",
            data=json.dumps(body).encode(),
            headers={"DD-API-KEY": settings.datadog_api_key, "Content-Type": "application/json"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            raise (RefusedError if error.code in (400, 413) else NotTakenError)(
                f"Datadog: {error}"
            ) from error
        except OSError as error:
            raise NotTakenError(f"Datadog: {error}") from error


def sinks_of(settings: Settings) -> list[Sink]:
    """The services that are set."""
    found: list[Sink] = []
    if settings.sentry_dsn:
        found.append(Sentry(settings))
    if settings.datadog_api_key:
        found.append(Datadog(settings))
    return found
