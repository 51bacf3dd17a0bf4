"""The deployed node's verdicts: on block objects, without a code, and by an engine without `verify_block`."""

from __future__ import annotations

import io
import sys
from typing import Any

import consensus_surface
import pytest
from consensus_wrapper import ConsensusMode

from tests.deployed.conftest import Deployed
from tests.wrapper.test_modes import outcomes


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_given_block_objects_when_headers_are_validated_then_the_engines_agree(
    deployed: Deployed, mode: str
) -> None:
    wrapper = deployed.start(mode)
    blocks = deployed.chain(wrapper, 5)
    assert [wrapper.validate_header(block) for block in blocks] == [True] * 5
    assert outcomes(wrapper) == {"match": 5}
    assert type(wrapper.get_best_tip()) is type(blocks[0]), "the node gets its own kind of block back"


def test_given_an_engine_without_verify_block_when_it_is_called_then_headers_are_validated(
    deployed: Deployed,
) -> None:
    wrapper = deployed.start("shadow", pin_profile=None)
    block = deployed.child(wrapper)
    block.solution = [1, 1]  # rule 8, which this engine has not
    assert wrapper.verify_block(block) is True
    assert outcomes(wrapper) == {"match": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"previous_hash": "0" * 63 + "1"}, "unknown_parent"),
        ({"index": 7}, "bad_height"),
        ({"timestamp": 0.0}, "bad_timestamp"),
        ({"solution": []}, "missing_proof"),
        ({"merkle_root": "short"}, "bad_merkle_root"),
        ({"complexity": None}, "missing_complexity"),
        ({"merkle_root": 7}, "malformed"),
    ],
)
def test_given_rejects_without_a_code_when_compared_then_the_group_agrees_and_rust_tells_the_code(
    deployed: Deployed, change: dict[str, Any], reason: str
) -> None:
    wrapper = deployed.start("shadow")
    block = deployed.child(wrapper, **change)
    with pytest.raises(consensus_surface.HeaderValidationError) as caught:
        wrapper.validate_header(block)
    assert caught.value.reason == reason
    assert outcomes(wrapper) == {"match": 1}
    assert wrapper.stats()["rejected"] == {reason: 1}
    if reason != "malformed":
        assert type(caught.value.__cause__) is sys.modules["consensus"].HeaderValidationError


def test_given_legacy_alone_when_it_rejects_then_the_whole_group_is_named(deployed: Deployed) -> None:
    wrapper = deployed.start("legacy")
    with pytest.raises(consensus_surface.HeaderValidationError):
        wrapper.validate_header(deployed.child(wrapper, solution=[]))
    assert wrapper.stats()["rejected"] == {"bad_merkle_root|missing_proof": 1}


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_given_its_rate_limit_when_it_refuses_then_it_is_known_from_the_engine_s_own_marks(
    deployed: Deployed, mode: str
) -> None:
    wrapper = deployed.start(mode, max_headers_per_second=3)
    answers = []
    for block in deployed.chain(wrapper, 5):
        try:
            answers.append(wrapper.validate_header(block))
        except consensus_surface.HeaderValidationError as error:
            answers.append(error.reason)
    if mode == "rust":
        assert answers == [True] * 5
        assert outcomes(wrapper) == {"match": 2, "skipped": 3}
    else:  # the parents of the last two were refused
        assert answers == [True, True, None, "unknown_parent", "unknown_parent"]
        assert outcomes(wrapper) == {"match": 4, "skipped": 1}
    assert set(wrapper.stats()["skipped"]) == {"not_a_rule"}


def test_given_a_block_it_cannot_print_when_it_stumbles_then_that_is_no_rule(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = deployed.start("shadow")
    block = deployed.child(wrapper, previous_hash="\ud800")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))  # as a log has it
    with pytest.raises(consensus_surface.HeaderValidationError):
        wrapper.validate_header(block)
    assert wrapper.stats()["skipped"] == {"not_a_rule": 1}


def test_given_no_log_when_modes_change_then_the_tree_is_copied_there_and_back(
    deployed: Deployed,
) -> None:
    wrapper = deployed.start("legacy")
    blocks = deployed.chain(wrapper, 9)
    for block in blocks[:3]:
        wrapper.validate_header(block)
    for mode, part in (("shadow", blocks[3:5]), ("final", blocks[5:7]), ("legacy", blocks[7:])):
        wrapper.set_mode(mode, who="test", why="a step")
        assert wrapper.mode is ConsensusMode(mode)
        assert [wrapper.validate_header(block) for block in part] == [True, True]
    assert [block.index for block in wrapper.get_chain_from_genesis()] == list(range(10))
    legacy = wrapper._active.legacy
    assert legacy is not None
    assert legacy.node(blocks[0].block_hash).children == [blocks[1].block_hash]


def test_given_a_call_only_the_deployed_engine_has_when_made_then_it_is_handed_on_until_final(
    deployed: Deployed,
) -> None:
    wrapper = deployed.start("shadow")
    assert wrapper.validate_and_process_block({"index": 1})["valid"]
    wrapper.set_mode("final", who="test", why="up")
    with pytest.raises(AttributeError):
        wrapper.validate_and_process_block({})
