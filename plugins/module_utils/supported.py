"""The versions of ansible-core that the plays run on; the tests run them on the oldest and on the newest."""

from __future__ import annotations

OLDEST = (2, 16)
NEWEST = (2, 19)


def unsupported(version: str) -> str:
    """Why the plays do not run on this version of ansible-core, or an empty text."""
    number = tuple(int(part) for part in version.split(".")[:2])
    if OLDEST <= number <= NEWEST:
        return ""
    first, last = (".".join(map(str, bound)) for bound in (OLDEST, NEWEST))
    return f"this is ansible-core {version}, and the plays run on {first} to {last}; make setup installs one"
