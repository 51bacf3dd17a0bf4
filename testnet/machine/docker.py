"""The container engine: found, installed where it is absent, and spoken to by its command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnet.machine.command import CommandError, RefusalError, run, succeeds
from testnet.machine.privilege import install_packages, root_prefix
from testnet.machine.progress import out

ABSENT = ("no such", "not found")
"""How the engine says that it does not have what was asked for."""


class EngineSilentError(RefusalError):
    """There is a container engine, and it does not answer this user; the text says why."""


@dataclass(frozen=True)
class Docker:
    """A container engine that answers.

    Attributes:
        prefix: Words before `docker`: none, or `sudo -n` where this user is not in the docker group.
    """

    prefix: tuple[str, ...] = ()

    def __call__(self, *args: str, stdin: str | None = None, timeout: float | None = None) -> str:
        """Run `docker` with these arguments and return its output without the last line end.

        Raises:
            CommandError: docker ended non-zero.
        """
        return run([*self.prefix, "docker", *args], stdin=stdin, timeout=timeout).rstrip("\n")

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        """What the engine knows of a `container`, `network`, `image` or `volume`; None if there is none.

        Raises:
            CommandError: The engine did not say either.
        """
        try:
            found: list[dict[str, Any]] = json.loads(self(kind, "inspect", name))
        except CommandError as error:
            if any(sign in str(error).lower() for sign in ABSENT):
                return None
            raise
        return found[0]

    def execute(
        self,
        container: str,
        *argv: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float | None = None,
    ) -> str:
        """Run a program in a running container.

        Args:
            container: Its name.
            argv: Program and arguments.
            env: Variables for this program only; they do not become part of the container.
            stdin: Text for its standard input.
            timeout: Seconds after which waiting for it ends.
        """
        options = [part for name, value in (env or {}).items() for part in ("--env", f"{name}={value}")]
        if stdin is not None:
            options.append("--interactive")
        return self("exec", *options, container, *argv, stdin=stdin, timeout=timeout)

    def cgroup_v2(self) -> bool:
        """Whether the engine runs containers on cgroup v2 (v1 needs the host's hierarchy mounted)."""
        return self("info", "--format", "{{.CgroupVersion}}") == "2"

    def bridge_mtu(self) -> str | None:
        """The MTU configured for the default bridge; user-defined networks do not inherit it."""
        bridge = self.inspect("network", "bridge") or {}
        mtu: str | None = bridge.get("Options", {}).get("com.docker.network.driver.mtu")
        return mtu


def find_docker() -> Docker | None:
    """An engine that answers now, as this user or through sudo; None if none is installed.

    Raises:
        EngineSilentError: One is installed and answers neither; what it has is not known.
    """
    if shutil.which("docker") is None:
        return None
    prefix = root_prefix()
    ways = [Docker(), *([Docker(prefix)] if prefix else [])]
    causes = []
    for engine in ways:
        try:
            engine("info", timeout=60)
        except CommandError as error:
            causes.append(str(error).splitlines()[-1])
        else:
            return engine
    raise EngineSilentError(
        f"Docker is installed, and its daemon does not answer this user ({causes[0]}), so nobody knows what "
        "it has: type `sudo systemctl start docker` (or add yourself to the group `docker`) and run the "
        "command again."
    )


def require_docker() -> Docker:
    """An engine that answers, installed from the distribution and started where it has to be.

    Raises:
        RefusalError: There is none and it cannot be had; the text says what to type.
    """
    try:
        found = find_docker()
        if found is not None:
            return found
        install_packages(["docker.io"], "the container engine (docker)")
    except EngineSilentError:
        pass  # it may only have to be started
    _start_daemon()
    found = find_docker()
    if found is None:
        raise EngineSilentError("Docker was installed, and there is no program of that name")
    return found


def _start_daemon() -> None:
    """Ask the init system to start the daemon, if this user may; the caller sees whether it came up."""
    prefix = root_prefix()
    if prefix is None:
        return
    out("machine", "starting the docker daemon")
    if Path("/run/systemd/system").is_dir():
        succeeds([*prefix, "systemctl", "start", "docker"])
    else:
        succeeds([*prefix, "service", "docker", "start"])
