"""Progress lines: what is being done, and since when the command has been running."""

from __future__ import annotations

import sys
import time

_STARTED = time.monotonic()


def elapsed() -> float:
    """Seconds since this process began to report."""
    return time.monotonic() - _STARTED


def out(subject: str, text: str) -> None:
    """Print one progress line to standard error.

    Standard output stays free for what a command answers.

    Args:
        subject: The part that is at work: `image`, `network`, `nodes`, ...
        text: What it does or has found.
    """
    print(f"[{elapsed():6.1f} s] {subject:<9} {text}", file=sys.stderr, flush=True)
