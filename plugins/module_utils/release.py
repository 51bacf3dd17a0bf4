"""A wheel installed as a release: staged, checked, renamed into place, switched to.

A release is a folder named after the wheel's SHA-256. It appears whole or not at all,
and ``current`` points to one release or another, never to half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

try:
    from ansible.module_utils.installed import compare
except ImportError:  # outside of Ansible, in the tests
    from installed import compare

Run = Callable[[Sequence[str], Mapping[str, str]], str]

BUILD_PROBE = (
    "import json; from coinjecture import _core; import coinjecture.consensus;"
    " print(json.dumps(_core.build_info()))"
)

INSTALLER_NOTES = ("INSTALLER", "REQUESTED", "direct_url.json")
"""What pip writes beside the wheel's own files."""


class ReleaseRefused(Exception):
    """The wheel is not installed; the message says why."""


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command with an own environment and return its output.

    Raises:
        ReleaseRefused: It cannot be started or fails.
    """
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, timeout=300, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        detail = str(getattr(error, "stderr", "") or error).strip()
        raise ReleaseRefused(f"{' '.join(command[:4])} failed: {detail[-2000:]}") from error
    return done.stdout


def wheel_hash(wheel: Path) -> str:
    """SHA-256 of a file in hex."""
    with wheel.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def install(
    wheel: Path, sha256: str, releases: Path, python: str, allow_faults: bool, run: Run = run_command
) -> tuple[bool, dict[str, Any]]:
    """Install a wheel as ``releases/<sha256>``, or anew where what lies there is not that wheel any more.

    Args:
        wheel: The wheel on this machine.
        sha256: The hash it must have.
        releases: The folder of all releases.
        python: The node's interpreter; it installs and probes, and is not changed.
        allow_faults: Whether a wheel that can be told to fail is allowed here.
        run: Runs a command with an environment.

    Returns:
        Whether anything was installed, and what the wheel says about its build.

    Raises:
        ReleaseRefused: Wrong bytes, not importable here, or a fault wheel where none may be.
    """
    release = releases / sha256
    if is_whole(release):
        return False, _probe(release, python, allow_faults, run)
    if (found := wheel_hash(wheel)) != sha256:
        raise ReleaseRefused(f"{wheel.name} has the hash {found}, recorded is {sha256}")
    staged = releases / f".staged-{sha256}"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    command = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-cache-dir"]
    command += ["--no-compile", "--disable-pip-version-check", "--target", str(staged), str(wheel)]
    run(command, _environment())
    try:
        build = _probe(staged, python, allow_faults, run)
        _as_in_wheel(staged, wheel)
        if differs := compare(staged, sha256)["differs"]:
            raise ReleaseRefused(f"what was installed is not what is in the wheel: {'; '.join(differs)}")
    except ReleaseRefused:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    _put_in_place(staged, release)
    return True, build


def is_whole(release: Path) -> bool:
    """Whether a release is installed, and is its wheel byte for byte."""
    return release.is_dir() and not compare(release)["differs"]


def _as_in_wheel(staged: Path, wheel: Path) -> None:
    """Take away the installer's own notes and keep the wheel: what stays can be compared with it."""
    for folder in staged.glob("*.dist-info"):
        for name in INSTALLER_NOTES:
            (folder / name).unlink(missing_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/RECORD"):
                (staged / name).write_bytes(archive.read(name))
    shutil.copy2(wheel, staged / wheel.name)


def _put_in_place(staged: Path, release: Path) -> None:
    """Give the release its name; a damaged one goes first: a process keeps what it has read of it."""
    for path in (*staged.rglob("*"), staged):
        if not path.is_symlink():
            _sync(path)
    damaged = release.with_name(f".damaged-{release.name}")
    shutil.rmtree(damaged, ignore_errors=True)
    if release.is_symlink():
        release.unlink()
    elif release.exists():
        release.rename(damaged)
    staged.rename(release)
    _sync(release.parent)
    shutil.rmtree(damaged, ignore_errors=True)


def switch(current: Path, release: Path) -> bool:
    """Point ``current`` at a release in one atomic step; says whether it pointed elsewhere."""
    if current.is_symlink() and current.readlink() == release:
        return False
    if current.exists() and not current.is_symlink():
        raise ReleaseRefused(f"{current} is not a link; move it away first")
    fresh = current.with_name(f".{current.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(release)
    fresh.replace(current)
    _sync(current.parent)
    return True


def _probe(release: Path, python: str, allow_faults: bool, run: Run) -> dict[str, Any]:
    """Import the engine, native and Python, with the node's interpreter and ask how it was built."""
    output = run([python, "-c", BUILD_PROBE], _environment() | {"PYTHONPATH": str(release)})
    try:
        build = json.loads(output)
        features = list(build["features"])
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseRefused(f"the wheel does not say how it was built: {output[:200]!r}") from error
    if features and not allow_faults:
        # Every feature there is makes the engine wrong: it fails on purpose, or has a wrong rule.
        raise ReleaseRefused(
            f"this is the fault wheel (features {', '.join(map(str, features))}), "
            "and the network is not marked as a test network (network_is_test)"
        )
    return dict(build)


def _environment() -> dict[str, str]:
    """A bare environment: nothing of the operator's reaches the installer."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def _sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
