"""Facts about this process that a soak belongs to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping
from typing import Any

from coinjecture_migration import interpreter
from coinjecture_migration.settings import Settings

STARTED = time.time()


def of_process(settings: Settings, config: Any) -> dict[str, str | None]:
    """Python with its switches, C library and configuration: a change of one of them begins a new soak."""
    return {
        "interpreter": interpreter.summary(),
        "python": platform.python_version(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "config_fingerprint": fingerprint(settings, config),
    }


def fingerprint(settings: Settings, config: Any) -> str:
    """SHA-256 over the engine's configuration, the node's configuration file and the wrapper's policy."""
    is_plain = dataclasses.is_dataclass(config) and not isinstance(config, type)
    engine = {f.name: repr(getattr(config, f.name)) for f in dataclasses.fields(config)} if is_plain else {}
    try:
        node = hashlib.sha256(settings.node_config.read_bytes()).hexdigest()
    except OSError:
        node = ""
    policy = [settings.on_divergence, settings.error_allowance, settings.pin_profile, settings.work_budget]
    return hashlib.sha256(json.dumps([engine, node, policy], sort_keys=True).encode()).hexdigest()


def report(facts: Mapping[str, str | None]) -> dict[str, Any]:
    """The `process` part of `status`."""
    return {"pid": os.getpid(), "started": STARTED, **facts}
