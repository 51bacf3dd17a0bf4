"""The metrics server's settings: one JSON file, written by the role `metrics`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from coinjecture_migration.api_shape import ApiShape
from coinjecture_migration.vocabulary import STATE_DIR


class SettingsError(ValueError):
    """The settings cannot be followed; the message names file, setting and remedy."""


@dataclass(frozen=True)
class Settings:
    """Where the metrics come from and where they are served.

    Attributes:
        node: Name of the node, as the step journal has it.
        address: The one address that is listened on.
        port: Its port.
        api: URL of the node's API.
        api_shape: How the API is read, where that is not as the reference node's.
        state_dir: Folder of mode file and evidence.
        operator_dir: Folder of the step journal; before, that lay in `state_dir`.
        timeout: Seconds the API may take for one answer.
        fingerprint_lag: Blocks below the tip from which on hashes are compared between nodes.
        fingerprint_step: Distance in blocks between two compared heights.
        soak_required: Seconds a soak of this node has to last, by mode, where the calendar asks for one.
    """

    node: str
    address: str = "127.0.0.1"
    port: int = 9478
    api: str = "http://127.0.0.1:8080"
    api_shape: ApiShape = field(default_factory=ApiShape)
    state_dir: Path = Path(STATE_DIR)
    operator_dir: Path = Path("/var/lib/coinjecture-operator")
    timeout: float = 2.0
    fingerprint_lag: int = 20
    fingerprint_step: int = 10
    soak_required: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ip_address(self.address)
        if not 0 < self.port < 65536:
            raise ValueError(f"port {self.port} is none")
        if self.fingerprint_lag < 0 or self.fingerprint_step < 1 or self.timeout <= 0:
            raise ValueError(
                "fingerprint_lag, fingerprint_step and timeout are 0 or more, 1 or more, above 0"
            )
        if not self.api.startswith(("http://", "https://")):
            raise ValueError(f"api {self.api!r} is no URL")


def load_settings(path: Path) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: The file is not there, not JSON, or holds something that cannot be meant.
    """
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        unknown = set(values) - {known.name for known in fields(Settings)}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        for name in {"state_dir", "operator_dir"} & set(values):
            values[name] = Path(values[name])
        values["api_shape"] = ApiShape.of(values.get("api_shape", {}))
        return Settings(**values)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{path}: {error}; run playbooks/monitoring.yml again, which writes this file"
        ) from error
