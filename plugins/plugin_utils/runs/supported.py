"""What the plays run on; the tests run them on the oldest and on the newest of these versions."""

from __future__ import annotations

import sys
from importlib.util import find_spec

OLDEST = (2, 16)
NEWEST = (2, 19)
LIBRARIES = ("jsonschema",)  # what the filters need that Ansible does not bring


def unsupported(version: str) -> str:
    """Why the plays do not run on this version of ansible-core, or an empty text."""
    number = tuple(int(part) for part in version.split(".")[:2])
    if OLDEST <= number <= NEWEST:
        return ""
    first, last = (".".join(map(str, bound)) for bound in (OLDEST, NEWEST))
    return f"this is ansible-core {version}, and the plays run on {first} to {last}; make setup installs one"


def incomplete() -> str:
    """Which libraries the Python that runs Ansible lacks, or an empty text."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if not missing:
        return ""
    named = " and no ".join(missing)
    return f"{sys.executable} has no {named}; make setup installs it, then: . .venv/bin/activate"
