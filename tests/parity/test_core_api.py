"""The native module as callers meet it: captures of any block, limits, errors, threads, copies of a tree."""

import enum
import json
import re
import subprocess
import sys
import threading
import types
from dataclasses import dataclass, make_dataclass
from random import Random
from typing import Any

import pytest
from coinjecture import _core

from tests.oracle.support import complexity, sealed

from .support import GENESIS, Rust, bits, json_nan, scenarios

GENESIS_BLOCK: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])


class Tier(enum.Enum):
    MOBILE = "mobile"


class TextTier(str, enum.Enum):  # noqa: UP042 (nodes have enums of this older kind)
    MOBILE = "mobile"


class Number(enum.IntEnum):
    ONE = 1


class Seconds(float):
    pass


def block() -> dict[str, Any]:
    return dict(sealed(GENESIS_BLOCK))


def engine(**options: Any) -> _core.Engine:
    return _core.Engine(GENESIS["testnet"]["block_json"], GENESIS["testnet"]["received_at"], **options)


def as_object(content: dict[str, Any]) -> Any:
    fields = content | {
        "mining_capacity": Tier.MOBILE,
        "complexity": make_dataclass("Complexity", content["complexity"])(**content["complexity"]),
    }
    return types.SimpleNamespace(**fields, unrelated=object())


@pytest.mark.parametrize(
    "form",
    [
        lambda content: json.dumps(content).encode(),
        lambda content: bytearray(json.dumps(content).encode()),
        json.dumps,
        dict,
        types.MappingProxyType,
        as_object,
        lambda content: content | {"mining_capacity": TextTier.MOBILE, "index": Number.ONE},
        lambda content: content | {"timestamp": Seconds(content["timestamp"])},
    ],
    ids=["bytes", "bytearray", "text", "dict", "mapping", "object", "enums", "subclasses"],
)
def test_a_block_of_any_form_is_the_same_block(form: Any) -> None:
    content = block()
    captured = _core.capture(form(content))
    assert captured.out_of_domain is None
    assert captured.computed_hash == captured.block_hash == content["block_hash"]
    assert captured.work is not None
    assert json.loads(captured.to_json()) == content
    assert engine().judge(captured, 1.0, "full").accepted


def test_a_capture_does_not_change_with_its_block() -> None:
    content = block()
    captured = _core.capture(content)
    content["solution"].append(1)
    content["index"] = 7
    assert engine().judge(captured, 1.0, "full").accepted


def test_of_a_dict_the_json_tells_what_was_captured_and_of_the_rest_what_is_there_now() -> None:
    content = block() | {"note": [1]}
    captured, before = _core.capture(content), json.loads(json.dumps(content))
    content["complexity"]["problem_size"] = 99
    content["complexity"]["remark"] = "new"
    content["note"].append(2)
    content["index"] = 7
    del content["merkle_root"], content["transactions"]
    content["block_hash"] = {"no": "hash"}
    written = json.loads(captured.to_json())
    assert written.pop("transactions") is None and written["complexity"].pop("remark") == "new"
    assert written.pop("note") == [1, 2]
    del before["transactions"], before["note"]
    assert written == before
    content["note"] = {1, 2}  # no JSON any more: only what was captured is left
    assert "note" not in json.loads(captured.to_json())
    assert _core.capture(captured.to_json()).computed_hash == captured.computed_hash == before["block_hash"]


@pytest.mark.parametrize("unread", ["x" * 2**19, "\u00e9" * 2**18, "\U0001f600" * 2**16, list(range(2**18))])
def test_a_dict_whose_size_is_not_plain_is_measured(unread: Any) -> None:
    content = block() | {"transactions": unread}
    text = json.dumps(content)
    assert (_core.capture(content).out_of_domain is None) == (len(text) <= 2**20)
    assert _core.capture(content).computed_hash == content["block_hash"]


