"""What replay refuses: input that cannot be judged."""

from __future__ import annotations


class BadInputError(Exception):
    """A file cannot be used; the message names it and says what to do."""


BadInput = BadInputError
"""The name up to version 4.0."""
