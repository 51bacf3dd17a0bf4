"""The gate believes only what it can read and what agrees: any field of a status, changed to anything."""

from __future__ import annotations

import copy
import fnmatch
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import decide
from tests.gate.asked import (
    CRITERIA,
    NOW,
    REJECTED,
    a_healthy_node,
    a_replay,
    decide_with,
    drop,
    put,
)
from tests.gate.healthy import a_self_check, a_sentinel, a_status
from tests.gate.machines import measured

ROOT = Path(__file__).resolve().parents[2]
DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP]
ANYTHING: list[Any] = [
    None, True, False, 0, 1, -1, 1e30, math.nan, math.inf, 10**400, -(10**5000), "",
    "\x1b[2J\u202e\udc80", [], [math.nan], {}, {"latched": ""}, DEEP,
]  # fmt: skip
REMOVED = object()
OF_FINAL = [("evidence", name) for name in ("baseline", "calls", "outcomes", "accepted", "rejected", "ratio")]
"""What the gate reads otherwise in final; the rest is as in shadow."""


def unread() -> list[str]:
    """The fields that the gate does not read, as docs/gate.md lists them."""
    found = re.search(r"```unread\n(.*?)```", (ROOT / "docs/gate.md").read_text(), re.DOTALL)
    assert found
    lines = [re.split(r"\s{2,}", line)[0] for line in found[1].splitlines()]
    return [one for line in lines for one in line.split()]


def a_full_node(mode: str) -> dict[str, Any]:
    """A healthy node that tells of everything a status can tell of."""
    node = a_healthy_node(mode)
    record = node["evidence"]
    record["determinism"] = a_self_check(NOW - 1, measured(400, spread=0.01))
    record["sentinel"] = a_sentinel(NOW - 1)
    gap = {"from": NOW - 49, "to": NOW - 48, "why": "no process ran"}
    record["gaps"] = {"count": 1, "seconds": 1.0, "recent": [gap]}
    node["replay"] = a_replay()
    return node


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field at any depth; of a list and of the buckets of a histogram the ends."""
    if path:
        yield path
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    if isinstance(value, list) or (path and path[-1] == "counts"):
        keys = sorted({*keys[:1], *keys[-1:]})
    for key in keys:
        yield from places(value[key], (*path, key))


def changed(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the status with another value at the path, or without it."""
    head, *rest = path
    copied = copy.copy(node)
    if rest:
        copied[head] = changed(node[head], tuple(rest), value)
    elif value is REMOVED:
        del copied[head]
    else:
        copied[head] = value
    return copied


def same(one: Any, other: Any) -> bool:
    """Whether a change changes nothing; a bool is no number."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def at(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


def dotted(path: tuple[Any, ...]) -> str:
    return "/".join(map(str, path))


@pytest.mark.parametrize("mode", ["shadow", "final"])
def test_given_any_field_of_a_healthy_status_changed_then_the_gate_never_passes(
    mode: str,
) -> None:
    criteria = CRITERIA | {"nodes": {"node1": mode, "node2": "legacy"}, "min_latency_pairs": 400}
    node, known = a_full_node(mode), unread()
    assert decide({"node1": node}, criteria, NOW)["outcome"] == "pass"
    passed = []
    for path in places(node):
        if mode == "final" and path[:2] not in OF_FINAL:
            continue
        for value in (*ANYTHING, REMOVED):
            if value is not REMOVED and same(at(node, path), value):
                continue
            decision = decide({"node1": changed(node, path, value)}, criteria, NOW)
            assert all(reason.isprintable() for reason in decision["reasons"])
            if decision["outcome"] == "pass" and not any(fnmatch.fnmatch(dotted(path), one) for one in known):
                passed.append((dotted(path), "removed" if value is REMOVED else repr(value)[:40]))
    assert not passed, "\n".join(map(str, passed))


def test_given_the_list_of_unread_fields_then_each_of_them_is_there() -> None:
    paths = [dotted(path) for mode in ("shadow", "final") for path in places(a_full_node(mode))]
    assert not [one for one in unread() if not fnmatch.filter(paths, one)]


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: ascii(type(value).__name__))
@pytest.mark.parametrize("criterion", [name for name in CRITERIA if name != "nodes"])
def test_given_a_criterion_that_is_anything_then_the_refusal_names_it(criterion: str, value: Any) -> None:
    decision = decide_with(criteria=CRITERIA | {criterion: value})
    if decision["outcome"] != "fail" or decision["findings"][0]["code"] != "criteria":
        assert isinstance(value, int | float | list) and not isinstance(value, bool)
    else:
        assert criterion in decision["reasons"][0]


@pytest.mark.parametrize("value", [*ANYTHING, "x", b"x"], ids=lambda value: ascii(type(value).__name__))
def test_given_anything_for_a_whole_status_then_there_is_a_decision(value: Any) -> None:
    assert decide({"node1": value, "node2": None}, CRITERIA, NOW)["outcome"] != "pass"


@pytest.mark.parametrize(
    "change",
    [
        put("evidence", "gaps", value={"count": 3, "seconds": 40.0, "recent": []}),
        put("evidence", "sentinel", value="fork!"),
        put("evidence", "sentinel", value=7),
        put("evidence", "sentinel", value={"latched": ""}),
        put("evidence", "determinism", value="fork!"),
        put("evidence", "determinism", value=7),
        put("evidence", "node", value="node2"),
        put("evidence", "schema", value=2),
        put("schema", value=2),
        put("evidence", "flushed", value=1e30),
        put("evidence", "observed_seconds", value=1e30),
        *(put("chain", "problems", value=value) for value in ("", 0, False, {}, math.nan, True)),
        drop("chain", "problems"),
        put("chain", "agreed_hash", value=math.nan),
        put("chain", "agreed_hash", value=""),
        put("chain", "forked", value=["another block"]),
        put("evidence", "calls", value=10**400),
        put("chain", "at", value=10**400),
    ],
)
def test_given_a_status_that_contradicts_itself_then_the_gate_fails(change: Any) -> None:
    decision = decide_with(change)
    assert decision["outcome"] == "fail", decision
    assert decision["findings"][0]["code"] == "garbled"


def test_given_a_field_that_no_schema_names_then_it_is_not_read() -> None:
    def change(status: dict[str, Any]) -> None:
        for part in (status, status["evidence"], status["chain"], status["engines"]["rust"]):
            part["news_of_a_newer_wrapper"] = {"bounds": ["a", 1], "counts": [None]}

    assert decide_with(change)["outcome"] == "pass"


def test_given_an_older_wrapper_then_what_it_does_not_tell_is_not_missed() -> None:
    status = a_healthy_node()
    del status["mode_file"], status["process"]["interpreter"], status["evidence"]["interpreter"]
    assert decide({"node1": status}, CRITERIA, NOW)["outcome"] == "pass"


def test_given_the_fixture_then_it_is_json_as_a_wrapper_tells_it() -> None:
    status = a_status("node1", "final", NOW, 50.0, 400, REJECTED)
    assert json.loads(json.dumps(status, allow_nan=False)) == status
