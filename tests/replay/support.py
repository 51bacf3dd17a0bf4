"""What the replay tests share: files of blocks, and a legacy engine with a wrong rule."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from coinjecture.replay.captures import Capture, write
from coinjecture.replay.node import TreeNode
from coinjecture.replay.outcome import Outcome

from tests.oracle.support import GENESIS, sealed

ROOT = Path(__file__).parents[2]
LEGACY = ROOT / "testnet/node/src/consensus.py"
GENESIS_BLOCK: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])


def genesis_node() -> TreeNode:
    known = GENESIS["testnet"]
    return TreeNode(
        block_hash=known["block_hash"],
        parent=GENESIS_BLOCK["previous_hash"],
        height=known["height"],
        timestamp=GENESIS_BLOCK["timestamp"],
        cumulative=1000.0,
        received_at=known["received_at"],
    )


def capture_of(block: dict[str, Any] | bytes, **other: Any) -> Capture:
    """A capture of a block on the genesis."""
    raw = block if isinstance(block, bytes) else json.dumps(block).encode()
    values = {"profile": "full", "received_at": 2e9, "parent": genesis_node(), "tip": genesis_node()}
    return Capture(raw=raw, **(values | other))


def capture_file(folder: Path, capture: Capture) -> Path:
    """The capture as a file; what the engines said then is not what this is about."""
    builds = {"legacy": {"file": None, "sha256": None}, "rust": {"release": None}}
    return write(folder, capture, Outcome("accept"), Outcome("reject", "bad_proof"), builds)


def child(**changes: Any) -> dict[str, Any]:
    """A valid block on the genesis, changed before it is sealed."""
    return sealed(GENESIS_BLOCK, **changes)


def wrong_legacy(folder: Path, right: str, wrong: str) -> Path:
    """A copy of the legacy engine with one expression replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    found = 0
    for name in ("consensus.py", "pow.py"):
        text = (LEGACY.parent / name).read_text(encoding="utf-8")
        found += text.count(right)
        (folder / name).write_text(text.replace(right, wrong), encoding="utf-8")
    assert found == 1, f"{right!r} is there {found} times"
    return folder / "consensus.py"


def run_bare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with nothing but the standard library and the files of the wheel, as on a node."""
    import coinjecture
    import consensus_surface

    release = folder / "release"
    if not release.exists():
        for package in (coinjecture, consensus_surface):
            source = Path(package.__path__[0])
            shutil.copytree(source, release / source.name, symlinks=False)
    call = [sys.executable, "-S", "-m", "coinjecture.replay", *arguments]
    environment = {"PYTHONPATH": str(release)}
    return subprocess.run(call, env=environment, capture_output=True, text=True, check=False, cwd=folder)
