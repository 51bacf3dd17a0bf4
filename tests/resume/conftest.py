"""One fresh network for all tests of this folder, in which they follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testnet.lab import network

from . import support


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support.Operator]:
    """The network on its legacy engine, and an operator who is to migrate its first node."""
    folder: Path = tmp_path_factory.mktemp("resume")
    network.down()
    network.up()
    yield support.inventory(folder)
    network.down()


@pytest.fixture(scope="session")
def untouched(fresh: support.Operator) -> dict[str, object]:
    """Everything on the node before the toolkit has been there."""
    return support.snapshot(support.NODE)


@pytest.fixture
def operator(fresh: support.Operator, untouched: dict[str, object]) -> support.Operator:
    """The operator, with the node in shadow at least."""
    if support.mode() in ("none", "legacy"):
        done = fresh.play("phase1", wheel_file=str(support.the_wheel()))
        assert done.status == 0, done.said[-3000:]
    return fresh