@pytest.mark.parametrize("field", ["transactions", "remark", "problem"])
def test_of_a_dict_everything_counts_for_the_domain(field: str) -> None:
    for outside in ({"x": nested(63)}, {1: 2}, (1,), 10**4300, [b"x"], "x" * 2**20):
        assert _core.capture(block() | {field: outside}).out_of_domain is not None
    for inside in ({"x": nested(62)}, {"\ud800": "\ud800"}, 10**4299, [json_nan(), True, None]):
        assert _core.capture(block() | {field: inside}).out_of_domain is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ((1, 2), "tuple"),
        ({1: 2}, "key of type int"),
        (10**4300, "4300 digits"),
        (b"x", "bytes"),
        ({1, 2}, "set"),
        (len, "builtin"),
    ],
    ids=["tuple", "key", "digits", "bytes", "set", "callable"],
)
def test_what_json_has_no_value_for_is_out_of_the_domain(value: Any, why: str) -> None:
    captured = _core.capture(block() | {"transactions": [value]})
    assert captured.out_of_domain is not None and why in captured.out_of_domain
    assert captured.computed_hash is None and captured.work is None
    with pytest.raises(_core.OutOfDomainError, match=why):
        engine().judge(captured, 1.0, "header")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("form", [dict, json.dumps], ids=["dict", "text"])
def test_the_domain_ends_at_64_levels_and_one_mebibyte(form: Any) -> None:
    # The block is the first level.
    assert _core.capture(form(block() | {"transactions": nested(63)})).out_of_domain is None
    assert "64 levels" in str(_core.capture(form(block() | {"transactions": nested(64)})).out_of_domain)
    room = 2**20 - len(json.dumps(block() | {"transactions": ""}))
    assert _core.capture(form(block() | {"transactions": "x" * room})).out_of_domain is None
    outside = _core.capture(form(block() | {"transactions": "x" * (room + 1)})).out_of_domain
    assert outside is not None and re.match(r"block of (1048577|more than 1048576) bytes", outside)


def test_a_very_deep_text_does_not_exhaust_the_stack() -> None:
    assert _core.capture(b'{"a": ' + b"[" * 500_000).out_of_domain is not None


@pytest.mark.parametrize("no_block", [b"garbage", "[]", b"\xff", 5, None, [], object()])
def test_what_is_no_block_is_refused_or_totally_malformed(no_block: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="a block"):
        _core.capture(no_block)
    judgement = engine().judge(_core.capture(no_block, total=True), 1.0, "full")
    assert (judgement.accepted, judgement.reason, judgement.inserts) == (False, "malformed", False)


def test_nans_that_json_did_not_make_keep_their_identity() -> None:
    nan, other = float("nan"), float("nan")
    problem = {"numbers": [nan, 5], "target": 5, "size": 8}
    assert not _core.verify_subset_sum_py(problem, [other])
    assert not _core.verify_subset_sum_py(problem | {"numbers": [nan, nan, 5]}, [nan, nan])
    root = block() | {"index": 0, "block_hash": json_nan(), "previous_hash": None}
    assert _core.capture(root).out_of_domain is None
    assert "json.loads" in str(_core.capture(root | {"block_hash": nan}).out_of_domain)


def test_the_work_budget_ends_a_judgement_without_a_verdict_and_without_a_trace() -> None:
    numbers = list(range(20_000))
    content = sealed(GENESIS_BLOCK, problem={"numbers": numbers, "target": 3, "size": 8}, solution=[1, 2])
    captured = _core.capture(content)
    small, large = engine(work_budget=10_000), engine()
    with pytest.raises(_core.BudgetExceededError, match="10000 steps"):
        small.judge(captured, 1.0, "full")
    assert len(small) == 1
    assert small.judge(captured, 1.0, "header").accepted
    assert large.judge(captured, 1.0, "full").accepted
    with pytest.raises(_core.BudgetExceededError):
        _core.verify_subset_sum_py(content["problem"], [1, 2], budget=100)


