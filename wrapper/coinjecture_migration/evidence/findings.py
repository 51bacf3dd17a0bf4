"""Files for what a person has to look at, divergences and forks: each whole, each once, bounded in number."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from coinjecture_migration.runtime import durable

log = logging.getLogger("coinjecture.migration")


def write_finding(folder: Path, content: dict[str, Any], max_files: int | None) -> str | None:
    """Write what was found as a file named after the SHA-256 of its content.

    Returns its file name; None where the folder holds `max_files` already (None: no limit) or the disk
    refused, which is logged and stops nothing.
    """
    try:
        text = json.dumps(content, sort_keys=True, indent=1).encode() + b"\n"
        name = hashlib.sha256(text).hexdigest() + ".json"
        durable.make_folder(folder)
        target = folder / name
        if target.exists():
            return name
        if max_files is not None and sum(1 for _ in folder.glob("*.json")) >= max_files:
            log.error("not written: %s holds %d files already", folder, max_files)
            return None
        durable.replace(target, text)
        return name
    except Exception as error:
        log.error("not written to %s: %s", folder, error)
        return None
