"""Text of strangers as text: what would steer a terminal, hide or reorder is written out instead.

Reasons, names, answers of peers and records of a journal come from machines that nobody vouches for. Whatever
prints such a text (a play, the screen, the page) passes it through here, at the place where it is printed.

Pure standard library without any import of its own siblings: the wrapper on a node has this very file.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of Unicode that draw nothing: controls (ANSI escapes begin with one), the marks that turn the
direction of writing, halves of characters, unassigned ones, separators of lines."""


LAYOUT = "\n\t"
"""What stays as it is where a text of several lines is printed."""


class Painted(str):
    """A text with colours of the toolkit's own or of Ansible's, in which all else has been made visible."""

    __slots__ = ()


def visible(text: Any, keep: str = "") -> str:
    """A text in which every character that draws nothing is written as its escape, as Python writes it.

    Args:
        text: The text; anything else as `str` gives it.
        keep: Characters that stay as they are, such as a line feed where lines are printed.
    """
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in HIDDEN
        else character.encode("unicode_escape").decode("ascii")
        for character in whole
    )


def visible_in(value: Any) -> Any:
    """The same of every text in a value as JSON has it, keys included."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {
            visible(name) if isinstance(name, str) else name: visible_in(inner)
            for name, inner in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [visible_in(inner) for inner in value]
    return value


class VisibleLines(logging.Filter):
    """Makes visible what a record says before any handler writes it; a traceback keeps its lines, marked."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record; it always passes."""
        record.msg, record.args = visible(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            told = logging.Formatter().formatException(record.exc_info)
            record.exc_text = "\n".join(f"  | {visible(line)}" for line in told.split("\n"))
        return True


def guard(logger: logging.Logger) -> None:
    """Let a logger write visible lines only; asking again changes nothing."""
    if not any(isinstance(one, VisibleLines) for one in logger.filters):
        logger.addFilter(VisibleLines())
