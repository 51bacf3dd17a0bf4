"""Blocks that are objects of a node's own classes, with what only an object can hold."""

from __future__ import annotations

import copy
import json
from dataclasses import make_dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from coinjecture import _core

from tests.oracle.support import GENESIS, sealed

GENESIS_BLOCK: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])
BLOCK: dict[str, Any] = sealed(GENESIS_BLOCK)


def made(value: Any, name: str = "Block") -> Any:
    """A dict, and each in it but `problem`, as an instance of a dataclass of its own."""
    if not isinstance(value, dict) or name == "problem":
        return copy.deepcopy(value)
    cls = make_dataclass(name.title(), list(value))
    return cls(**{key: made(part, key) for key, part in value.items()})


def judged(block: Any, profile: str = "full") -> str | None:
    """What the Rust engine says of a block: None where it accepts."""
    engine = _core.Engine(GENESIS_BLOCK, 0.0)
    reason: str | None = engine.judge(_core.capture(block), 1.0, profile).reason
    return reason


def test_an_object_is_judged_as_its_dict() -> None:
    assert judged(made(BLOCK)) is judged(BLOCK) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda block: setattr(block, "transactions", [(1, {"a": (2,)})]),
        lambda block: setattr(block, "offchain_cid", ()),
        lambda block: setattr(block.complexity, "solution_size", (3, 4)),
        lambda block: setattr(block.complexity.energy_metrics, "cpu_utilization", (0.5,)),
    ],
    ids=["transactions", "content id", "complexity", "energy"],
)
@pytest.mark.parametrize("profile", ["header", "full"])
def test_a_tuple_that_no_rule_reads_is_a_list(change: Any, profile: str) -> None:
    block = made(BLOCK)
    change(block)
    captured = _core.capture(block)
    assert (captured.out_of_domain, judged(block, profile)) == (None, None)
    assert captured.computed_hash == BLOCK["block_hash"]


def test_a_tuple_of_a_problem_that_is_hashed_only_is_hashed_as_a_list() -> None:
    content = sealed(GENESIS_BLOCK, problem=BLOCK["problem"] | {"cities": [[0.5, 1], [2, [3]]]})
    block = made(content)
    block.problem["cities"] = [(0.5, 1), (2, (3,))]
    assert _core.capture(block).computed_hash == content["block_hash"]
    assert judged(block) is None
    assert json.loads(_core.capture(block).to_json())["problem"]["cities"] == content["problem"]["cities"]


@pytest.mark.parametrize(
    "change",
    [
        lambda block: setattr(block, "solution", tuple(block.solution)),
        lambda block: setattr(block, "problem", tuple(block.problem)),
        lambda block: block.problem.update(numbers=tuple(block.problem["numbers"])),
        lambda block: block.problem.update(target=(1,)),
        lambda block: setattr(block, "timestamp", (1, 2)),
        lambda block: setattr(block, "block_hash", ("a",)),
        lambda block: setattr(block.complexity, "problem_size", (8,)),
        lambda block: setattr(block, "merkle_root", (1,) * 64),
    ],
    ids=["solution", "problem", "numbers", "target", "time", "hash", "size", "root"],
)
def test_a_tuple_that_a_rule_reads_is_out_of_the_domain(change: Any) -> None:
    block = made(BLOCK)
    change(block)
    why = _core.capture(block).out_of_domain
    assert why is not None and "tuple" in why


def test_a_tuple_behind_one_that_is_a_list_is_told_from_a_list_again() -> None:
    block = made(BLOCK)
    block.transactions, block.solution = (1,), (1,)
    assert _core.capture(block).out_of_domain is not None
    block.transactions, block.solution = [(1,)], BLOCK["solution"]
    block.complexity.problem_class = (1,)
    assert _core.capture(block).out_of_domain is not None


@pytest.mark.parametrize(
    ("name", "reason"),
    [("solution_quality", None), ("measured_verify_space", "malformed"), ("energy_metrics", "malformed")],
)
def test_an_attribute_that_was_deleted_is_missed_where_a_rule_reads_it(name: str, reason: str | None) -> None:
    block = made(BLOCK | {"complexity": BLOCK["complexity"] | {"solution_quality": 1.0}})
    delattr(block.complexity, name)
    assert judged(block) == reason


def test_a_block_that_lost_one_of_its_own_attributes_is_out_of_the_domain() -> None:
    for name in BLOCK:
        block = made(BLOCK)
        delattr(block, name)
        outside = _core.capture(block).out_of_domain
        if name in ("offchain_cid", "proof_commitment"):
            assert outside is None, "no rule needs it"
        else:
            assert outside == f"an object that its {name} was taken from"
        setattr(block, name, len)
        assert (_core.capture(block).out_of_domain is None) == (name in ("offchain_cid", "proof_commitment"))


@pytest.mark.parametrize("value", [{1, 2}, b"x", 1j, object()], ids=lambda value: type(value).__name__)
def test_what_json_has_no_word_for_is_out_of_the_domain_wherever_it_is(value: Any) -> None:
    for place in ("transactions", "offchain_cid"):
        block = made(BLOCK)
        setattr(block, place, [value])
        assert _core.capture(block).out_of_domain is not None


def test_a_class_is_asked_once_and_each_of_its_objects_by_itself() -> None:
    first, second = made(BLOCK), made(BLOCK)
    second.__class__ = type(first)
    second.complexity.__class__ = type(first.complexity)
    del second.complexity.measured_verify_space
    assert judged(first) is None
    assert judged(second) == "malformed"
    assert judged(first) is None


def test_more_classes_than_are_remembered_are_read_alike() -> None:
    assert {judged(made(BLOCK)) for _ in range(100)} == {None}


def test_an_object_that_alone_says_it_has_fields_says_nothing_for_its_class() -> None:
    part = SimpleNamespace(**BLOCK["complexity"])
    block = made(BLOCK)
    block.complexity = SimpleNamespace(**vars(part), __dataclass_fields__={"problem_class": None})
    assert judged(block) == "malformed", "of its fields one is told"
    block.complexity = part
    assert judged(block) is None
