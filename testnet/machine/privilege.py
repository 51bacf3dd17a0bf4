"""Doing what only root may do: directly as root, or through sudo."""

from __future__ import annotations

import os
import shutil

from testnet.machine.command import CommandError, RefusalError, run, succeeds
from testnet.machine.progress import out


def root_prefix() -> tuple[str, ...] | None:
    """The words to put before a command that needs root; None where this user cannot become root."""
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") and succeeds(["sudo", "-n", "true"]):
        return ("sudo", "-n")
    return None


def require_root(what: str) -> tuple[str, ...]:
    """The words to put before a command that needs root.

    Args:
        what: What root is needed for, to complete "... needs root".

    Raises:
        RefusalError: This user can neither be root nor become it.
    """
    prefix = root_prefix()
    if prefix is None:
        raise RefusalError(f"{what} needs root: type `sudo -v` and run the command again, or run it as root.")
    return prefix


def install_packages(packages: list[str], what: str) -> None:
    """Install packages of the distribution.

    Args:
        packages: Their names.
        what: What they are needed for, as a subject: "the container engine".

    Raises:
        RefusalError: No root, or not a machine with apt; nothing has been changed.
        CommandError: apt failed.
    """
    if shutil.which("apt-get") is None:
        raise RefusalError(
            f"{what} is missing and this machine has no apt: install {' '.join(packages)} yourself."
        )
    prefix = require_root(f"Installing {' '.join(packages)}")
    out("machine", f"installing {' '.join(packages)}")
    install = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", *packages]
    try:
        run(install)
    except CommandError:
        run([*prefix, "apt-get", "update", "-qq"])
        run(install)
