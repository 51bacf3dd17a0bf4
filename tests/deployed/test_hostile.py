"""Each kind of hostile block is rejected by the deployed engine by its rule, and leaves nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest

from testnet.hostile.deployed import HEADER_KINDS, make
from tests.deployed.conftest import Deployed

TEXTS = {
    "unknown_parent": "Basic header",
    "bad_height": "Basic header",
    "bad_timestamp": "Basic header",
    "missing_proof": "Commitment",
    "bad_merkle_root": "Commitment",
    "missing_complexity": "Difficulty",
    "no_work": "Difficulty",
}


@pytest.mark.parametrize("kind", HEADER_KINDS)
def test_a_hostile_block_is_rejected_by_its_rule(deployed: Deployed, kind: str) -> None:
    import consensus  # type: ignore[import-not-found]
    import mining  # type: ignore[import-not-found]
    import wire  # type: ignore[import-not-found]

    engine: Any = consensus.ConsensusEngine(
        consensus.ConsensusConfig(max_headers_per_second=0), deployed.storage, None
    )
    tip = engine.get_best_tip()
    parent = mining.Parent(tip.index, tip.timestamp, tip.block_hash, 0.0)
    real = wire.encode(mining.mine(parent, random.Random(1), 8))
    assert engine.validate_header(wire.decode(real))
    tree = set(engine.block_tree)
    with pytest.raises(consensus.HeaderValidationError, match=TEXTS[kind]):
        engine.validate_header(wire.decode(make(kind, real)))
    assert set(engine.block_tree) == tree
