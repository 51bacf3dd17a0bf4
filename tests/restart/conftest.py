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


@pytest.fixture(scope="session")
def ready(droplet: lab.Droplet) -> lab.Droplet:
    """The droplet with what a detour needs, as the role leaves it."""
    done = droplet.play(lab.PLAY)
    assert done.returncode == 0, done.stdout[-3000:]
    return droplet
