"""Running other programs, with errors a person can act on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence


class RefusalError(Exception):
    """Something is missing on this machine and nothing has been changed; the text says what to type."""


class CommandError(Exception):
    """A program that had to succeed did not; the text carries the command and the end of its output."""


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program and return its standard output.

    Args:
        argv: The program and its arguments; no shell is involved.
        stdin: Text for its standard input; without it the input is empty.
        env: Variables set on top of this process's own.
        timeout: Seconds after which it is killed.

    Raises:
        CommandError: It could not be started, ended non-zero, or took too long.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin if stdin is not None else "",
            env={**os.environ, **(env or {})},
            timeout=timeout,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"`{' '.join(argv)}` did not end within {timeout} s") from error
    if done.returncode != 0:
        tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
        raise CommandError(f"`{' '.join(argv)}` ended with {done.returncode}:\n{tail}")
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Whether a program can be started and ends with 0; its output is dropped."""
    try:
        run(argv, timeout=60)
    except CommandError:
        return False
    return True
