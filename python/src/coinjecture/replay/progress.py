"""A line that says how far a replay is."""

from __future__ import annotations

import sys
import time

PLAIN_EVERY_S = 10.0
WIDTH = 30


class Progress:
    """Redrawn on a terminal; where the output is kept, a new line every ten seconds."""

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self._started = self._printed = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Show that so many blocks are compared."""
        now = time.monotonic()
        if not self._terminal and now - self._printed < PLAIN_EVERY_S:
            return
        self._printed = now
        share = done / max(1, self._blocks)
        line = f"replay: {done:,} of {self._blocks:,} blocks ({share:.0%}), {now - self._started:.0f} s"
        if self._terminal:
            bar = "#" * round(share * WIDTH)
            line = f"\r[{bar:{WIDTH}}] {line}\x1b[K"
        print(line, end="" if self._terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line of a terminal."""
        if self._terminal:
            print(file=sys.stderr)
