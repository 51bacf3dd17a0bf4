"""The lab refuses in a sentence that says what to type, and pins exactly the droplets it made."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from testnet.lab import keys, network, plan, preconditions
from testnet.lab.__main__ import main as lab_main
from testnet.lab.variants import DEPLOYED_B, REFERENCE, VARIANT_LABEL, VARIANTS
from testnet.machine import docker as engine
from testnet.machine import privilege
from testnet.machine.command import CommandError, RefusalError, run
from testnet.machine.docker import Docker


class FakeDocker:
    """An engine that knows what the test tells it."""

    def __init__(self, known: dict[tuple[str, str], dict[str, Any]]) -> None:
        self.known = known

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        return self.known.get((kind, name))

    def execute(self, container: str, *_: str, **__: Any) -> str:
        return f"ssh-ed25519 KEY-OF-{container} root@{container}"


def docker(known: dict[tuple[str, str], dict[str, Any]] | None = None) -> Docker:
    return cast(Docker, FakeDocker(known or {}))


def bridge(labels: dict[str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    return {("network", plan.BRIDGE): {"Name": plan.BRIDGE, "Labels": labels}}


def test_given_no_network_or_our_own_then_it_may_go_on() -> None:
    preconditions.require_own_network(docker())
    preconditions.require_own_network(docker(bridge({plan.LABEL: str(plan.ROOT)})))


def test_given_another_clones_network_then_the_refusal_says_how_to_end_it() -> None:
    with pytest.raises(RefusalError, match=r"type `make -C /elsewhere testnet-down` first"):
        preconditions.require_own_network(docker(bridge({plan.LABEL: "/elsewhere"})))


def test_given_somebody_elses_network_of_that_name_then_it_is_refused() -> None:
    with pytest.raises(RefusalError, match="no clone of this project made"):
        preconditions.require_own_network(docker(bridge({})))


def test_given_a_taken_port_then_the_refusal_names_it_and_who_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind((plan.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(preconditions, "DROPLETS", (plan.Droplet("node1", "10.77.0.11", port),))
        with pytest.raises(RefusalError, match=rf"Port {port} on 127.0.0.1 is taken and node1 needs it"):
            preconditions.require_free_ports(docker())


def test_given_a_running_droplet_then_its_own_ports_are_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind((plan.LOOPBACK, 0))
        taken.listen()
        droplet = plan.Droplet("node1", "10.77.0.11", taken.getsockname()[1])
        monkeypatch.setattr(preconditions, "DROPLETS", (droplet,))
        known = {("container", droplet.container): {"State": {"Running": True}}}
        preconditions.require_free_ports(docker(known))


def test_given_a_missing_tool_then_the_refusal_says_make_setup() -> None:
    with pytest.raises(RefusalError, match="type `make setup`"):
        preconditions.tool("a-tool-that-nobody-has")


def test_given_no_docker_and_no_root_then_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(engine.shutil, "which", lambda name: None if name == "docker" else f"/usr/bin/{name}")
    monkeypatch.setattr(privilege, "root_prefix", lambda: None)
    monkeypatch.setattr(engine, "root_prefix", lambda: None)
    monkeypatch.setattr(privilege, "run", lambda argv, **_: started.append(argv))
    with pytest.raises(RefusalError, match=r"Installing docker\.io needs root: type `sudo -v`"):
        engine.require_docker()
    assert started == []


def test_given_a_daemon_that_stays_silent_then_the_refusal_says_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(engine, "run", refused)
    monkeypatch.setattr(engine, "succeeds", lambda _: False)
    monkeypatch.setattr(engine, "root_prefix", lambda: None)
    with pytest.raises(RefusalError, match="type `sudo systemctl start docker`"):
        engine.require_docker()


def refused(*_: object, **__: object) -> str:
    """A program that ends like docker for a user without rights."""
    raise CommandError("`docker info` ended with 1:\npermission denied: docker.sock")


@pytest.mark.parametrize("command", ["down", "status"])
def test_given_no_rights_on_the_engine_then_nobody_says_that_there_is_no_network(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr(engine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(engine, "run", refused)
    monkeypatch.setattr(engine, "root_prefix", lambda: None)
    assert lab_main([command]) == 2
    told = capsys.readouterr()
    assert "permission denied: docker.sock" in told.err
    assert "no network" not in told.out + told.err


def test_given_an_engine_that_breaks_off_then_what_it_has_is_not_taken_for_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "run", refused)
    with pytest.raises(CommandError, match="permission denied"):
        engine.Docker().inspect("container", "any")
    for said in ("Error response from daemon: No such container: any", "network any not found"):

        def absent(*_: object, said: str = said, **__: object) -> str:
            raise CommandError(said)

        monkeypatch.setattr(engine, "run", absent)
        assert engine.Docker().inspect("container", "any") is None


def test_a_failed_command_shows_the_end_of_what_it_said() -> None:
    with pytest.raises(CommandError, match=r"ended with 3:\nthe disk is full"):
        run(["sh", "-c", "echo the disk is full >&2; exit 3"])


def test_known_hosts_pins_every_droplet_by_port_and_by_address(tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("[127.0.0.1]:22011 ssh-ed25519 OLD\n")
    keys.pin_host_keys(docker(), plan.NODES, known_hosts)
    assert known_hosts.read_text() == (
        "[127.0.0.1]:22011,10.77.0.11 ssh-ed25519 KEY-OF-coinjecture-node1\n"
        "[127.0.0.1]:22012,10.77.0.12 ssh-ed25519 KEY-OF-coinjecture-node2\n"
    )


REFERENCE_LAYOUT = "inventory/examples/reference/group_vars/nodes/node.yml"
INVENTORIES = ("inventory/local", *(f"inventory/examples/{name}" for name in VARIANTS))


@pytest.mark.parametrize("folder", INVENTORIES)
def test_the_inventory_says_the_same_as_the_plan(folder: str) -> None:
    inventory = yaml.safe_load((plan.ROOT / folder / "hosts.yml").read_text())
    groups = inventory["all"]["children"]
    hosts = groups["nodes"]["hosts"] | groups["load"]["hosts"] | groups["monitoring"]["hosts"]
    assert {name: (host["ansible_port"], host["droplet_address"]) for name, host in hosts.items()} == {
        droplet.name: (droplet.ssh_port, droplet.address) for droplet in plan.DROPLETS
    }


@pytest.mark.parametrize("folder", INVENTORIES)
def test_the_inventory_checks_host_keys_and_finds_them(folder: str) -> None:
    inventory = yaml.safe_load((plan.ROOT / folder / "hosts.yml").read_text())
    up = inventory["all"]["vars"]["lab_state"].split("'")[1]
    assert (plan.ROOT / folder / up.lstrip("/")).resolve() == plan.ROOT
    arguments = inventory["all"]["vars"]["ansible_ssh_common_args"]
    for option in ("StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "GlobalKnownHostsFile=/dev/null"):
        assert f"-o {option}" in arguments


@pytest.mark.parametrize("name", VARIANTS)
def test_an_example_inventory_is_of_the_node_that_the_lab_makes(name: str) -> None:
    variant, folder = VARIANTS[name], plan.ROOT / "inventory/examples" / name
    layout = yaml.safe_load((folder / "group_vars/nodes/node.yml").read_text())
    assert yaml.safe_load((folder / "hosts.yml").read_text())["all"]["vars"]["lab_node"] == name
    assert layout["coinjecture_unit"] == variant.unit
    assert layout["coinjecture_api_port"] == variant.api_port
    assert (plan.ROOT / variant.inventory / "hosts.yml").exists()


def test_the_reference_inventory_states_the_defaults() -> None:
    stated = yaml.safe_load(
        (plan.ROOT / "inventory/examples/reference/group_vars/nodes/node.yml").read_text()
    )
    defaults = yaml.safe_load((plan.ROOT / "playbooks/group_vars/all/node.yml").read_text())
    for name in {*stated} & {*defaults}:
        if "{{" not in str(defaults[name]):
            assert stated[name] == defaults[name], name


def test_given_a_network_of_other_nodes_then_up_refuses_and_says_what_to_type() -> None:
    container = {"Config": {"Labels": {VARIANT_LABEL: DEPLOYED_B.name}}}
    there = docker({("container", plan.NODES[0].container): container})
    assert network.standing(there) == DEPLOYED_B
    assert network._require_variant(there, None) == DEPLOYED_B
    with pytest.raises(RefusalError, match="has deployed-b nodes: type `make testnet-down` first"):
        network._require_variant(there, REFERENCE)
    assert network._require_variant(docker(), None) == REFERENCE
