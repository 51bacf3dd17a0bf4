"""`docs/engine-surface.md` lists every public attribute of the three that share a surface."""

import re
from pathlib import Path
from typing import Any

import consensus_wrapper
import pytest
from coinjecture.consensus import ConsensusEngine as RustEngine
from coinjecture_migration.vocabulary import MODES
from consensus_wrapper import DualRunConsensus

from testnet.node.src import pow
from testnet.node.src.consensus import ConsensusEngine as LegacyEngine
from tests.wrapper.conftest import Place, chain, config

PAGE = (Path(__file__).parents[2] / "docs" / "engine-surface.md").read_text(encoding="utf-8")
SURFACE, EXTRA = PAGE.split("## Only one engine has it")


def names(text: str) -> set[str]:
    """First column of the tables, without arguments."""
    return {match[1] for match in re.finditer(r"^\| `(\w+)", text, re.MULTILINE)}


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.fixture
def three(place: Place) -> dict[str, Any]:
    arguments = (config(), place.storage, pow.ProblemRegistry())
    return {
        "legacy": LegacyEngine(*arguments),  # type: ignore[arg-type]
        "rust": RustEngine(*arguments),
        "wrapper": place.start("shadow"),
    }


@pytest.mark.parametrize("which", ["legacy", "rust", "wrapper"])
def test_given_an_engine_when_its_attributes_are_listed_then_the_page_has_them_all(
    three: dict[str, Any], which: str
) -> None:
    assert public(three[which]) - names(PAGE) == set()


@pytest.mark.parametrize("which", ["legacy", "rust", "wrapper"])
@pytest.mark.parametrize("name", sorted(names(SURFACE)))
def test_given_the_surface_when_an_engine_is_asked_then_it_has_each_name(
    three: dict[str, Any], which: str, name: str
) -> None:
    assert hasattr(three[which], name)


def test_given_the_page_when_read_then_the_surface_is_what_the_fixed_interface_names() -> None:
    fixed = {"verify_block", "validate_header", "validate_reveal", "handle_reorg", "get_best_tip"}
    fixed |= {"get_chain_from_genesis", "is_finalized", "config", "storage", "problem_registry"}
    fixed |= {"block_tree", "best_tip", "genesis_block"}
    assert names(SURFACE) - {"name"} == fixed | {"metrics_engine"}
    assert {"mode", "set_mode", "stats"} <= names(EXTRA)


@pytest.mark.parametrize("mode", MODES)
def test_given_a_chain_when_the_surface_is_read_then_every_mode_answers_the_same(
    place: Place, mode: str
) -> None:
    wrapper = place.start(mode)
    blocks = chain(21)
    for block in blocks:
        place.judge(wrapper, block)
    assert wrapper.get_best_tip() == blocks[-1]
    assert wrapper.best_tip.height == 21
    assert wrapper.is_finalized(blocks[0]["block_hash"]) and not wrapper.is_finalized(blocks[1]["block_hash"])
    assert wrapper.get_chain_from_genesis(blocks[2]["block_hash"])[1:] == blocks[:3]
    assert wrapper.storage is place.storage
    assert wrapper.genesis_block["block_hash"] in wrapper.block_tree
    assert wrapper.block_tree[blocks[3]["block_hash"]].height == 4
    assert wrapper.config.network_id and wrapper.problem_registry
    assert wrapper.metrics_engine is None
    with pytest.raises(AttributeError):
        _ = wrapper.no_such_thing


@pytest.mark.parametrize("form", ["bytes", "text", "dict"])
@pytest.mark.parametrize("mode", ["shadow", "rust", "final"])
def test_given_a_block_in_any_form_when_judged_then_it_is_the_same_block(
    place: Place, mode: str, form: str
) -> None:
    import json

    wrapper = place.start(mode)
    for block in chain(3):
        text = json.dumps(block)
        given = {"bytes": text.encode(), "text": text, "dict": block}[form]
        assert wrapper.verify_block(given) is True
        assert wrapper.get_best_tip() == block
    assert wrapper.stats()["outcomes"]["divergence"] == 0


@pytest.mark.parametrize("garbage", [b"no json", b"[]", b"\xff", "7", 7, None, b'{"index": '])
@pytest.mark.parametrize("mode", MODES)
def test_given_what_is_no_block_when_judged_then_it_is_malformed_for_both(
    place: Place, mode: str, garbage: Any
) -> None:
    wrapper: DualRunConsensus = place.start(mode)
    assert place.judge(wrapper, garbage) == "malformed"
    assert wrapper.stats()["outcomes"]["match" if mode in ("shadow", "rust") else "alone"] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("EngineFailure", "BrokenEngineError"),
        ("ModeChangeRefused", "ModeChangeError"),
        ("StartRefused", "StartError"),
    ],
)
def test_given_a_name_of_the_last_version_then_it_still_works_and_says_the_new_one(
    old: str, new: str
) -> None:
    with pytest.warns(DeprecationWarning, match=f"{old} is {new} now"):
        found = getattr(consensus_wrapper, old)
    assert found is getattr(consensus_wrapper, new)
