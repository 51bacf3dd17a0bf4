"""A wave of nodes that exist in files: it waits in one action, and each node is read once for all."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.resume.support import NO_SOAK
from tests.resume.test_closed import here, play

__all__ = ["here"]  # a fixture
NODES = ("node1", "node2", "node3")
SOAK = 2000


@pytest.fixture
def wave(here: Path) -> Path:
    """Three nodes in shadow, each with places of its own, that have soaked for half of what is asked."""
    for node in NODES:
        (here / f"{node}.json").write_text(json.dumps({"mode": "shadow", "latched": "", "soaked": SOAK / 2}))
    places = {
        f"migration_{name}_dir": f"{here}/{name}-{{{{ inventory_hostname }}}}"
        for name in ("state", "operator")
    }
    shared = yaml.safe_load((here / "group_vars/nodes.yml").read_text())
    phases = [dict(phase) for phase in NO_SOAK["phases"]]
    phases[0]["soak_after"] = SOAK
    (here / "group_vars/nodes.yml").write_text(
        yaml.safe_dump(shared | places | {"phases": phases, "step_serial": len(NODES)})
    )
    (here / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": {node: {} for node in NODES}}}))
    return here


def reads(wave: Path) -> Counter[str]:
    """How often each node was read."""
    return Counter((wave / "reads").read_text().split()) if (wave / "reads").exists() else Counter()


def soak(wave: Path) -> None:
    """Let the nodes have soaked as soon as each was asked a second time, the first time while waiting."""
    deadline = time.monotonic() + 200
    while min((reads(wave)[node] for node in NODES), default=0) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    for node in NODES:
        path = wave / f"{node}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"soaked": 2 * SOAK}))


def test_given_a_wave_that_waits_then_one_action_asks_again_and_each_node_is_read_once_for_all(
    wave: Path,
) -> None:
    soaking = threading.Thread(target=soak, args=(wave,))
    soaking.start()
    status, said = play(wave, "phase2", "-e", "wait=true")
    soaking.join()
    assert status == 0, said
    assert [mode_of(wave, node) for node in NODES] == ["rust"] * 3
    assert said.count("asking again in") in (2, 3), said
    assert "phase 2 on node3 (shadow -> rust): waits" in said
    found = reads(wave)
    assert len(set(found.values())) == 1, "for all nodes of the wave alike"
    assert found["node1"] <= 4 + 3 + 1, "before, while waiting, under the lock, around the step"


def test_given_a_wave_whose_time_is_over_then_it_ends_well_and_nothing_has_begun(wave: Path) -> None:
    status, said = play(wave, "phase2", "-e", "wait=true", "-e", "wait_timeout=0")
    assert status == 0, said
    assert [mode_of(wave, node) for node in NODES] == ["shadow"] * 3
    assert "asking again in" not in said
    assert reads(wave) == dict.fromkeys(NODES, 1)


def mode_of(wave: Path, node: str) -> str:
    """The mode of a node."""
    return str(json.loads((wave / f"{node}.json").read_text())["mode"])