def digits(count: int, seed: int) -> str:
    """A text of that many digits without a pattern."""
    return str(Random(seed).randrange(10 ** (count - 1), 10**count))


def many_parts(length: int, count: int) -> dict[str, Any]:
    """A long text and many different parts of it, of so many characters each."""
    text = "".join(digits(4000, seed) for seed in range(120))
    parts = list({text[at : at + length]: None for at in range(count)})
    return {"problem": {"numbers": text, "target": 0, "size": 8}, "solution": parts}


@pytest.mark.parametrize(
    "changes",
    [
        {
            "problem": {"numbers": list(range(70_000)), "target": 2449965000, "size": 8},
            "solution": list(range(70_000)),
        },
        {
            "problem": {"numbers": "ab" * 200_000, "target": 0, "size": 8},
            "solution": ["ab", "ba", "a"] * 30_000,
        },
        many_parts(7, 45_000),
        many_parts(40, 11_000),
        many_parts(2000, 250),
        {
            "problem": {"numbers": "a" * 500_000 + "b", "target": 0, "size": 8},
            "solution": ["a" * length + "b" for length in range(900)],
        },
        {
            "problem": {"numbers": [[i] for i in range(60_000)], "target": 0, "size": 8},
            "solution": [[59_999]] * 20_000,
        },
        {
            "problem": {"numbers": {str(i): i for i in range(40_000)}, "target": 0, "size": 8},
            "solution": ["1"],
        },
    ],
    ids=[
        *("many numbers", "a long text", "short parts", "longer parts", "long parts", "ever longer parts"),
        *("many lists", "many keys"),
    ],
)
def test_the_largest_blocks_of_the_domain_need_a_fraction_of_the_budget(changes: dict[str, Any]) -> None:
    # given a block as large as the domain allows, and a fortieth of the default budget
    content = sealed(GENESIS_BLOCK, **changes)
    raw = json.dumps(content).encode()
    raw += b" " * (2**20 - len(raw))
    captured = _core.capture(raw)
    assert captured.out_of_domain is None
    # when it is judged, then there is a verdict, and the solution has been looked at
    reason = engine(work_budget=5_000_000).judge(captured, 1.0, "full").reason
    assert reason in (None, "malformed", "bad_proof")


def test_a_judgement_of_another_generation_is_refused() -> None:
    subject, other = engine(), engine()
    first, second = (subject.judge(_core.capture(block()), at, "full") for at in (1.0, 2.0))
    subject.apply(first)
    for engine_of, judgement in ((subject, second), (other, first)):
        with pytest.raises(_core.StaleJudgementError, match="judge the block again"):
            engine_of.apply(judgement)
    assert (len(subject), len(other)) == (2, 1)


@pytest.mark.parametrize(("space", "moves_tip"), [(1, True), (0, False)], ids=["infinite", "nan"])
def test_a_reject_whose_sum_is_not_finite_keeps_its_node(space: int, moves_tip: bool) -> None:
    subject = engine()
    endless = sealed(GENESIS_BLOCK, work={"measured_solve_time": float("inf"), "measured_solve_space": space})
    judgement = subject.judge(_core.capture(endless), 1.0, "full")
    subject.apply(judgement)
    assert (judgement.accepted, judgement.reason, judgement.inserts) == (False, "malformed", True)
    assert endless["block_hash"] in subject
    assert (subject.tip().block_hash == endless["block_hash"]) == judgement.moves_tip == moves_tip


@pytest.mark.parametrize("index", [False, -0.5, 0.0, -0.0, json_nan(), -(10**30), 0])
def test_odd_heights_and_keys_come_back_as_the_objects_they_were(index: Any) -> None:
    subject = engine()
    for key in (True, 1.0, None, json_nan(), "\ud800", -0.0, 10**40):
        root = block() | {"index": index, "block_hash": key, "previous_hash": "nowhere"}
        subject.apply(subject.judge(_core.capture(root), 1.0, "header"))
        node = subject.get(key)
        assert node is not None
        assert json.dumps([node.height, node.block_hash]) == json.dumps([index, key])
        assert type(node.height) is type(index)
    # True and 1.0 are one key; a dict keeps the one it knew first.
    assert [json.dumps(key) for key in subject.keys()[1:]] == [
        "true",
        "null",
        "NaN",
        '"\\ud800"',
        "-0.0",
        str(10**40),
    ]
    assert subject.get(float("nan")) is None
    assert subject.get((1, 2)) is None
    with pytest.raises(TypeError):
        subject.get([])


