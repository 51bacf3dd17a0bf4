"""One droplet for all tests of this folder that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import lab


@pytest.fixture(scope="session")
def droplet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Droplet]:
    folder: Path = tmp_path_factory.mktemp("restart")
    with lab.droplet(folder) as made:
        yield made
