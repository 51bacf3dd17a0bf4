"""How high the terminal is: the screen is drawn by a worker of Ansible, which has none of its own."""

from __future__ import annotations

import os
import sys
from typing import Any


def remember_terminal(display: Any) -> None:
    """Note the height on Ansible's display, in the process that has the terminal; its workers inherit it.

    Args:
        display: Ansible's display.
    """
    try:
        display.lines_of_terminal = os.get_terminal_size(sys.stdout.fileno()).lines or None
    except (OSError, ValueError):  # a pipe, a file, or nothing
        display.lines_of_terminal = None


def lines_of_terminal(display: Any) -> int | None:
    """The lines of the terminal that is written to; None where it is none, or nobody has noted it."""
    found: int | None = getattr(display, "lines_of_terminal", None)
    return found
