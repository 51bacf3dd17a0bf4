"""What replay refuses: input that cannot be judged."""

from __future__ import annotations

import warnings
from typing import Any


class BadInputError(Exception):
    """A file cannot be used; the message names it and says what to do."""


def __getattr__(name: str) -> Any:
    if name == "BadInput":  # up to version 4.0
        warnings.warn(f"{__name__}.BadInput is named BadInputError now", DeprecationWarning, stacklevel=2)
        return BadInputError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
