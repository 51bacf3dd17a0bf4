"""The three commands: bring the network up, take it down, say how it is."""

from __future__ import annotations

import subprocess

from testnet.image.build import ensure_image, remove_images
from testnet.lab import caches, keys, preconditions
from testnet.lab.droplets import ensure_bridge, ensure_droplets, remove_network
from testnet.lab.nodes import NodeSilentError, await_agreement, disagreement, state
from testnet.lab.plan import APT_CACHE, DROPLETS, NODES, PROVISIONED, ROOT, STATE, Droplet
from testnet.lab.variants import REFERENCE, VARIANT_LABEL, VARIANTS, Variant
from testnet.machine.command import CommandError, RefusalError
from testnet.machine.docker import Docker, find_docker, require_docker
from testnet.machine.progress import out

_AGREE = "both nodes mine and agree"
_PROVISIONED = "/var/lib/coinjecture-lab-provisioned"
"""On a droplet: it has been provisioned. From then on only the operator's playbooks change it."""


def up(variant: Variant | None = None) -> Variant:
    """Bring the network up, or what is missing of it; on a network that runs it changes nothing.

    Args:
        variant: The kind of node; without one that of the network that is there, else the reference node.

    Returns:
        What it is made of.

    Raises:
        RefusalError: Something is missing on this machine, or in the way; nothing has been changed.
        CommandError: A step failed; the same command goes on from there.
    """
    playbook = preconditions.tool("ansible-playbook")
    preconditions.require_ssh_client()
    docker = require_docker()
    preconditions.require_own_network(docker)
    variant = _require_variant(docker, variant)
    preconditions.require_free_ports(docker)
    image = ensure_image(docker)
    public_key = keys.ensure_operator_key()
    ensure_bridge(docker)
    touched = ensure_droplets(docker, image, variant=variant)
    for droplet in touched:
        keys.authorize_operator(docker, droplet, public_key)
    keys.pin_host_keys(docker, DROPLETS)
    fresh = [droplet for droplet in PROVISIONED if not _is_provisioned(docker, droplet)]
    if fresh:
        _require_all_new(fresh)
        _provision(docker, playbook, variant)
    if touched or fresh:
        await_agreement(variant=variant)
        out("network", _AGREE)
    else:
        out("network", f"runs already, nothing changed; {disagreement(variant=variant) or _AGREE}")
    return variant


def down(*, purge: bool = False) -> None:
    """Remove this clone's network.

    Args:
        purge: Remove the droplet image and the packages that droplets have fetched, too.

    Raises:
        RefusalError: Nobody can tell whether there is one: the container engine does not answer.
        CommandError: It could not be removed.
    """
    docker = find_docker()
    if docker is None:
        out("network", "no container engine is installed, so there is no network to remove")
        return
    removed = remove_network(docker)
    caches.remove()
    out("network", f"removed {', '.join(removed)}" if removed else "there is none of this clone")
    if purge:
        remove_images(docker)
        if docker.inspect("volume", APT_CACHE) is not None:
            docker("volume", "rm", APT_CACHE)


def status() -> bool:
    """Print one line for each droplet and one for the network; whether all is as it should be."""
    docker = find_docker()
    if docker is None:
        print("no container engine is installed: type `make testnet`")
        return False
    running = True
    for droplet in DROPLETS:
        container = docker.inspect("container", droplet.container)
        how = "absent" if container is None else container["State"]["Status"]
        running = running and how == "running"
        print(f"{droplet.name:<6} {droplet.address:<11} {how}{_of_node(droplet)}")
    variant = standing(docker) or REFERENCE
    amiss = disagreement(variant=variant) if running else "not all droplets run: type `make testnet`"
    print(_AGREE if amiss is None else amiss)
    return amiss is None


def standing(docker: Docker) -> Variant | None:
    """The kind of node that the network on this machine is made of; None where there is none."""
    for droplet in DROPLETS:
        container = docker.inspect("container", droplet.container)
        if container is not None:
            return VARIANTS[container["Config"]["Labels"].get(VARIANT_LABEL, REFERENCE.name)]
    return None


def _require_variant(docker: Docker, wanted: Variant | None) -> Variant:
    """The kind of node to bring up.

    Raises:
        RefusalError: A network of another kind is there.
    """
    found = standing(docker)
    if found is not None and wanted not in (None, found):
        raise RefusalError(
            f"The network that is there has {found.name} nodes: type `make testnet-down` first."
        )
    return found or wanted or REFERENCE


def _of_node(droplet: Droplet) -> str:
    """What `status` adds for a droplet with a node."""
    if droplet not in NODES:
        return ""
    try:
        node = state(droplet)
    except NodeSilentError:
        return ", its node does not answer"
    return f", height {node.height}, {node.peers} peers, {'mining' if node.mining else 'not mining'}"


def _is_provisioned(docker: Docker, droplet: Droplet) -> bool:
    """Whether the droplet has been provisioned to the end."""
    return docker.execute(droplet.container, "sh", "-c", f"test ! -e {_PROVISIONED} || echo yes") == "yes"


def _require_all_new(fresh: list[Droplet]) -> None:
    """Check that none of the droplets is in use already: provisioning would put the legacy node.py back.

    Raises:
        CommandError: One is; only a network made anew as a whole helps.
    """
    if len(fresh) < len(PROVISIONED):
        raise CommandError(
            f"{', '.join(droplet.name for droplet in fresh)} had to be made anew while the rest of the "
            "network lives on and would be a stranger to it: type `make testnet-down`, then `make testnet`."
        )


def _provision(docker: Docker, playbook: str, variant: Variant) -> None:
    """Let Ansible make the droplets what they are to be; if it fails, the end of its output is shown.

    Raises:
        CommandError: The play failed.
    """
    out("network", "provisioning by Ansible (about 25 s)")
    log = STATE / "provision.log"
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [playbook, "-i", variant.inventory, "testnet/provision.yml"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-30:])
        raise CommandError(f"{tail}\ntestnet/provision.yml failed; all it said is in {log.relative_to(ROOT)}")
    for droplet in PROVISIONED:
        docker.execute(droplet.container, "touch", _PROVISIONED)
