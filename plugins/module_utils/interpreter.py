"""Switches of the node's interpreter that change what it accepts, computes or raises.

The Rust engine follows Python as it is without any of them: preflight names a node that has some.
"""

from __future__ import annotations

from collections.abc import Iterator

from .unit_files import Unit, variables
from .unit_needs import command

HARMLESS_VARIABLES = frozenset(
    {"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONFAULTHANDLER"}
)
HARMLESS_FLAGS = frozenset("uBq")
"""Neither changes what Python accepts, computes or raises. Every other switch does, or may do."""
LONGEST = 80


def switches(unit: Unit) -> list[str]:
    """The switches that a unit gives its interpreter, or has given to the running process, sorted."""
    listed = dict(unit.process or {}) | variables(unit.words("Environment"))
    for found in unit.environment_files.values():
        listed |= found
    taken = {word.partition("=")[0] for word in unit.words("UnsetEnvironment")}
    named = [
        f"{name}={value}"[:LONGEST]
        for name, value in listed.items()
        if name.startswith("PYTHON") and value and name not in HARMLESS_VARIABLES | taken
    ]
    return sorted({*named, *_flags(command(unit)), *_flags(list(unit.command))})


def _flags(argv: list[str]) -> Iterator[str]:
    """The flags between interpreter and program, without those that are harmless."""
    words = iter(argv[1:])
    for word in words:
        if not word.startswith("-") or word in ("-", "-c", "-m"):
            return
        if word.startswith(("-X", "-W")):
            yield f"{word[:2]} {word[2:] or next(words, '')}"[:LONGEST]
        elif word.startswith("--"):
            yield f"{word} {next(words, '')}"[:LONGEST]
        elif flags := "".join(flag for flag in word[1:] if flag not in HARMLESS_FLAGS):
            yield f"-{flags}"
