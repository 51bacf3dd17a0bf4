"""Text of strangers as text: what would steer a terminal, forge a line or hide is shown as an escape.

Pure standard library without any import of its own siblings, so that any program can carry a copy of it.
"""

from __future__ import annotations

import logging
import unicodedata

STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what is no visible text: controls (C0, DEL, C1), formats (bidi overrides, zero
width), lone surrogates, separators of lines and of paragraphs."""


def visible(text: str) -> str:
    r"""The text in one line, each steering character as Python would escape it: `\x1b`, `\n`, `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in STEERING else c for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


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
