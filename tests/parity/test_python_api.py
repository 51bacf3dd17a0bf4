"""The package as someone uses it who writes Python: names, answers that tell, rejects that explain."""

import doctest
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, get_args

import coinjecture
import pytest
from coinjecture import (
    ConsensusConfig,
    ConsensusEngine,
    HeaderValidationError,
    Profile,
    Reason,
    _core,
    consensus,
)
from coinjecture.consensus import REASONS, Reorg, TreeCopy
from coinjecture.pow import Solved, solve_subset_sum
from coinjecture.replay import errors
from coinjecture.replay.legacy import NoStorage

from tests.oracle.support import GENESIS, sealed

KNOWN = GENESIS["testnet"]
GENESIS_BLOCK: dict[str, Any] = json.loads(KNOWN["block_json"])


def config() -> ConsensusConfig:
    return ConsensusConfig(
        network_id=KNOWN["network_id"],
        genesis_timestamp=json.loads(KNOWN["timestamp_json"]),
        genesis_seed=KNOWN["seed"],
        genesis_block=GENESIS_BLOCK,
    )


def engine() -> ConsensusEngine:
    return ConsensusEngine(config(), NoStorage(), None)


def native() -> _core.Engine:
    return _core.Engine(KNOWN["block_json"], KNOWN["received_at"])


def judged(block: Any, profile: Profile = "full", received_at: float = 1.0) -> _core.Judgement:
    return native().judge(_core.capture(block), received_at, profile)


def test_the_example_of_the_package_is_true() -> None:
    names = {
        "genesis": GENESIS_BLOCK,
        "block": sealed(GENESIS_BLOCK),
        "storage": NoStorage(),
        "registry": None,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coinjecture, "ConsensusConfig", lambda genesis_block: config())
        found = doctest.DocTestFinder(recurse=False).find(coinjecture, extraglobs=names)
        results = [doctest.DocTestRunner().run(example) for example in found]
    assert [(result.failed, result.attempted > 3) for result in results] == [(0, True)]


def test_the_types_are_those_of_the_codes() -> None:
    assert get_args(Reason) == REASONS
    assert get_args(Profile) == coinjecture.PROFILES


@pytest.mark.parametrize("name", coinjecture.__all__)
def test_every_name_of_the_package_is_there(name: str) -> None:
    assert getattr(coinjecture, name) is not None


@pytest.mark.parametrize("old", ["BudgetExceeded", "OutOfDomain", "StaleJudgement"])
def test_an_old_name_of_an_error_holds_with_a_warning(old: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"{old}Error"):
        assert getattr(consensus, old) is getattr(consensus, f"{old}Error") is getattr(_core, old)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AttributeError, match="nothing"):
            consensus.nothing  # noqa: B018


def test_the_old_name_of_what_replay_refuses_holds_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="BadInputError"):
        assert errors.BadInput is errors.BadInputError
    with pytest.raises(AttributeError, match="nothing"):
        errors.nothing  # noqa: B018


def test_answers_have_names_and_are_the_tuples_they_were() -> None:
    subject = engine()
    subject.verify_block(sealed(GENESIS_BLOCK))
    reorg = subject.handle_reorg(KNOWN["block_hash"])
    assert isinstance(reorg, Reorg) and (reorg.removed, reorg.added) == tuple(reorg)
    copy = subject.export_tree()
    assert isinstance(copy, TreeCopy) and len(copy.nodes) == 2 and copy.tip.height == 0
    assert solve_subset_sum([3, 5], 8) == Solved([5, 3], solve_subset_sum([3, 5], 8).table_bytes)


def test_objects_tell_what_they_are() -> None:
    block = sealed(GENESIS_BLOCK)
    subject, tree = engine(), native()
    assert repr(subject) == "<ConsensusEngine network='coinjecture-testnet-v1' blocks=1 tip_height=0>"
    assert repr(subject.block_tree) == "<BlockTree blocks=1 tip_height=0>"
    root = f"block_hash='{KNOWN['block_hash']}' height=0 cumulative={tree.tip().cumulative!r}"
    assert repr(tree.tip()) == f"<Node {root}>"
    assert repr(tree) == f"<Engine nodes=1 tip=({root})>"
    assert repr(_core.capture(block)) == f"<Captured block_hash='{block['block_hash']}'>"
    accepted = judged(block)
    assert repr(accepted) == (
        f"<Judgement accept block_hash='{block['block_hash']}' height=1 cumulative={accepted.cumulative!r}>"
    )
    assert repr(judged(block | {"index": 7})) == "<Judgement reject reason=bad_height value=7 limit=1>"
    assert len(repr(judged(block | {"previous_hash": "x" * 5000}))) < 200


