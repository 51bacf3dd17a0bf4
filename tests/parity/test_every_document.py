"""Given every field of a block with every kind of value, when both engines judge it, they never differ.

The walk is systematic, so that no kind is left to chance: each field is missing, given twice, or any of the
odd values below, sealed and unsealed, as wire bytes and as the object `json.loads` makes of them.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from coinjecture import _core

from testnet.node.src import consensus

from .support import Oracle, Rust, scenarios

SCENARIO = scenarios("header")[1]
ACCEPTED: dict[str, Any] = json.loads(SCENARIO["steps"][0]["block_json"])
NESTED = "[" * 61 + "]" * 61
KINDS = {
    "null": "null",
    "true": "true",
    "false": "false",
    "zero": "0",
    "minus zero": "-0.0",
    "minus one": "-1",
    "one as a double": "1.0",
    "a fraction": "0.5",
    "nan": "NaN",
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "beyond 2^53": "9007199254740993",
    "beyond 64 bits": "18446744073709551617",
    "4300 digits": "9" * 4300,
    "minus 4300 digits": "-" + "9" * 4300,
    "an overflowing double": "1e400",
    "a subnormal double": "5e-324",
    "empty text": '""',
    "a hash": '"' + "0f" * 32 + '"',
    "a lone surrogate": r'"\ud800"',
    "64 lone surrogates": '"' + r"\udc00" * 64 + '"',
    "64 astral characters": '"' + r"\ud83d\ude00" * 64 + '"',
    "escapes": r'"\"\\\/\b\f\n\r\t\u007f\u0000"',
    "empty list": "[]",
    "a list of odd numbers": "[NaN, -0.0, true, 1, 1.0, 1e400]",
    "a list of lists": "[[1], [1]]",
    "an enormous list": "[" + ", ".join(map(str, range(5000))) + "]",
    "nested to the limit": NESTED,
    "empty object": "{}",
    "an object": r'{"b": 1, "a": {"\ud800": NaN}, "\u00e9": "", "b": 2}',
    "an object of many keys": "{" + ", ".join(f'"{n % 40}": {n}' for n in range(60)) + "}",
}
INSIDE = {
    "problem": ("numbers", "target", "size", "type"),
    "complexity": (
        *("time_solve_O", "time_verify_O", "problem_class", "problem_size", "epsilon_approximation"),
        *("asymmetry_time", "asymmetry_space", "measured_solve_time", "measured_verify_time"),
        *("measured_solve_space", "measured_verify_space", "energy_metrics", "time_solve_Theta"),
    ),
}
PLACES = [(name,) for name in (*consensus.REQUIRED_FIELDS, "offchain_cid", "unheard_of")]
PLACES += [(outer, inner) for outer, names in INSIDE.items() for inner in names]
PLACES += [("complexity", "energy_metrics", "solve_energy_joules")]


def written(value: Any, place: tuple[str, ...], change: list[str] | None) -> str:
    """JSON of a value in which the key at a place has the texts of `change` as its values, one by one."""
    if not place:
        return json.dumps(value)
    head, *tail = place
    members = {key: [json.dumps(member)] for key, member in value.items()}
    if tail:
        members[head] = [written(value[head], tuple(tail), change)]
    else:
        members[head] = change or []
    return "{" + ", ".join(f'"{key}": {text}' for key, texts in members.items() for text in texts) + "}"


def variants(place: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """The values that a field is given."""
    yield "missing", []
    for kind, text in KINDS.items():
        yield kind, [text]
    yield "twice", ["1", "[]"]
    yield "twice and right at last", [NESTED, "NaN", '"x"', "0"]


def sealed(text: str) -> str:
    """The text with the hash of its content as `block_hash` at its end, where it has one."""
    try:
        digest = consensus.calculate_block_hash(json.loads(text))
    except Exception:
        return text
    return text[:-1] + f', "block_hash": "{digest}"}}'


@pytest.mark.parametrize("form", ["bytes", "object"])
@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_a_field_of_any_kind_is_judged_alike(place: tuple[str, ...], form: str) -> None:
    oracle, rust = Oracle(SCENARIO["genesis"]), Rust(SCENARIO["genesis"])
    seen: Counter[str | None] = Counter()
    for kind, change in variants(place):
        text = written(ACCEPTED, place, change)
        for document in dict.fromkeys((text, sealed(text))):
            for profile in ("header", "full"):
                given: Any = document.encode() if form == "bytes" else json.loads(document)
                if _core.capture(given).out_of_domain is not None:
                    assert place[-1] == "problem_size", f"{place} {kind} lies inside the domain"
                    continue
                expected = oracle.step(json.loads(document), 1.0, profile)
                if not json.loads(document).get("complexity", True):
                    expected["work"] = None
                got = rust.step(given, 1.0, profile)
                assert got == expected, f"{'.'.join(place)} {kind} {profile}"
                seen[got["reason"]] += 1
    assert seen.total() > 2 * len(KINDS)


def test_the_walk_reaches_every_kind_of_verdict() -> None:
    """A walk that only ever saw `malformed` would prove little."""
    rust = Rust(SCENARIO["genesis"])
    seen = {rust.step(json.dumps(ACCEPTED), 1.0, "full")["reason"]}
    assert seen == {None}
    for place in PLACES:
        for _, change in variants(place):
            document = sealed(written(ACCEPTED, place, change)).encode()
            if _core.capture(document).out_of_domain is None:
                seen.add(rust.step(document, 1.0, "full")["reason"])
    assert len(seen) >= 10, seen


def test_one_digit_or_one_level_more_is_beyond_every_engine() -> None:
    for place in PLACES:
        with pytest.raises(ValueError, match="4300 digits"):
            _core.capture(written(ACCEPTED, place, ["9" * 4301]).encode())
        with pytest.raises(ValueError, match="limit"):
            json.loads(written(ACCEPTED, place, ["9" * 4301]))
        levels = 65 - len(place)
        too_deep = written(ACCEPTED, place, ["[" * levels + "]" * levels])
        within = written(ACCEPTED, place, ["[" * (levels - 1) + "]" * (levels - 1)])
        for given in (lambda text: text.encode(), json.loads):
            assert _core.capture(given(too_deep)).out_of_domain is not None, place
            assert _core.capture(given(within)).out_of_domain is None, place


@pytest.mark.parametrize("form", ["bytes", "object"])
def test_the_domain_is_judged_before_any_rule(form: str) -> None:
    """A block that breaks the first rule and every later one is out of the domain all the same."""
    engine = Rust("testnet").engine
    for hopeless in (
        {"index": 5, "previous_hash": "nowhere", "deep": json.loads("[" * 64 + "]" * 64)},
        {"index": 5, "previous_hash": "nowhere", "large": "x" * 2**20},
        {"complexity": {"problem_size": 5000, "time_solve_O": "O(2^n)"}},
    ):
        given: Any = json.dumps(hopeless).encode() if form == "bytes" else hopeless
        with pytest.raises(_core.OutOfDomainError):
            engine.judge(_core.capture(given), 1.0, "full")
        with pytest.raises(_core.OutOfDomainError):
            engine.take(given, 1.0, "full")
        if isinstance(given, bytes):
            (verdict,) = engine.take_many([(given, 1.0)], "full")
            assert isinstance(verdict, _core.OutOfDomainError)
        assert len(engine) == 1


def story() -> Iterator[dict[str, Any]]:
    """Second roots, replaced nodes and sums that are no finite numbers, with children on each of them."""

    def block(name: Any, parent: Any, index: Any, **work: Any) -> dict[str, Any]:
        changed = ACCEPTED | {"block_hash": name, "previous_hash": parent, "index": index}
        changed["timestamp"] = 1.7e9 + (index if isinstance(index, int) else 0)
        changed["complexity"] = ACCEPTED["complexity"] | work
        return changed

    nan = json.loads("NaN")
    yield block("root", "nowhere", 0)
    yield block("root", "nowhere", False, measured_solve_time=5)
    yield block("child", "root", 1)
    yield block("root", "child", -0.5, measured_solve_time=9)
    yield block("grandchild", "child", 2)
    yield block(1, None, 0.0)
    yield block(True, None, 0)
    yield block(None, 1.0, 1)
    yield block(nan, None, 2)
    yield block("of nan", nan, 3)
    yield block("infinite", "grandchild", 3, measured_solve_time=1e308, measured_verify_time=0)
    yield block("of infinite", "infinite", 4)
    yield block("no number", "infinite", 4, measured_solve_time=nan)
    yield block("of no number", "no number", 5)
    yield block("small", "grandchild", 3, measured_solve_time=5e-324)
    yield block("infinite", "nowhere else", -1)
    yield block("of infinite", "infinite", 0)


@pytest.mark.parametrize("form", ["bytes", "object"])
@pytest.mark.parametrize("profile", ["header", "full"])
def test_roots_replaced_nodes_and_sums_without_end_leave_the_same_tree(profile: str, form: str) -> None:
    oracle, rust = Oracle(SCENARIO["genesis"]), Rust(SCENARIO["genesis"])
    placed = 0
    for step, block in enumerate(story()):
        document = json.dumps(block)
        given: Any = document.encode() if form == "bytes" else json.loads(document)
        expected = oracle.step(json.loads(document), float(step), profile)
        assert rust.step(given, float(step), profile) == expected, f"step {step}"
        placed += expected["height"] is not None
    keys = rust.engine.keys()
    assert [json.dumps(key) for key in keys] == [json.dumps(key) for key in oracle.engine.block_tree]
    assert placed > 10 if profile == "header" else placed == 0
