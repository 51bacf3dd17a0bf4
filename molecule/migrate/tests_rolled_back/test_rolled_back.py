"""Given both nodes after a rollback from final to legacy: Python answers, and the chain goes on."""

from __future__ import annotations

import time

import pytest
from droplets import NODES, connect, latest, listening, listening_before, status

from testnet.lab.plan import Droplet

BOTH = pytest.mark.parametrize("droplet", NODES, ids=lambda droplet: droplet.name)
LIMIT = 30


@BOTH
def test_then_legacy_is_in_force_and_answers(droplet: Droplet) -> None:
    said = status(connect(droplet))
    assert (said["mode"], said["answering"], said["latched"]) == ("legacy", "legacy", None)
    assert said["engines"]["legacy"]["loaded"] is True


@BOTH
def test_then_the_process_was_not_restarted_for_it(droplet: Droplet) -> None:
    said = status(connect(droplet))
    assert said["process"]["started"] < said["since"]


@BOTH
def test_then_the_chain_goes_on(droplet: Droplet) -> None:
    start, deadline = latest(droplet), time.monotonic() + LIMIT
    while latest(droplet) == start and time.monotonic() < deadline:
        time.sleep(0.2)
    assert latest(droplet) > start


@BOTH
def test_then_the_same_sockets_listen_as_before(droplet: Droplet) -> None:
    assert listening(connect(droplet)) == listening_before(droplet.name)
