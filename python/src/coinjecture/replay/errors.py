"""What replay refuses: input that cannot be judged."""

from __future__ import annotations


class BadInput(Exception):
    """A file cannot be used; the message names it and says what to do."""
