"""What the wrapper's tests share: a node's folder, its storage, the engines, and blocks to judge."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import consensus_surface
import pytest
from consensus_wrapper import DualRunConsensus

from testnet.node.src import pow
from tests.oracle.support import GENESIS, configured, sealed
from tests.wrapper.double import DoubleEngine

NODE_SOURCE = Path(__file__).parents[2] / "testnet" / "node" / "src"


class NodeStorage:
    """A node's storage in memory: the engine's writes, and the log of accepted blocks."""

    def __init__(self) -> None:
        self.log: list[tuple[bytes, float]] = []
        self.writes: list[tuple[Any, ...]] = []
        self.broken: Exception | None = None

    def iter_blocks(self) -> Iterator[tuple[bytes, float]]:
        return iter(list(self.log))

    def store_work_index(self, height: Any, cumulative: int, block_hash: Any) -> None:
        if self.broken:
            raise self.broken
        self.writes.append(("work_index", height, cumulative, block_hash))

    def store_tip(self, block_hash: Any, cumulative: int) -> None:
        self.writes.append(("tip", block_hash, cumulative))


class Place:
    """A node's folders and settings in a test, and the wrappers built there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = self.state = folder
        self.sockets = Path(tempfile.mkdtemp(prefix="ctl"))  # a socket's path has at most 107 bytes
        self.storage = NodeStorage()
        self.alerts: list[dict[str, Any]] = []
        self.wrappers: list[DualRunConsensus] = []
        self.settings_file = folder / "wrapper.json"
        monkeypatch.setenv("COINJECTURE_SETTINGS", str(self.settings_file))
        self.settings()

    def settings(self, **changes: Any) -> None:
        """Write the settings file anew."""
        values = {
            "node": "node1",
            "state_dir": str(self.state),
            "control_socket": str(self.sockets / "control.sock"),
            "control_uid": os.getuid(),
            "release_link": str(self.folder / "current"),
            "node_config": str(self.folder / "node.json"),
        }
        self.settings_file.write_text(json.dumps(values | changes))

    @property
    def mode_file(self) -> Path:
        return self.state / "mode.json"

    def recorded_mode(self) -> dict[str, Any]:
        """The mode file as it is."""
        record: dict[str, Any] = json.loads(self.mode_file.read_text())
        return record

    def captures(self) -> list[dict[str, Any]]:
        """The divergence files."""
        return [json.loads(path.read_text()) for path in sorted((self.state / "captures").glob("*.json"))]

    def start(self, mode: str | None = "shadow", **more: Any) -> DualRunConsensus:
        """Start a node's wrapper on the storage."""
        wrapper = DualRunConsensus(
            config(),
            self.storage,
            pow.ProblemRegistry(),
            mode=mode,
            alert_callback=self.alerts.append,
            **more,
        )
        self.wrappers.append(wrapper)
        return wrapper

    def judge(self, wrapper: DualRunConsensus, block: dict[str, Any], profile: str = "full") -> str:
        """Judge a block as the node does, with its row in the log. Returns `accept` or the reason."""
        try:
            (wrapper.verify_block if profile == "full" else wrapper.validate_header)(block)
        except consensus_surface.HeaderValidationError as error:
            return error.reason
        self.storage.log.append(
            (json.dumps(block).encode(), wrapper.block_tree[block["block_hash"]].receipt_time)
        )
        return "accept"

    def close(self) -> None:
        for wrapper in self.wrappers:
            wrapper.close()
        (self.sockets / "control.sock").unlink(missing_ok=True)
        self.sockets.rmdir()


def config(genesis: str = "testnet", **changes: Any) -> consensus_surface.ConsensusConfig:
    """The node's configuration of a network of the vectors."""
    return consensus_surface.ConsensusConfig(**configured(genesis, **changes))


def genesis_block() -> dict[str, Any]:
    block: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])
    return block


def chain(length: int, parent: dict[str, Any] | None = None, tag: int = 0) -> list[dict[str, Any]]:
    """Valid blocks, each the child of the one before."""
    blocks, parent = [], parent or genesis_block()
    for _ in range(length):
        parent = sealed(parent, tag=tag)
        blocks.append(parent)
    return blocks


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A node's folder with the reference legacy engine beside the wrapper."""
    monkeypatch.syspath_prepend(str(NODE_SOURCE))
    place = Place(tmp_path, monkeypatch)
    yield place
    place.close()
    sys.modules.pop("consensus", None)


@pytest.fixture
def rust(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Install an engine class as `coinjecture.consensus.ConsensusEngine`."""

    def install(kind: Any) -> None:
        module = types.ModuleType("coinjecture.consensus")
        module.ConsensusEngine = kind  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "coinjecture.consensus", module)

    install(DoubleEngine)
    return install


class SmallDisk:
    """A real file system of 3 MiB for a node's state, which can be full or read-only."""

    def __init__(self, place: Place) -> None:
        self._mounts = 0
        self._folder = place.state = place.folder / "state"
        place.state.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=3m", "tmpfs")
        place.settings()

    def _mount(self, *options: str) -> None:
        done = subprocess.run(
            ["mount", *options, str(self._folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.fail(f"a small file system must be mounted here; run the tests as root: {done.stderr}")
        self._mounts += 1

    def fill(self, *, reserve: bool = True) -> None:
        """Leave no byte free; without `reserve` nothing is kept for a way back either."""
        if not reserve:
            (self._folder / "reserve").unlink(missing_ok=True)
        with (self._folder / "filler").open("ab", buffering=0) as file:
            for size in (65_536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def empty(self) -> None:
        """There is room again."""
        (self._folder / "filler").unlink(missing_ok=True)

    def read_only(self) -> None:
        """Nothing can be opened for writing any more; what is open stays so."""
        self._mount("--bind", str(self._folder))
        self._mount("-o", "remount,bind,ro")
        self._mounts -= 1

    def writable(self) -> None:
        """Undo `read_only`."""
        subprocess.run(["umount", str(self._folder)], check=True)
        self._mounts -= 1

    def close(self) -> None:
        """Unmount all of it."""
        while self._mounts:
            subprocess.run(["umount", "-l", str(self._folder)], check=True)
            self._mounts -= 1


@pytest.fixture
def disk(place: Place) -> Iterator[SmallDisk]:
    """A small file system as the node's state folder."""
    disk = SmallDisk(place)
    yield disk
    for wrapper in place.wrappers:
        wrapper.close()
    disk.close()
