"""Each mode answers with its engine, compares where it has two, and counts every call once."""

from typing import Any

import consensus_surface
import pytest
from consensus_wrapper import ConsensusMode, DualRunConsensus

from testnet.node.src import pow
from testnet.node.src.consensus import ConsensusEngine
from tests.oracle.support import sealed
from tests.wrapper.conftest import Place, chain, config, genesis_block


def outcomes(wrapper: Any) -> dict[str, int]:
    """The outcomes that were counted, without the zeros."""
    stats = wrapper.stats()
    assert sum(stats["outcomes"].values()) == stats["calls"]
    return {name: count for name, count in stats["outcomes"].items() if count}


@pytest.mark.parametrize(
    ("mode", "outcome"), [("legacy", "alone"), ("shadow", "match"), ("rust", "match"), ("final", "alone")]
)
def test_given_a_mode_when_blocks_come_then_each_is_answered_written_and_counted_once(
    place: Place, rust: Any, mode: str, outcome: str
) -> None:
    wrapper = place.start(mode)
    good = chain(3)
    bad = sealed(good[-1], solution=[1, 1])
    assert [place.judge(wrapper, block) for block in [*good, bad]] == ["accept"] * 3 + ["bad_proof"]
    assert wrapper.mode is ConsensusMode(mode)
    assert outcomes(wrapper) == {outcome: 4}
    stats = wrapper.stats()
    assert (stats["accepted"], stats["rejected"]) == (3, {"bad_proof": 1})
    assert [write[0] for write in place.storage.writes] == ["work_index", "tip"] * 3
    assert [write[-1] for write in place.storage.writes if write[0] == "work_index"] == [
        block["block_hash"] for block in good
    ]
    assert wrapper.get_best_tip()["block_hash"] == good[-1]["block_hash"]
    assert len(wrapper.get_chain_from_genesis()) == 4


@pytest.mark.parametrize("mode", ["legacy", "shadow"])
def test_given_a_legacy_answer_when_it_rejects_then_the_shared_class_carries_reason_and_cause(
    place: Place, rust: Any, mode: str
) -> None:
    wrapper = place.start(mode)
    with pytest.raises(consensus_surface.ValidationError) as caught:
        wrapper.verify_block(sealed(genesis_block(), index=7))
    assert type(caught.value) is consensus_surface.HeaderValidationError
    assert caught.value.reason == "bad_height"
    assert type(caught.value.__cause__).__module__ == "consensus"


@pytest.mark.parametrize("mode", ["rust", "final"])
def test_given_a_rust_answer_when_it_rejects_then_the_reason_has_no_legacy_cause(
    place: Place, rust: Any, mode: str
) -> None:
    wrapper = place.start(mode)
    with pytest.raises(consensus_surface.HeaderValidationError) as caught:
        wrapper.verify_block(sealed(genesis_block(), index=7))
    assert (caught.value.reason, caught.value.__cause__) == ("bad_height", None)


@pytest.mark.parametrize("mode", ["shadow", "rust", "final"])
def test_given_the_release_s_own_engine_when_it_rejects_then_the_node_gets_value_and_limit(
    place: Place, mode: str
) -> None:
    wrapper = place.start(mode)
    with pytest.raises(consensus_surface.HeaderValidationError) as caught:
        wrapper.verify_block(sealed(genesis_block(), index=7))
    rejected = caught.value
    assert (rejected.reason, rejected.value, rejected.limit) == ("bad_height", 7, 1)
    if mode != "shadow":
        assert str(rejected) == "bad_height: 7, where the rule has 1"


