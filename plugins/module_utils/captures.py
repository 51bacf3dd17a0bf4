"""Captured divergences: read where a node keeps them, judged again by both engines of a release."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Run = Callable[[Sequence[str], Mapping[str, str]], "subprocess.CompletedProcess[str]"]

MAX_TOTAL_BYTES = 256 * 1024 * 1024
REPLAY_LIMIT = 3600.0
"""Seconds that the replay of all captures may take."""

AGREE, DIVERGE = 0, 1


class ReplayImpossible(Exception):
    """The captures cannot be judged again; the message says why."""


def read(folder: Path) -> dict[str, str]:
    """Every capture of a folder in base64, by its name.

    The folder belongs to the node's user, so no link is followed.

    Raises:
        ReplayImpossible: They are more than can be carried.
        OSError: One cannot be read.
    """
    found: dict[str, str] = {}
    total = 0
    for path in sorted(folder.glob("*.json")):
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            content = file.read(MAX_TOTAL_BYTES)
        total += len(content)
        if total > MAX_TOTAL_BYTES:
            raise ReplayImpossible(
                f"{folder} holds more than {MAX_TOTAL_BYTES} bytes; move old captures away"
            )
        found[path.name] = base64.b64encode(content).decode("ascii")
    return found


def merged(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The captures of several nodes; a name is the hash of the content, so equal names are equal files."""
    return {name: data for result in results for name, data in sorted((result.get("captures") or {}).items())}


def write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Put captures into a folder."""
    written = []
    for name, data in sorted(files.items()):
        path = folder / Path(name).name
        path.write_bytes(base64.b64decode(data))
        written.append(path)
    return written


def replay(
    captures: Sequence[Path], release: Path, python: str, legacy: Path, run: Run | None = None
) -> tuple[bool, str]:
    """Judge captures again by the Rust engine of a release and by the legacy engine.

    Returns:
        Whether both agree on every capture now, and what the replay said.

    Raises:
        ReplayImpossible: It gave no verdict.
    """
    command = [python, "-B", "-m", "coinjecture.replay", "--legacy", str(legacy), "--json", "--captures"]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(release)}
    try:
        done = (run or _run)([*command, *map(str, captures)], environment)
    except (OSError, subprocess.SubprocessError) as error:
        raise ReplayImpossible(f"the replay of {len(captures)} captures did not end: {error}") from error
    if done.returncode not in (AGREE, DIVERGE):
        raise ReplayImpossible(
            f"the replay ended with {done.returncode}: {(done.stderr or done.stdout)[-1500:]}"
        )
    return done.returncode == AGREE, _said(done)


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """What the replay said, short enough for a message."""
    try:
        return json.dumps(json.loads(done.stdout))[:3000]
    except ValueError:
        return (done.stdout + done.stderr).strip()[-3000:]


def _run(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, timeout=REPLAY_LIMIT, check=False
    )
