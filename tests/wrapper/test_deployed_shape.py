"""The wrapper on an engine of the deployed one's shape, with the real Rust engine beside it."""

from collections.abc import Iterator
from typing import Any

import consensus_surface
import pytest
from consensus_wrapper import ConsensusMode, DualRunConsensus

from testnet.node.src import pow
from tests.wrapper import deployed_shape
from tests.wrapper.conftest import Place, chain, config, genesis_block
from tests.wrapper.deployed_shape import Block
from tests.wrapper.test_modes import outcomes


class DeployedStorage:
    """A storage without a log, as the deployed node has it."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, Any]] = []

    def store_work_index(self, height: int, _cumulative: int, block_hash: str) -> None:
        self.writes.append(("work_index", (height, block_hash)))

    def store_tip(self, block_hash: str, _cumulative: int) -> None:
        self.writes.append(("tip", block_hash))

    def store_block(self, block: Block) -> None:
        self.writes.append(("block", block.block_hash))

    def store_commitment(self, commitment: bytes, block_hash: str) -> None:
        self.writes.append(("commitment", block_hash))


@pytest.fixture
def deployed(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a wrapper with the deployed shape in the place of `consensus`."""
    source = place.folder / "src"
    source.mkdir()
    (source / "consensus.py").write_text("from tests.wrapper.deployed_shape import *\n")
    monkeypatch.syspath_prepend(str(source))

    def start(mode: str, **limits: Any) -> DualRunConsensus:
        place.storage = DeployedStorage()  # type: ignore[assignment]
        wrapper = DualRunConsensus(
            config(max_headers_per_second=limits.get("limit", 10**6)),
            place.storage,
            pow.ProblemRegistry(),
            mode=mode,
            alert_callback=place.alerts.append,
        )
        place.wrappers.append(wrapper)
        return wrapper

    yield start


def objects(length: int) -> list[Block]:
    return [Block.from_dict(block) for block in chain(length)]


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_given_block_objects_when_headers_are_validated_then_the_engines_agree(
    deployed: Any, mode: str
) -> None:
    wrapper = deployed(mode)
    assert [wrapper.validate_header(block) for block in objects(5)] == [True] * 5
    assert outcomes(wrapper) == {"match": 5}
    assert isinstance(wrapper.get_best_tip(), Block), "the node gets its own kind of block back"


def test_given_an_engine_without_verify_block_when_it_is_called_then_headers_are_validated(
    deployed: Any,
) -> None:
    wrapper = deployed("shadow")
    block = objects(1)[0]
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
    deployed: Any, change: dict[str, Any], reason: str
) -> None:
    wrapper = deployed("shadow")
    block = objects(1)[0]
    for name, value in change.items():
        setattr(block, name, value)
    with pytest.raises(consensus_surface.HeaderValidationError) as caught:
        wrapper.validate_header(block)
    assert caught.value.reason == reason
    assert outcomes(wrapper) == {"match": 1}
    assert wrapper.stats()["rejected"] == {reason: 1}
    if reason != "malformed":
        assert type(caught.value.__cause__) is deployed_shape.HeaderValidationError


def test_given_legacy_alone_when_it_rejects_then_the_whole_group_is_named(deployed: Any) -> None:
    wrapper = deployed("legacy")
    block = objects(1)[0]
    block.solution = []
    with pytest.raises(consensus_surface.HeaderValidationError):
        wrapper.validate_header(block)
    assert wrapper.stats()["rejected"] == {"bad_merkle_root|missing_proof": 1}


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_given_its_rate_limit_when_it_refuses_then_it_is_known_from_the_engine_s_own_marks(
    deployed: Any, mode: str
) -> None:
    wrapper = deployed(mode, limit=3)
    answers = []
    for block in objects(5):
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


def test_given_a_block_it_cannot_print_when_it_stumbles_then_that_is_no_rule(deployed: Any) -> None:
    wrapper = deployed("shadow")
    block = objects(1)[0]
    block.previous_hash = "\ud800"
    with pytest.raises(consensus_surface.HeaderValidationError):
        wrapper.validate_header(block)
    assert wrapper.stats()["skipped"] == {"not_a_rule": 1}


def test_given_no_log_when_modes_change_then_the_tree_is_copied_there_and_back(deployed: Any) -> None:
    wrapper = deployed("legacy")
    blocks = objects(9)
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


def test_given_a_reveal_that_is_stored_when_legacy_does_not_answer_then_its_write_is_dropped(
    deployed: Any, place: Place
) -> None:
    wrapper = deployed("legacy")
    assert wrapper.validate_reveal(objects(1)[0], b"commitment", b"salt") is True
    assert ("commitment", objects(1)[0].block_hash) in place.storage.writes  # type: ignore[comparison-overlap]


def test_given_a_call_only_the_deployed_engine_has_when_made_then_it_is_handed_on_until_final(
    deployed: Any,
) -> None:
    wrapper = deployed("shadow")
    assert wrapper.validate_and_process_block({})["valid"]
    wrapper.set_mode("final", who="test", why="up")
    with pytest.raises(AttributeError):
        wrapper.validate_and_process_block({})


def test_given_a_legacy_engine_that_is_built_already_when_handed_over_then_it_is_used(place: Place) -> None:
    from testnet.node.src.consensus import ConsensusEngine

    engine = ConsensusEngine(config(), place.storage, pow.ProblemRegistry())  # type: ignore[arg-type]
    wrapper = DualRunConsensus(legacy_engine=engine, mode="shadow")
    place.wrappers.append(wrapper)
    assert [place.judge(wrapper, block) for block in chain(2)] == ["accept"] * 2
    assert engine.best_tip.height == 2
    assert outcomes(wrapper) == {"match": 2}
    assert genesis_block()["block_hash"] in engine.block_tree
