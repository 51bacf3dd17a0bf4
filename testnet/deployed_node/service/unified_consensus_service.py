"""An earlier form of the service, with API and consensus in one process. Nothing starts it any more."""

import sys
from pathlib import Path

sys.path.append("src")

from consensus import ConsensusConfig, ConsensusEngine
from mining import ProblemRegistry
from storage import StorageManager


def build(data: Path) -> ConsensusEngine:
    """An engine on a storage of its own."""
    return ConsensusEngine(ConsensusConfig(), StorageManager(data), ProblemRegistry())


if __name__ == "__main__":
    print(build(Path("data/unified")).get_best_tip().block_hash)
