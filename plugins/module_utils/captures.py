"""Captured divergences: read where a node keeps them, judged again by both engines of a release."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from .bounded_reader import MAX_BYTES, UnreadableError, folder, names, read_at

Run = Callable[[Sequence[str], Mapping[str, str]], "subprocess.CompletedProcess[str]"]

MAX_TOTAL_BYTES = 256 * 1024 * 1024
REPLAY_LIMIT = 3600.0
"""Seconds that the replay of all captures may take."""

AGREE, DIVERGE, BAD_FILE = 0, 1, 2
"""How the replay ends."""


class ReplayImpossibleError(Exception):
    """The captures cannot be judged again; the message says why."""


class Captured(TypedDict):
    """What a folder of captures holds: ``captures`` in base64 by name, and in ``refused`` what is none."""

    captures: dict[str, str]
    refused: list[str]


def read(place: Path) -> Captured:
    """Every capture of a folder that belongs to the node's user.

    A capture is named after the SHA-256 of its content. What is not, what cannot be read and what is too much
    to be carried is named, and does not keep the others from being judged.
    """
    found: Captured = {"captures": {}, "refused": []}
    room = MAX_TOTAL_BYTES
    try:
        with folder(place) as handle:
            for name in names(handle, place, ".json"):
                try:
                    content = read_at(handle, name, place / name, min(MAX_BYTES, room))
                    if hashlib.sha256(content).hexdigest() != name.removesuffix(".json"):
                        raise UnreadableError(
                            f"{place / name}: it is not named after its content, so it is no capture"
                        )
                except (FileNotFoundError, UnreadableError) as error:
                    found["refused"].append(str(error))
                else:
                    room -= len(content)
                    found["captures"][name] = base64.b64encode(content).decode("ascii")
    except FileNotFoundError:
        pass  # nothing was captured
    except UnreadableError as error:
        found["refused"].append(str(error))
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
) -> tuple[bool, str, list[str]]:
    """Judge captures again by the Rust engine of a release and by the legacy engine.

    Returns:
        Whether both agree now on every capture, what the replay said, and the names of those that are no
        divergence files, which were left out.

    Raises:
        ReplayImpossibleError: It gave no verdict.
    """
    command = [python, "-B", "-m", "coinjecture.replay", "--legacy", str(legacy), "--json", "--captures"]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(release)}

    def judge(paths: Sequence[Path]) -> subprocess.CompletedProcess[str]:
        try:
            return (run or _run)([*command, *map(str, paths)], environment)
        except (OSError, subprocess.SubprocessError) as error:
            raise ReplayImpossibleError(
                f"the replay of {len(paths)} captures did not end: {error}"
            ) from error

    bad: list[str] = []
    done = judge(captures)
    if done.returncode == BAD_FILE and len(captures) > 1:
        bad = [path.name for path in captures if judge([path]).returncode == BAD_FILE]
        if good := [path for path in captures if path.name not in bad]:
            done = judge(good)
    if done.returncode not in (AGREE, DIVERGE):
        raise ReplayImpossibleError(
            f"the replay ended with {done.returncode}: {(done.stderr or done.stdout)[-1500:]}"
        )
    return done.returncode == AGREE, _said(done), bad


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
