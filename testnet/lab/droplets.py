"""Creating, starting and removing the droplets and their bridge. All of it can be repeated."""

from __future__ import annotations

from collections.abc import Sequence

from testnet.lab.plan import APT_CACHE, BRIDGE, DROPLETS, LABEL, LOOPBACK, ROOT, SUBNET, Droplet
from testnet.lab.variants import REFERENCE, VARIANT_LABEL, Variant
from testnet.machine.command import CommandError, RefusalError
from testnet.machine.docker import Docker
from testnet.machine.progress import out

_BOOT_TIMEOUT = 60.0  # seconds; a droplet boots in about two


def ensure_bridge(docker: Docker) -> None:
    """Make the bridge if it is not there.

    Raises:
        RefusalError: Its addresses are in use by something else on this machine.
    """
    if docker.inspect("network", BRIDGE) is not None:
        return
    options = ["--subnet", SUBNET, "--label", f"{LABEL}={ROOT}"]
    mtu = docker.bridge_mtu()
    if mtu is not None:
        options += ["--opt", f"com.docker.network.driver.mtu={mtu}"]
    try:
        docker("network", "create", *options, BRIDGE)
    except CommandError as error:
        if "overlap" not in str(error):
            raise
        raise RefusalError(
            f"The addresses {SUBNET} are in use on this machine: type `docker network ls` and `ip route` "
            "to see by what, end that, and try again."
        ) from error
    out("network", f"bridge {BRIDGE} {SUBNET}")


def ensure_droplets(
    docker: Docker, image: str, droplets: Sequence[Droplet] = DROPLETS, variant: Variant = REFERENCE
) -> list[Droplet]:
    """Bring every droplet to a running, fully booted state.

    Args:
        docker: The engine.
        image: The image for a droplet that has to be created; one that exists keeps its own.
        droplets: Which ones.
        variant: The kind of node that the network is made of.

    Returns:
        Those that were created or started; empty if all were running already.

    Raises:
        CommandError: A droplet did not boot into a state without failed units.
    """
    touched = []
    for droplet in droplets:
        container = docker.inspect("container", droplet.container)
        if container is None:
            docker("run", "--detach", *run_options(docker, droplet, variant), image, "/sbin/init")
            out("network", f"{droplet.name} created at {droplet.address}")
        elif not container["State"]["Running"]:
            docker("start", droplet.container)
            out("network", f"{droplet.name} started again")
        else:
            continue
        touched.append(droplet)
    for droplet in touched:
        await_boot(docker, droplet)
    return touched


def run_options(docker: Docker, droplet: Droplet, variant: Variant) -> list[str]:
    """What `docker run` needs so that systemd is at home in the container, without `--privileged`."""
    options = ["--name", droplet.container, "--hostname", droplet.name, "--label", f"{LABEL}={ROOT}"]
    options += ["--label", f"{VARIANT_LABEL}={variant.name}"]
    options += ["--network", BRIDGE, "--ip", droplet.address]
    for outside, inside in droplet.published(variant.api_port).items():
        options += ["--publish", f"{LOOPBACK}:{outside}:{inside}"]
    options += ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"]
    options += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
    options += ["--tmpfs", "/run", "--tmpfs", "/run/lock"]
    options += ["--volume", f"{APT_CACHE}:/var/cache/apt/archives"]
    if docker.cgroup_v2():
        options += ["--cgroupns", "private"]
    else:
        options += ["--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    return options


def await_boot(docker: Docker, droplet: Droplet) -> None:
    """Wait until systemd says that the droplet runs and no unit has failed.

    Raises:
        CommandError: It says something else, with the failed units, or nothing in time.
    """
    _await_manager(docker, droplet)
    try:
        docker.execute(droplet.container, "systemctl", "is-system-running", "--wait", timeout=_BOOT_TIMEOUT)
    except CommandError as error:
        failed = docker.execute(droplet.container, "systemctl", "--failed", "--no-legend", "--plain")
        raise CommandError(f"{droplet.name} did not boot cleanly: {failed or error}") from error


def _await_manager(docker: Docker, droplet: Droplet) -> None:
    """Wait until systemd answers at all: its socket appears a moment after the container starts."""
    watch = "until [ -S /run/systemd/private ]; do sleep 0.05; done"
    docker.execute(droplet.container, "sh", "-c", watch, timeout=_BOOT_TIMEOUT)


def remove_network(docker: Docker) -> list[str]:
    """Remove every droplet and the bridge of this clone; volumes of packages stay.

    Returns:
        The names of what was removed.
    """
    removed = docker("ps", "--all", "--filter", f"label={LABEL}={ROOT}", "--format", "{{.Names}}").split()
    if removed:
        docker("rm", "--force", "--volumes", *removed)
    bridge = docker.inspect("network", BRIDGE)
    if bridge is not None and bridge.get("Labels", {}).get(LABEL) == str(ROOT):
        docker("network", "rm", BRIDGE)
        removed.append(BRIDGE)
    return removed
