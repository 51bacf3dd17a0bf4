"""A fresh network for each file of this folder, in which its tests follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testnet.lab import network
from tests.resume.support import Operator

from . import support


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The network on its legacy engine, and an operator for both nodes."""
    folder: Path = tmp_path_factory.mktemp("operators")
    network.down()
    network.up()
    yield support.desk(folder)
    network.down()
