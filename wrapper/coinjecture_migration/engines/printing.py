"""The legacy engine's `print`: as it was, or silent; never said twice by an engine that is tried out."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Printing:
    """Stands for `print` in the modules of the legacy engine's classes.

    Args:
        quiet: Whether the engine is to be silent.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._thread = threading.local()

    def __call__(self, *words: Any, **options: Any) -> None:
        """Print, unless it is to be silent or an engine is tried out in this thread."""
        if not self._quiet and not getattr(self._thread, "aside", False):
            builtins.print(*words, **options)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What this thread does meanwhile is not the node's own judging: nothing is printed."""
        before, self._thread.aside = getattr(self._thread, "aside", False), True
        try:
            yield
        finally:
            self._thread.aside = before

    def install(self, kind: type[Any]) -> None:
        """Take the place of `print` in every module that a class of the engine is written in."""
        for base in kind.__mro__:
            module = sys.modules.get(base.__module__)
            if module is None or module is builtins:
                continue
            if isinstance(vars(module).get("print", self), Printing):  # a `print` of the node's own stays
                vars(module)["print"] = self
