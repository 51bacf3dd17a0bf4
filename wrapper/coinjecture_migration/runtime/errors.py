"""What can go wrong besides a reject."""

from __future__ import annotations

from coinjecture_migration.runtime.visible import visible

NEVER_SWALLOWED = (KeyboardInterrupt, SystemExit)
"""Exceptions that end the process; no fault of an engine, so they are never turned into one."""


class BrokenEngineError(RuntimeError):
    """An engine broke: it raised, panicked, overspent its work budget or gave no answer. Not a verdict."""


class ReleaseImportError(BrokenEngineError):
    """An engine could not be imported at all: its files are at fault, not this node's chain or settings."""


class ModeChangeError(RuntimeError):
    """A mode change did not happen and everything is as it was.

    Attributes:
        code: A word for programs.
        next_step: What to do about it.
    """

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message}; {next_step}")
        self.code = code
        self.message = message
        self.next_step = next_step


class StartError(RuntimeError):
    """The node must not start like this; the message says what to type."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))  # it ends on somebody's terminal