def test_what_says_the_same_is_equal() -> None:
    block = sealed(GENESIS_BLOCK)
    for one, same, other in [
        (
            _core.capture(block),
            _core.capture(json.dumps(block)),
            _core.capture(block | {"offchain_cid": "x"}),
        ),
        (judged(block), judged(json.dumps(block)), judged(block, received_at=2.0)),
        (judged({}), judged({"x": 1}), judged({"block_hash": 1})),
        (native().tip(), native().tip(), _core.Engine(GENESIS_BLOCK, 1.0).tip()),
    ]:
        assert one == same and hash(one) == hash(same) and one != other and one != "it"
    odd = json.dumps(block | {"previous_hash": math.nan, "index": math.nan})
    assert judged(odd) == judged(odd.encode())


REJECTED: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("unknown_parent", {"previous_hash": "nowhere"}, "nowhere", None),
    ("bad_height", {"index": 7}, 7, 1),
    ("bad_timestamp", {"timestamp": 5}, 5, GENESIS_BLOCK["timestamp"]),
    ("missing_proof", {"solution": []}, [], None),
    ("bad_merkle_root", {"merkle_root": "ab"}, "ab", 64),
    ("missing_complexity", {"complexity": {}}, {}, None),
    ("bad_block_hash", {"block_hash": "ab"}, "ab", sealed(GENESIS_BLOCK)["block_hash"]),
]


@pytest.mark.parametrize("reason,change,value,limit", REJECTED)
def test_a_reject_carries_the_value_and_the_limit(
    reason: str, change: dict[str, Any], value: Any, limit: Any
) -> None:
    block = sealed(GENESIS_BLOCK) | change
    judgement = judged(block)
    assert (judgement.reason, judgement.value, judgement.limit) == (reason, value, limit)
    with pytest.raises(HeaderValidationError, match=f"^{reason}: ") as raised:
        engine().verify_block(block)
    assert (raised.value.reason, raised.value.value, raised.value.limit) == (reason, value, limit)
    assert str(raised.value).isascii()


def test_a_reject_by_a_sealed_field_carries_them_too() -> None:
    def found(change: dict[str, Any]) -> tuple[Any, ...]:
        judgement = judged(sealed(GENESIS_BLOCK, **change))
        return judgement.reason, judgement.value, judgement.limit

    problem = sealed(GENESIS_BLOCK)["problem"]
    target = problem["target"]
    tier = {"mining_capacity": "mobile", "problem": problem | {"size": 99}}
    assert found(tier) == ("bad_tier_size", 99, [8, 12])
    assert found({"solution": [1]}) == ("bad_proof", [1], target)
    negative = {"measured_solve_time": -1e9, "measured_solve_space": 1e6}
    complexity = sealed(GENESIS_BLOCK)["complexity"] | negative
    reason, value, limit = found({"complexity": complexity})
    assert (reason, limit) == ("no_work", 0.0) and value <= 0


OLDER = """
REASONS = ("malformed",)
class ValidationError(Exception): ...
class HeaderValidationError(ValidationError):
    def __init__(self, message="", reason=None):
        super().__init__(message)
        self.reason = reason
class RevealValidationError(ValidationError): ...
class ConsensusConfig: ...
class BlockNode: ...
"""
USE = """
import consensus_surface, json, sys
from coinjecture import ConsensusEngine, HeaderValidationError
assert not hasattr(consensus_surface, "Profile")
known = json.loads(sys.stdin.read())
config = consensus_surface.ConsensusConfig()
config.network_id, config.genesis_seed = known["network_id"], known["seed"]
config.genesis_timestamp = json.loads(known["timestamp_json"])
config.genesis_block = genesis = json.loads(known["block_json"])
try:
    ConsensusEngine(config, None, None).verify_block(
        genesis | {"index": 7, "previous_hash": genesis["block_hash"]}
    )
except HeaderValidationError as error:
    print(error.reason, error.value, error.limit)
"""


def test_the_wheel_works_beside_the_surface_of_an_older_wrapper(tmp_path: Path) -> None:
    # given the copy of a wrapper that is older than the wheel, first on the path as on a node
    (tmp_path / "consensus_surface").mkdir()
    (tmp_path / "consensus_surface" / "__init__.py").write_text(OLDER, encoding="utf-8")
    before = os.environ.get("PYTHONPATH", "")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{before}"}
    call = [sys.executable, "-c", USE]
    done = subprocess.run(call, input=json.dumps(KNOWN), env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["bad_height", "7", "1"], done.stderr


def test_a_block_that_raises_has_neither() -> None:
    judgement = judged({})
    assert (judgement.reason, judgement.value, judgement.limit) == ("malformed", None, None)


def test_a_message_is_ascii_and_short_whatever_the_block_holds() -> None:
    for odd in ["\ud800", "\u00fc" * 5000, {"a": [1] * 1000}, 10**4000]:
        with pytest.raises(HeaderValidationError) as raised:
            engine().verify_block(sealed(GENESIS_BLOCK) | {"block_hash": odd})
        assert str(raised.value).isascii() and len(str(raised.value)) < 1500
