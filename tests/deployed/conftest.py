"""The deployed node's engine in the process of a test, with the wheel that is installed."""

from __future__ import annotations

import copy
import shutil
import site
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from consensus_wrapper import ConsensusConfig, DualRunConsensus

from tests.wrapper.conftest import Place

ROOT = Path(__file__).resolve().parents[2]
NATIVE = [so for folder in site.getsitepackages() for so in Path(folder).glob("coinjecture/_core*.so")]
SOURCE = ROOT / "testnet/deployed_node/src"
MODULES = ("consensus", "blocks", "work", "storage")


class Registry:
    """The problems, as far as an engine asks for them."""

    def encode_params(self, problem: dict[str, Any]) -> bytes:
        return repr(sorted(problem.items())).encode()


def lay_down_release(home: Path) -> Path:
    """A release as the role `wheel` lays it down: the tree's sources, the native module that is installed."""
    release = home / "releases" / ("e" * 64)
    shutil.copytree(ROOT / "python/src/coinjecture", release / "coinjecture")
    shutil.copy(NATIVE[0], release / "coinjecture")
    (home / "current").symlink_to(release)
    return release


class Deployed:
    """A wrapper on the deployed node's own engine and storage."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        from storage import StorageManager  # type: ignore[import-not-found]

        self.place, self.monkeypatch = place, monkeypatch
        self.storage: Any = StorageManager(place.folder / "data")

    def start(
        self, mode: str | None = None, *, max_headers_per_second: int = 10**6, **settings: Any
    ) -> DualRunConsensus:
        """Start the wrapper; without a mode in that of its file."""
        self.place.settings(**{"pin_profile": "header", "determinism_seconds": 0} | settings)
        wrapper = DualRunConsensus(
            ConsensusConfig(max_headers_per_second=max_headers_per_second),
            self.storage,
            Registry(),
            mode=mode,
            alert_callback=self.place.alerts.append,
        )
        self.place.wrappers.append(wrapper)
        return wrapper

    @staticmethod
    def child(wrapper: DualRunConsensus, parent: Any = None, **changes: Any) -> Any:
        """A valid block on a parent, on the tip where none is given, with some attributes changed."""
        parent = parent or wrapper.get_best_tip()
        block = copy.deepcopy(wrapper.genesis_block)
        block.index, block.previous_hash = parent.index + 1, parent.block_hash
        block.timestamp = parent.timestamp + 1.0
        block.block_hash = block.calculate_hash()
        for name, value in changes.items():
            setattr(block, name, value)
        return block

    def chain(self, wrapper: DualRunConsensus, length: int) -> list[Any]:
        """Valid blocks on the tip, each the child of the one before."""
        blocks: list[Any] = []
        for _ in range(length):
            blocks.append(self.child(wrapper, blocks[-1] if blocks else None))
        return blocks


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A folder of the deployed node's, in this process."""
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(SOURCE))
    place = Place(tmp_path, monkeypatch)
    lay_down_release(tmp_path)
    yield Deployed(place, monkeypatch)
    place.close()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(f"{SOURCE}/"):
            del sys.modules[name]  # its package `coinjecture`, too: the next test means the wheel
