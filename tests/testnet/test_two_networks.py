"""Two networks at one address, one after the other, in one clone: the second is told nothing of the first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from testnet.lab import caches, network
from testnet.machine.docker import require_docker
from tests.resume.support import the_wheel
from tests.two_operators.support import NODE1, desk, shell

pytestmark = [pytest.mark.droplets, pytest.mark.soak]
IDENTITY = "/var/lib/coinjecture-operator/network.json"


def test_given_a_network_that_went_and_another_at_its_address_then_nothing_of_the_first_is_told(
    tmp_path: Path,
) -> None:
    require_docker()
    operator = desk(tmp_path)
    build = tmp_path / "build"
    try:
        network.down()
        network.up()
        done = operator.play("phase1", "-l", "node1", wheel_file=str(the_wheel()))
        assert done.status == 0, done.said[-3000:]
        (first,) = caches.folders(build)
        assert json.loads(shell(NODE1, f"cat {IDENTITY}"))["id"] == first.name.removeprefix(f"{caches.BASE}-")
        assert operator.play("report").status == 0
        assert "phase 1" in (build / "page/report.html").read_text()
        before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}

        network.down()
        network.up()
        said = operator.play("report")
        assert said.status == 0 and f"{first} is of another network" in said.said, said.said[-3000:]
        run = json.loads((build / "page/run.json").read_text())
        assert (run["gates"], run["plays"], run["journal"]) == ([], [], {})
        assert (build / "page").resolve().parent == build / "networks" / caches.BASE
        verified = operator.play("journal")
        assert verified.status == 0 and "empty, nothing was done" in verified.said

        done = operator.play("phase1", "-l", "node1", wheel_file=str(the_wheel()))
        assert done.status == 0, done.said[-3000:]
        second = {folder.name for folder in caches.folders(build)} - {first.name}
        assert len(second) == 1 and caches.BASE not in second
        assert {path: path.read_bytes() for path in before} == before
        assert operator.play("report").status == 0
        run = json.loads((build / "page/run.json").read_text())
        assert [gate["node"] for gate in run["gates"]] == ["node1"]
    finally:
        network.down()
        shutil.rmtree(build, ignore_errors=True)
