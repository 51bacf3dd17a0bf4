"""The local network as it runs: droplets are like real ones, and nobody outside can reach them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from testnet.lab import keys, network, nodes, plan
from testnet.lab.plan import DROPLETS, NODES, USERS, Droplet
from testnet.machine.command import CommandError, run
from testnet.machine.docker import Docker, require_docker

pytestmark = pytest.mark.droplets


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    """The engine, with the network up; a network that was up before is left as it is."""
    engine = require_docker()
    was_there = engine.inspect("network", plan.BRIDGE) is not None
    network.up()
    yield engine
    if not was_there:
        network.down()


def ssh(droplet: Droplet, *command: str, options: tuple[str, ...] = (), user: str = "ops") -> str:
    """Log in as the inventory does, with options that go before its own."""
    argv = ["ssh", "-F", "none", *options, "-i", str(plan.OPERATOR_KEY), "-p", str(droplet.ssh_port)]
    for option in (
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={plan.KNOWN_HOSTS}",
        "GlobalKnownHostsFile=/dev/null",
    ):
        argv += ["-o", option]
    return run([*argv, f"{user}@{plan.LOOPBACK}", *command], timeout=30)


@pytest.mark.parametrize("droplet", DROPLETS, ids=lambda droplet: droplet.name)
def test_the_operator_is_nobody_special_until_sudo(docker: Docker, droplet: Droplet) -> None:
    assert ssh(droplet, "id", "-un").strip() == "ops"
    assert ssh(droplet, "id", "-u").strip() != "0"
    assert ssh(droplet, "sudo", "-n", "id", "-u").strip() == "0"


@pytest.mark.parametrize("droplet", DROPLETS, ids=lambda droplet: droplet.name)
def test_a_password_is_not_even_offered(docker: Docker, droplet: Droplet) -> None:
    with pytest.raises(CommandError, match=r"Permission denied \(publickey\)"):
        ssh(droplet, "true", options=("-o", "PubkeyAuthentication=no"))


def test_root_cannot_log_in(docker: Docker) -> None:
    with pytest.raises(CommandError, match="Permission denied"):
        ssh(NODES[0], "true", user="root")


def test_every_droplet_has_host_keys_of_its_own(docker: Docker) -> None:
    found = {droplet.name: keys.host_key(docker, droplet) for droplet in DROPLETS}
    assert len(set(found.values())) == len(DROPLETS)


def test_given_another_droplets_key_then_the_login_is_refused(docker: Docker) -> None:
    with pytest.raises(CommandError, match="Host key verification failed"):
        ssh(NODES[0], "true", options=("-o", f"HostKeyAlias={NODES[1].address}"))


@pytest.mark.parametrize("droplet", DROPLETS, ids=lambda droplet: droplet.name)
def test_only_loopback_is_published(docker: Docker, droplet: Droplet) -> None:
    container = docker.inspect("container", droplet.container)
    assert container is not None
    ports = container["NetworkSettings"]["Ports"]
    bound = {binding["HostIp"] for bindings in ports.values() for binding in bindings or []}
    assert bound == {plan.LOOPBACK}
    assert not container["HostConfig"]["Privileged"]


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_the_node_runs_as_its_own_user_under_systemd(docker: Docker, node: Droplet) -> None:
    assert ssh(node, "systemctl", "is-system-running").strip() == "running"
    pid = ssh(node, "systemctl", "show", "-P", "MainPID", "coinjecture-node").strip()
    assert docker.execute(node.container, "stat", "-c", "%U", f"/proc/{pid}") == "coinjecture"


@pytest.mark.parametrize("unit", ["coinjecture-users", "coinjecture-hostile"])
def test_users_and_hostile_peer_run_under_their_own_users(docker: Docker, unit: str) -> None:
    pid = ssh(USERS, "systemctl", "show", "-P", "MainPID", unit).strip()
    assert docker.execute(USERS.container, "stat", "-c", "%U", f"/proc/{pid}") == unit


def test_both_nodes_mine_on_one_chain(docker: Docker) -> None:
    nodes.await_agreement()


def test_when_up_is_typed_again_then_nothing_changes(docker: Docker) -> None:
    def containers() -> str:
        return docker("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}", "--filter", f"label={plan.LABEL}")

    before, pinned = containers(), plan.KNOWN_HOSTS.read_text()
    network.up()
    assert (containers(), plan.KNOWN_HOSTS.read_text()) == (before, pinned)


def test_the_image_says_nothing_of_the_machine_it_was_made_on(docker: Docker) -> None:
    image = docker.inspect("image", "coinjecture-droplet:current")
    assert image is not None
    said = json.dumps(image["Config"])
    assert str(plan.ROOT) not in said
    assert "PIP_CERT" not in said
