"""What stands between Ansible's display and the screen; for the controller.

Three things pass here and nowhere else: texts of strangers are made visible, what the digest leaves out goes
to Ansible's log alone (``ANSIBLE_LOG_PATH`` has all of a run), and on a terminal the task at work is drawn in
place below what was said.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...module_utils.visible import LAYOUT, Painted, visible
from .typed_run import PROGRAM

CLEAR = "\r\033[K"
NARROWEST = 40
"""Columns below which nothing is broken into lines: no terminal is meant."""


class Console:
    """The guard of a display; `guard` makes one for a run.

    Args:
        display: Ansible's, whose ``display`` is replaced.
        terminal: Whether lines may be drawn in place.

    Attributes:
        heading: What is to be said before the next thing that is said.
    """

    def __init__(self, display: Any, *, terminal: bool) -> None:
        self.heading = ""
        self._display, self._show = display, display.display
        self._terminal, self._drawn = terminal, False
        self._unseen = threading.local()
        self._process = os.getpid()
        display.display = self.display

    def display(self, msg: Any, color: Any = None, stderr: bool = False, **options: Any) -> None:
        """Show a text, or write it to the log alone; what goes to the error output is always shown."""
        text = msg if isinstance(msg, Painted) else visible(msg, keep=LAYOUT)
        if os.getpid() != self._process:  # a worker's words come through the run's own process
            self._show(text, color=color, stderr=stderr, **options)
            return
        if getattr(self._unseen, "now", False) and not stderr:
            if options.get("screen_only"):
                return
            options["log_only"] = True
        if not options.get("log_only"):
            self._clear()
            heading, self.heading = self.heading, ""
            if heading:
                self._show(visible(heading, keep=LAYOUT), screen_only=True)
        self._show(text, color=color, stderr=stderr, **options)
        if not options.get("log_only"):
            sys.stdout.flush()  # in a pipe too: somebody waits for it

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """What is said meanwhile by this thread goes to the log alone, but for warnings."""
        before = getattr(self._unseen, "now", False)
        self._unseen.now = True
        try:
            yield
        finally:
            self._unseen.now = before

    def at_work(self, text: str) -> None:
        """Draw what is at work, on a terminal alone; the next thing that is said takes its place."""
        if self._terminal:
            sys.stdout.write(CLEAR + visible(text)[: self.columns - 1])
            sys.stdout.flush()
            self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            sys.stdout.write(CLEAR)
            self._drawn = False

    @property
    def columns(self) -> int:
        """How wide the terminal is."""
        try:
            return os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            return 80

    def broken(self, text: str, indent: str = "") -> str:
        """A text in lines that fit the terminal, each with an indent.

        In a pipe a line stays whole, and one with a command anywhere: it is copied from there, and half of a
        command is another command.
        """
        lines = []
        for line in text.split("\n"):
            if self._terminal and PROGRAM not in line and self.columns >= NARROWEST:
                own = " " * (len(line) - len(line.lstrip()))
                lines += textwrap.wrap(
                    line, self.columns - 1, initial_indent=indent, subsequent_indent=f"{indent}{own}  ",
                    break_long_words=False, break_on_hyphens=False,
                ) or [indent]  # fmt: skip
            else:
                lines.append(indent + line)
        return "\n".join(lines)


def is_terminal() -> bool:
    """Whether the output is a terminal that can draw a line anew."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def guard(display: Any) -> Console:
    """The console of a display: the one that it has, or a new one."""
    if not hasattr(display, "console"):
        display.console = Console(display, terminal=is_terminal())
    console: Console = display.console
    return console
