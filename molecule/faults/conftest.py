"""Let the tests find what they share; look after each of them whether the network has kept its promises."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from walk import Watch

for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
    del os.environ[name]  # Molecule's own; a play is typed as an operator types it


@pytest.fixture(scope="session")
def watch() -> Iterator[Watch]:
    """Looks at both nodes from the first test to the last."""
    watch = Watch()
    watch.sentinel.start()
    yield watch
    watch.sentinel.stop()


@pytest.fixture(autouse=True)
def no_fork_and_no_lost_block(watch: Watch, tmp_path: Path) -> Iterator[None]:
    """After each fault both nodes mine on one chain, and every block that one of them showed is stored."""
    yield
    watch.account(tmp_path)