def test_given_both_engines_when_one_judges_then_the_other_gets_its_receipt_time(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("shadow")
    block = chain(1)[0]
    place.judge(wrapper, block)
    active = wrapper._active
    assert active.legacy and active.rust
    key = block["block_hash"]
    assert active.legacy.node(key).receipt_time == active.rust.node(key).receipt_time


def test_given_a_block_outside_the_domain_when_legacy_accepts_then_rust_follows_without_comparing(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("rust")
    first = sealed(genesis_block(), out_of_domain=True)
    assert place.judge(wrapper, first) == "accept"
    assert [place.judge(wrapper, block) for block in chain(3, first)] == ["accept"] * 3
    assert outcomes(wrapper) == {"skipped": 1, "match": 3}
    stats = wrapper.stats()
    assert (stats["skipped"], stats["out_of_domain_accepted"]) == ({"out_of_domain": 1}, 1)
    assert wrapper.mode is ConsensusMode.REFACTORED_PRIMARY


def test_given_final_when_a_block_lies_outside_the_domain_then_it_is_refused(place: Place, rust: Any) -> None:
    wrapper = place.start("final")
    assert place.judge(wrapper, sealed(genesis_block(), out_of_domain=True)) == "malformed"
    assert outcomes(wrapper) == {"alone": 1}


def test_given_the_rate_limit_when_legacy_refuses_then_it_is_no_divergence(place: Place, rust: Any) -> None:
    wrapper = place.start("rust")
    wrapper.config.max_headers_per_second = 3
    answers = [place.judge(wrapper, block) for block in chain(6)]
    assert answers == ["accept"] * 6, "Rust answers, and its tree is whole"
    assert outcomes(wrapper) == {"match": 2, "skipped": 4}
    assert wrapper.stats()["skipped"] == {"not_a_rule": 4}
    wrapper.config.max_headers_per_second = 0
    assert place.judge(wrapper, chain(7)[-1]) == "accept"
    assert outcomes(wrapper)["match"] == 3, "legacy was brought level and is compared again"


def test_given_shadow_when_the_rate_limit_refuses_then_its_answer_stands_without_a_reason(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("shadow")
    wrapper.config.max_headers_per_second = 1
    with pytest.raises(consensus_surface.HeaderValidationError) as caught:
        wrapper.verify_block(chain(1)[0])
    assert caught.value.reason is None
    assert outcomes(wrapper) == {"skipped": 1}


def test_given_two_engines_when_the_tip_is_moved_by_hand_then_both_move(place: Place, rust: Any) -> None:
    wrapper = place.start("shadow")
    trunk, branch = chain(2, tag=1), chain(1, tag=2)
    for block in [*trunk, *branch]:
        place.judge(wrapper, block)
    removed, added = wrapper.handle_reorg(branch[0]["block_hash"])
    assert [[b["block_hash"] for b in blocks] for blocks in (removed, added)] == [
        [b["block_hash"] for b in trunk],
        [branch[0]["block_hash"]],
    ]
    assert outcomes(wrapper) == {"match": 4}
    active = wrapper._active
    assert active.rust and active.rust.tip().block["block_hash"] == branch[0]["block_hash"]


def test_given_a_reveal_that_does_not_fit_when_checked_then_the_shared_class_is_raised(
    place: Place, rust: Any
) -> None:
    wrapper = place.start("shadow")
    with pytest.raises(consensus_surface.RevealValidationError):
        wrapper.validate_reveal(chain(1)[0], "no commitment", b"salt")
    assert outcomes(wrapper) == {"match": 1}


def test_given_a_pinned_profile_when_either_call_is_made_then_it_judges_by_that_profile(
    place: Place, rust: Any
) -> None:
    place.settings(pin_profile="header")
    wrapper = place.start("shadow")
    assert place.judge(wrapper, sealed(genesis_block(), solution=[1, 1])) == "accept"


def test_given_a_legacy_engine_that_is_built_already_when_handed_over_then_it_is_used(place: Place) -> None:
    engine = ConsensusEngine(config(), place.storage, pow.ProblemRegistry())  # type: ignore[arg-type]
    wrapper = DualRunConsensus(legacy_engine=engine, mode="shadow")
    place.wrappers.append(wrapper)
    assert [place.judge(wrapper, block) for block in chain(2)] == ["accept"] * 2
    assert engine.best_tip.height == 2
    assert outcomes(wrapper) == {"match": 2}
    assert genesis_block()["block_hash"] in engine.block_tree
