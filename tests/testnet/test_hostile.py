"""Each kind of hostile block earns exactly its reject code from the legacy engine and leaves nothing."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from consensus_surface import REASONS

from testnet.hostile.kinds import KINDS, make
from testnet.hostile.peer import Eavesdropper
from testnet.node.src import consensus, pow
from tests.oracle.support import RecordingStorage, engine


@pytest.fixture(scope="module")
def mined() -> tuple[consensus.ConsensusEngine, RecordingStorage, dict[str, Any]]:
    """An engine that has accepted a block of the real miner, its storage, and the block."""
    storage = RecordingStorage()
    judge = engine(storage=storage)
    tip = judge.best_tip
    template = pow.Template(
        tip.block["block_hash"], tip.height + 1, tip.block["timestamp"], tip.cumulative_work, []
    )
    block = pow.Miner(pow.ProblemRegistry(), "miner", "desktop").mine(template)
    judge.verify_block(json.loads(json.dumps(block)))
    return judge, storage, block


def test_there_is_a_kind_for_every_reject_code() -> None:
    assert set(KINDS) == set(REASONS)


@pytest.mark.parametrize("kind", KINDS)
def test_given_a_real_block_when_one_rule_is_broken_then_the_code_is_that_rules(
    kind: str, mined: tuple[consensus.ConsensusEngine, RecordingStorage, dict[str, Any]]
) -> None:
    judge, storage, real = mined
    tree, tip, writes = dict(judge.block_tree), judge.best_tip, list(storage.writes)
    with pytest.raises(consensus.HeaderValidationError) as caught:
        judge.verify_block(json.loads(json.dumps(make(kind, real))))
    assert caught.value.reason == kind
    assert (judge.block_tree, judge.best_tip, storage.writes) == (tree, tip, writes)


@pytest.mark.parametrize("kind", KINDS)
def test_an_invalid_block_has_a_new_hash_and_leaves_the_real_one_as_it_is(
    kind: str, mined: tuple[consensus.ConsensusEngine, RecordingStorage, dict[str, Any]]
) -> None:
    real = mined[2]
    before = copy.deepcopy(real)
    hashes = {make(kind, real)["block_hash"] for _ in range(3)}
    assert len(hashes) == 3
    assert real["block_hash"] not in hashes
    assert real == before


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"missing_complexity", "no_work"}))
def test_no_invalid_block_claims_more_work_than_the_real_one(
    kind: str, mined: tuple[consensus.ConsensusEngine, RecordingStorage, dict[str, Any]]
) -> None:
    real = mined[2]
    claimed = pow.calculate_work_score(make(kind, real)["complexity"])
    assert claimed == pow.calculate_work_score(real["complexity"])


def heard(index: int, block_hash: str) -> bytes:
    return json.dumps({"index": index, "block_hash": block_hash}).encode()


def test_the_peer_builds_on_the_newest_block_it_heard_and_never_on_the_genesis() -> None:
    ears = Eavesdropper()
    ears.receive_block(heard(0, "genesis"))
    assert ears.newest is None
    ears.receive_block(heard(5, "five"))
    ears.catch_up_block(heard(3, "three"))
    assert ears.newest == {"index": 5, "block_hash": "five"}


def test_the_peer_asks_from_the_newest_block_down_and_gives_nothing() -> None:
    ears = Eavesdropper()
    for index in (1, 2):
        ears.receive_block(heard(index, f"h{index}"))
    assert ears.locator() == ["h2", "h1"]
    assert ears.blocks_after(["h1"], 10) == []
    assert ears.receive_block(heard(3, "h3")) != "accepted"
