"""The local network of deployed nodes on its legacy engine: it mines, agrees and fails nobody."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from testnet.lab import network, nodes
from testnet.lab.plan import NODES, USERS
from testnet.lab.variants import VARIANTS, Variant
from testnet.machine.docker import Docker, require_docker

pytestmark = pytest.mark.droplets

LEDGER = "PYTHONPATH=/opt/coinjecture-load /opt/coinjecture/venv/bin/python -m testnet.users report"
DEEP = 20  # the confirmation depth


@pytest.fixture(scope="module", params=["deployed-a", "deployed-b"])
def running(request: pytest.FixtureRequest) -> Iterator[tuple[Docker, Variant]]:
    """A network of this kind alone: another one has to go before it comes."""
    network.down()
    variant = VARIANTS[request.param]
    network.up(variant)
    yield require_docker(), variant
    network.down()


def report(docker: Docker) -> Any:
    return json.loads(docker.execute(USERS.container, "sh", "-c", LEDGER))["requests"]


def test_given_users_and_a_hostile_peer_then_the_nodes_agree_below_the_tip_and_no_request_fails(
    running: tuple[Docker, Variant],
) -> None:
    docker, variant = running
    first = min(nodes.state(node).height for node in NODES)
    time.sleep(40)  # not a wait: the pace of the chain is what is looked at
    last = min(nodes.state(node).height for node in NODES)
    assert 15 <= last - first <= 80
    for height in range(max(0, last - DEEP)):
        assert len({variant.hash_of(nodes.ask(node, f"/v1/data/block/{height}")) for node in NODES}) == 1
    counted = report(docker)
    assert counted["total"] > 800
    assert counted["failed"] == 0
    assert network.status()


def test_given_a_node_that_lost_its_tree_then_it_catches_up_and_both_go_on(
    running: tuple[Docker, Variant],
) -> None:
    docker, variant = running
    height = nodes.state(NODES[0]).height
    docker.execute(NODES[1].container, "systemctl", "restart", variant.unit)
    deadline = time.monotonic() + 60
    while nodes.disagreement(variant=variant) or nodes.state(NODES[1]).height <= height:
        assert time.monotonic() < deadline, nodes.disagreement(variant=variant)
        time.sleep(1)
    if variant.units[1:]:  # users reach another process
        assert report(docker)["failed"] == 0
