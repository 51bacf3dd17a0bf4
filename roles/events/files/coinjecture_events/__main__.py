"""`python -m coinjecture_events SETTINGS`: send a node's alerts on until told to stop."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from coinjecture_events.entries import Cursor, follow
from coinjecture_events.forward import forward
from coinjecture_events.settings import SettingsError, load_settings
from coinjecture_events.sinks import sinks_of


def main(argv: list[str]) -> int:
    """Send on; 2 where the settings are wrong, 1 where the system log cannot be followed any more."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    if len(argv) != 1:
        print("usage: python -m coinjecture_events SETTINGS.json", file=sys.stderr)
        return 2
    try:
        settings = load_settings(Path(argv[0]))
        cursor = Cursor(Path(settings.state_dir, "cursor"))
        forward(follow(settings.unit, cursor.read()), sinks_of(settings), cursor)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