def test_an_export_brings_back_the_tree_of_every_scenario() -> None:
    for scenario in scenarios("header"):
        rust = Rust(scenario["genesis"])
        for step in scenario["steps"]:
            rust.step(step["block_json"], step["received_at"], "header")
        data = rust.engine.export()
        copy = engine()
        copy.import_(data)
        assert copy.export() == data
        assert bits(copy.tip().cumulative) == bits(rust.engine.tip().cumulative)


def test_a_damaged_export_is_refused_and_changes_nothing() -> None:
    subject = engine()
    before = subject.export()
    for damaged in (b"", before[:-10], before.replace(b'"format": 1', b'"format": 9')):
        with pytest.raises(_core.EngineError, match="not an export"):
            subject.import_(damaged)
    assert subject.export() == before


def test_threads_may_judge_while_one_applies() -> None:
    subject = engine()
    long = json.dumps(sealed(GENESIS_BLOCK, transactions=["x" * 900_000])).encode()
    verdicts: list[bool] = []

    def judge() -> None:
        for _ in range(20):
            verdicts.append(subject.judge(_core.capture(long), 1.0, "full").accepted)

    threads = [threading.Thread(target=judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        subject.put(f"copy {number}", None, number, 1.0, 1.0, 0.0)
    for thread in threads:
        thread.join()
    assert verdicts == [True] * 80
    assert len(subject) == 51


def test_the_functions_of_the_fixed_interface() -> None:
    content = block()
    assert _core.sha256_hash(b"") == bytes.fromhex(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert _core.compute_header_hash_py(content).hex() == content["block_hash"]
    assert _core.verify_subset_sum_py(content["problem"], content["solution"])
    assert not _core.verify_subset_sum_py(content["problem"], [None])
    with pytest.raises(KeyError, match="hashed field"):
        _core.compute_header_hash_py({"mining_capacity": "mobile"})
    with pytest.raises(ValueError, match="tiers"):
        _core.compute_header_hash_py(content | {"mining_capacity": "phone"})
    info = _core.build_info()
    assert info["version"] == "4.0.0"
    assert info["features"] == []


@dataclass
class Broken:
    """A block whose field cannot be read."""

    index: int = 1

    @property
    def timestamp(self) -> float:
        raise RuntimeError("no clock")


def test_what_reading_an_object_raises_goes_out_as_it_is() -> None:
    with pytest.raises(RuntimeError, match="no clock"):
        _core.capture(Broken(), total=True)


@pytest.mark.parametrize("minor", [2, 0, -1, 3, 10, 15, 255, 256, 2**40, True])
def test_a_python_whose_rules_nobody_knows_is_refused(minor: int) -> None:
    with pytest.raises(ValueError, match=rf"Python 3\.11 to 3\.14, not of 3\.{int(minor)}"):
        engine(python_minor=minor)


def test_the_pythons_whose_rules_are_known_are_taken() -> None:
    for minor in (11, 12, 13, 14, None):
        assert len(engine(python_minor=minor)) == 1


def test_complexity_is_captured_without_its_fields_being_checked() -> None:
    content = block() | {"complexity": complexity(extra="ignored")}
    assert engine().judge(_core.capture(content), 1.0, "full").accepted


def test_importing_the_module_does_not_read_the_clock_or_the_network() -> None:
    code = "import coinjecture._core, sys; print(sorted(m for m in sys.modules if m in ('socket', 'ssl')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
