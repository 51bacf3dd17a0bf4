"""A wheel installed as a release: staged, checked, renamed into place, switched to.

A release is a folder named after the wheel's SHA-256. It appears whole or not at all,
and ``current`` points to one release or another, never to half of one.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import as_user, durable
from .bounded_reader import UnreadableError, parse_json
from .installed import compare
from .owned_place import of_root
from .wheel_file import WheelRefusedError, check_tags, unpack

Run = Callable[[Sequence[str]], str]

BUILD_PROBE = (
    "import json, sys; sys.path.insert(0, sys.argv[1]); from coinjecture import _core;"
    " import coinjecture.consensus; print(json.dumps(_core.build_info()))"
)
TAGS_PROBE = """
import json
try:
    from packaging.tags import sys_tags
except ImportError:
    from pip._vendor.packaging.tags import sys_tags
print(json.dumps([str(tag) for tag in sys_tags()]))
"""


class ReleaseRefusedError(Exception):
    """The wheel is not installed; the message says why."""


def run_command(command: Sequence[str]) -> str:
    """Run a command in a bare environment, nothing of the operator's, and return its output.

    Raises:
        ReleaseRefusedError: It cannot be started or fails.
    """
    bare = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    try:
        return str(as_user.output(command, 300, bare))
    except as_user.NotDoneError as error:
        raise ReleaseRefusedError(f"{' '.join(command[-4:-3] or command[:1])} failed: {error}") from error


@dataclass(frozen=True)
class Interpreter:
    """The node's interpreter; it runs as the node's user, whose it may be to change.

    Attributes:
        python: The program.
        user: The node's user.
        run: Runs a command and returns its output.
    """

    python: str
    user: str
    run: Run = run_command

    def run_probe(self, program: str, *arguments: str) -> str:
        """What a short program prints, run away from what the caller's environment and folder hold."""
        command = [self.python, "-I", "-B", "-c", program, *arguments]
        return self.run(as_user.command(self.user, command))

    def tags(self) -> list[str]:
        """The tags of wheels that it takes.

        Raises:
            ReleaseRefusedError: It does not say.
        """
        output = self.run_probe(TAGS_PROBE)
        try:
            return [str(tag) for tag in parse_json(output, self.python)]
        except (UnreadableError, TypeError) as error:
            raise ReleaseRefusedError(f"{self.python} does not say which wheels it takes: {error}") from error


def wheel_hash(wheel: Path) -> str:
    """SHA-256 of a file in hex."""
    with wheel.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def install(
    wheel: Path, sha256: str, releases: Path, node: Interpreter, allow_faults: bool
) -> tuple[bool, dict[str, Any]]:
    """Install a wheel as ``releases/<sha256>``, or anew where what lies there is not that wheel any more.

    Args:
        wheel: The wheel on this machine.
        sha256: The hash it must have.
        releases: The folder of all releases.
        node: The node's interpreter; it is asked and is not changed.
        allow_faults: Whether a wheel that can be told to fail is allowed here.

    Returns:
        Whether anything was installed, and what the wheel says about its build.

    Raises:
        ReleaseRefusedError: Wrong bytes, another interpreter, not importable, or a fault wheel out of place.
        OSError: The disk refused, the folder is not root's, or there is no such user.
    """
    of_root(releases)
    release = releases / sha256
    if is_whole(release):
        return False, _probe(release, node, allow_faults)
    if (found := wheel_hash(wheel)) != sha256:
        raise ReleaseRefusedError(f"{wheel.name} has the hash {found}, recorded is {sha256}")
    staged = releases / f".staged-{sha256}"
    shutil.rmtree(staged, ignore_errors=True)
    try:
        build = _stage(wheel, staged, node, allow_faults)
        if differs := compare(staged, sha256)["differs"]:
            raise ReleaseRefusedError(f"what was installed is not what is in the wheel: {'; '.join(differs)}")
    except (ReleaseRefusedError, OSError):
        shutil.rmtree(staged, ignore_errors=True)
        raise
    _put_in_place(staged, release)
    return True, build


def _stage(wheel: Path, staged: Path, node: Interpreter, allow_faults: bool) -> dict[str, Any]:
    """Unpack a wheel beside its place, keep it there, and try it; what it says about its build."""
    staged.mkdir(parents=True)
    staged.chmod(0o755)
    try:
        check_tags(wheel.name, node.tags(), node.python)
        unpack(wheel, staged)
    except WheelRefusedError as error:
        raise ReleaseRefusedError(str(error)) from error
    durable.replace(staged / wheel.name, wheel.read_bytes())
    return _probe(staged, node, allow_faults)


def is_whole(release: Path) -> bool:
    """Whether a release is installed, and is its wheel byte for byte."""
    return release.is_dir() and not compare(release)["differs"]


def _put_in_place(staged: Path, release: Path) -> None:
    """Give the release its name; a damaged one goes first: a process keeps what it has read of it."""
    for path in (*staged.rglob("*"), staged):
        if path.is_dir():
            durable.sync(path)  # the files have been brought to the disk, their names have not
    damaged = release.with_name(f".damaged-{release.name}")
    shutil.rmtree(damaged, ignore_errors=True)
    if release.is_symlink():
        durable.remove(release)
    elif release.exists():
        durable.rename(release, damaged)
    durable.rename(staged, release)
    shutil.rmtree(damaged, ignore_errors=True)


def switch(current: Path, release: Path) -> bool:
    """Point ``current`` at a release in one atomic step; says whether it pointed elsewhere."""
    if current.is_symlink() and current.readlink() == release:
        return False
    if current.exists() and not current.is_symlink():
        raise ReleaseRefusedError(f"{current} is not a link; move it away first")
    of_root(current.parent)
    durable.link(current, release)
    return True


def _probe(release: Path, node: Interpreter, allow_faults: bool) -> dict[str, Any]:
    """Import the engine, native and Python, with the node's interpreter and ask how it was built."""
    output = node.run_probe(BUILD_PROBE, str(release))
    try:
        build = parse_json(output, "the wheel's build")
        features = list(build["features"])
    except (UnreadableError, KeyError, TypeError) as error:
        raise ReleaseRefusedError(f"the wheel does not say how it was built: {output[:200]!r}") from error
    if features and not allow_faults:
        # Every feature there is makes the engine wrong: it fails on purpose, or has a wrong rule.
        raise ReleaseRefusedError(
            f"this is the fault wheel (features {', '.join(map(str, features))}), "
            "and the network is not marked as a test network (network_is_test)"
        )
    return dict(build)
