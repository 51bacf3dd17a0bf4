"""Which engines a replay ran: their files' hashes and the release they came from."""

from __future__ import annotations

import hashlib
import platform
import re
from pathlib import Path
from typing import Any

from coinjecture import _core


def release() -> str | None:
    """Hash of the wheel that runs: the name of the folder it is installed in; None outside of releases."""
    for folder in Path(str(_core.__file__)).resolve().parents:
        if re.fullmatch(r"[0-9a-f]{64}", folder.name):
            return folder.name
    return None


def identities(legacy_file: Path) -> dict[str, Any]:
    """Both engines' identities, in the form of a divergence file's ``builds``."""
    return {
        "legacy": {"file": str(legacy_file), "sha256": _sha256(legacy_file)},
        "rust": {
            **_core.build_info(),
            "release": release(),
            "module_sha256": _sha256(Path(str(_core.__file__))),
        },
    }


def surroundings() -> dict[str, str]:
    """What else the rules depend on: the interpreter and the C library."""
    return {"python": platform.python_version(), "libc": " ".join(platform.libc_ver())}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
