"""The forwarder's settings: one JSON file with the keys of Sentry and Datadog."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path


class SettingsError(ValueError):
    """The settings cannot be followed; the message names file, setting and remedy, and no key."""


@dataclass(frozen=True)
class Settings:
    """What is sent where.

    Attributes:
        node: Name of the node, in every event.
        unit: The node's unit, whose alerts are sent on.
        state_dir: Folder of the cursor.
        sentry_dsn: Where Sentry takes events; empty: no Sentry.
        datadog_url: Datadog's API.
        datadog_api_key: Its key; empty: no Datadog.
        ca_file: Certificates to trust instead of the system's, or empty.
    """

    node: str
    unit: str
    state_dir: str
    sentry_dsn: str = ""
    datadog_url: str = "https://api.datadoghq.com"
    datadog_api_key: str = ""
    ca_file: str = ""

    def __post_init__(self) -> None:
        if not (self.sentry_dsn or self.datadog_api_key):
            raise ValueError("neither Sentry nor Datadog is set")


def load_settings(path: Path) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: The file is not there, not JSON, or holds something that cannot be meant.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        unknown = set(values) - {known.name for known in fields(Settings)}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        return Settings(**values)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{path}: {error}; run playbooks/monitoring.yml again, which writes this file"
        ) from error
