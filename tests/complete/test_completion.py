"""The six criteria: each of them can say no, and what was not measured is no pass."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import decide
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.status_reader import reported_by
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.completion import (
    advice,
    is_completed,
    judge,
    lines,
    refused,
)
from tests.gate import healthy
from tests.gate.asked import CRITERIA, NOW, a_healthy_node, a_replay
from tests.gate.healthy import a_status
from tests.gate.machines import measured
from tests.gate.test_every_field import ANYTHING, REMOVED, changed, places

WANTED = {"max_latency_ratio": 1.0, "min_latency_pairs": 1000, "confidence": 0.95}
RELEASE = "a" * 64
COMPARED = 12_031


def baseline(live: Any, match: int = COMPARED, **outcomes: int) -> dict[str, Any]:
    """What was frozen of a last soak with both engines."""
    frozen = a_status("node2", "final", NOW, 50.0, match, {})["evidence"]["baseline"]
    frozen["calls"] += sum(outcomes.values())
    return frozen | {"outcomes": frozen["outcomes"] | outcomes, "durations": live}


def a_self_check(replayed: Any, release: str = RELEASE) -> dict[str, Any]:
    return healthy.a_self_check(NOW - 1, replayed) | {"release": release}


def ever(**counted: Any) -> dict[str, Any]:
    return {"divergence": 0, "rust_error": 0, "legacy_error": 0} | counted


def a_node(name: str = "node2", mode: str = "final", **other: Any) -> dict[str, Any]:
    """A node in final that has done everything well."""
    status = a_healthy_node(mode, name)
    view = status.pop("chain")
    if mode == "final":
        status["evidence"]["baseline"] = baseline(measured(400))
    state = {
        "mode": mode, "release": RELEASE, "why": "said by the wrapper", "status": status, "chain": view,
        "node_py": {"state": "wrapped"},
        "service": {"active": True, "restarts": 0, "state": "active (running)"},
        "journal": {"kept_evidence": None},
    }  # fmt: skip
    return state | other


def with_evidence(**other: Any) -> dict[str, Any]:
    node = a_node()
    node["status"]["evidence"] |= other
    return node


def a_restart(**other: Any) -> dict[str, Any]:
    return {"how": "invisible", "outcome": "restarted", "left": 0, "seconds": {"held": 0.7}} | other


def judged(
    node2: Any = None,
    restarts: list[Any] | None = None,
    chain: Any = None,
    obstacles: Any = (),
    undecided: Any = (),
    accept: Any = None,
    silent: bool = False,
) -> dict[str, Any]:
    """Judge a network whose second node is as given."""
    states = {"node1": a_node("node1"), "node2": None if silent else node2 or a_node()}
    told = {"node1": [a_restart()], "node2": [a_restart()] if restarts is None else restarts}
    found = judge(
        states,
        told,
        {"problems": []} if chain is None else chain,
        {"node1": [], "node2": obstacles},
        accept or {},
        WANTED,
        {"node1": [], "node2": undecided},
    )
    assert [item["name"] for item in found] == [
        "on_rust", "no_divergence", "no_rust_error", "performance", "no_downtime", "removable",
    ]  # fmt: skip
    return {item["name"]: item for item in found}


def test_given_a_unit_that_no_user_reaches_then_its_restart_was_not_seen() -> None:
    apart = a_restart(how="apart", missed=0, seconds={"held": 0.0})
    assert judged(restarts=[apart])["no_downtime"]["state"] == "met"


def test_given_a_node_without_a_log_then_it_is_said_that_its_past_was_not_compared() -> None:
    node = a_node()
    node["status"]["tree"] = healthy.a_kept_tree()
    found = judged(node)["no_divergence"]
    assert found["state"] == "met"
    assert found["evidence"][1].endswith(
        "live alone: it keeps no log of blocks, so its past ones were not compared"
    )
    assert "live alone" not in found["evidence"][0]


def states_of(found: dict[str, Any]) -> dict[str, str]:
    return {name: item["state"] for name, item in found.items()}


def test_given_a_good_network_then_all_six_are_met_and_each_has_its_evidence() -> None:
    found = judged()
    assert set(states_of(found).values()) == {"met"}
    assert refused(list(found.values())) == []
    assert "at most 0.025% at 95 %" in found["no_divergence"]["evidence"][0]
    assert "processor time of 1,000 replayed accepts, median: Rust" in found["performance"]["evidence"][1]
    assert "Not measured here" in found["no_downtime"]["evidence"][0]
    told = lines(list(found.values()))
    assert next(line for line in told if line[0].isdigit()) == "1. both nodes run on the Rust engine: met"
    assert len([line for line in told if line[0].isdigit()]) == 6


def importing(node: dict[str, Any]) -> dict[str, Any]:
    node["status"]["engines"]["legacy"]["module_imported"] = True
    return node


def status(**other: Any) -> dict[str, Any]:
    return {"node2": a_node(status=a_node()["status"] | other)}


def evidence(**other: Any) -> dict[str, Any]:
    return {"node2": with_evidence(**other)}


def service(restarts: int) -> dict[str, Any]:
    return {"node2": a_node(service={"active": True, "restarts": restarts, "state": "active (running)"})}


SAYS_NO: dict[str, tuple[str, str, dict[str, Any]]] = {
    "another mode": ("on_rust", "not met", {"node2": a_node(mode="rust")}),
    "legacy answers in final": ("on_rust", "unknown", status(answering="legacy")),
    "legacy imported": ("on_rust", "not met", {"node2": importing(a_node())}),
    "a silent wrapper": ("on_rust", "unknown", {"node2": a_node(status=None)}),
    "a silent node": ("on_rust", "unknown", {"silent": True}),
    "a divergence": ("no_divergence", "not met", evidence(ever=ever(divergence=1))),
    "divergences not counted": ("no_divergence", "unknown", evidence(ever=ever(divergence=None))),
    "no evidence": ("no_divergence", "unknown", {"node2": a_node(status=None)}),
    "a rust error": ("no_rust_error", "not met", evidence(ever=ever(rust_error=2))),
    "no baseline": ("performance", "unknown", evidence(baseline=None)),
    "a garbled baseline": ("performance", "unknown", evidence(baseline=baseline({"cpu": "no"}))),
    "a baseline of an older wrapper": (
        "performance",
        "unknown",
        evidence(baseline=baseline(None), determinism=None),
    ),
    "too few pairs": ("performance", "unknown", evidence(determinism=a_self_check(measured(999)))),
    "pairs of another release": (
        "performance",
        "unknown",
        evidence(determinism=a_self_check(measured(5000), "b" * 64)),
    ),
    "an engine that is as slow": (
        "performance",
        "unknown",
        evidence(determinism=a_self_check(measured(1000, rust=150e-6))),
    ),
    "a slow engine": (
        "performance",
        "not met",
        evidence(determinism=a_self_check(measured(1000, rust=3e-4))),
    ),
    "a slow engine, live": ("performance", "not met", evidence(baseline=baseline(measured(30, rust=3e-4)))),
    "cut connections": ("no_downtime", "not met", {"restarts": [a_restart(), a_restart(left=3)]}),
    "a plain restart": ("no_downtime", "not met", {"restarts": [a_restart(how="plain")]}),
    "users missed by another unit": (
        "no_downtime",
        "not met",
        {"restarts": [a_restart(how="apart", missed=3)]},
    ),
    "a service left down": ("no_downtime", "not met", {"restarts": [a_restart(outcome="down")]}),
    "a restart nobody knows of": ("no_downtime", "not met", {"restarts": [a_restart(outcome="unknown")]}),
    "no record of a restart": ("no_downtime", "unknown", {"restarts": []}),
    "a unit that restarts": ("no_downtime", "not met", service(restarts=1)),
    "an unwell chain": ("no_downtime", "not met", {"chain": {"problems": ["node2 is silent"]}}),
    "a chain nobody asked": ("no_downtime", "unknown", {"chain": {}}),
    "another user of the file": ("removable", "not met", {"obstacles": ["x.py, line 2, imports it"]}),
    "a module loaded by a name": (
        "removable",
        "unknown",
        {"undecided": ["x.py, line 2: import_module(name)"]},
    ),
    "nobody could look": ("removable", "unknown", {"obstacles": None}),
}


@pytest.mark.parametrize("case", SAYS_NO)
def test_given_what_is_wrong_then_its_criterion_says_so_and_completion_is_refused(case: str) -> None:
    name, state, given = SAYS_NO[case]
    found = judged(**given)
    assert found[name]["state"] == state
    assert any(reason.startswith(found[name]["title"]) for reason in refused(list(found.values())))


@pytest.mark.parametrize(
    ("release", "rust", "state"),
    [(RELEASE, 50e-6, "met"), ("b" * 64, 50e-6, "unknown"), (RELEASE, 300e-6, "not met")],
)
def test_given_few_pairs_of_the_arm_then_those_of_a_replay_with_this_release_count_too(
    release: str, rust: float, state: str
) -> None:
    few = with_evidence(determinism=a_self_check(measured(10)))
    replay = a_replay(release=release)
    replay["result"]["durations"] = {"cpu": measured(1000, rust=rust)["cpu"]}
    assert judged(node2=few | {"replay": replay})["performance"]["state"] == state


def test_given_what_the_gate_judged_then_completion_judges_it_alike() -> None:
    """One definition: the gate passes, waits or fails as the criterion is met, unknown or not met."""
    states = {"pass": "met", "wait": "unknown", "fail": "not met"}
    for pairs in (29, 999, 1000, 20_000):
        for rust in (5e-5, 1.49e-4, 1.5e-4, 1.6e-4, 3e-4):
            self_check = a_self_check(measured(pairs, rust=rust)) | {"mismatches": 0, "differences": 0}
            status = a_healthy_node()
            status["evidence"]["determinism"] |= self_check
            gate = decide({"node1": status, "node2": None}, CRITERIA | WANTED, NOW)["outcome"]
            found = judged(node2=with_evidence(determinism=self_check))["performance"]["state"]
            assert found == states[gate], (pairs, rust)


def test_given_a_completed_node_then_the_evidence_it_kept_counts() -> None:
    kept = a_node()["status"]["evidence"]
    completed = a_node(status=None, node_py={"state": "rust"}, journal={"kept_evidence": kept})
    assert is_completed(completed)
    assert set(states_of(judged(node2=completed)).values()) == {"met"}


def test_given_a_reason_then_a_criterion_can_be_accepted_and_the_reason_is_told() -> None:
    found = judged(restarts=[a_restart(left=1)], accept={"no_downtime": "announced maintenance"})
    assert found["no_downtime"]["state"] == "accepted"
    assert "accepted by the operator: announced maintenance" in found["no_downtime"]["evidence"]
    assert refused(list(found.values())) == []


@pytest.mark.parametrize("value", [None, True, -1, math.nan, math.inf, 10**400, "0", "x\x1b[2J", [], REMOVED])
@pytest.mark.parametrize("path", [("left",), ("seconds",), ("seconds", "held")])
def test_given_a_restart_that_tells_no_number_then_nothing_is_said_of_users(
    path: tuple[str, ...], value: Any
) -> None:
    found = judged(restarts=[a_restart(), changed(a_restart(), path, value)])["no_downtime"]
    told = found["evidence"][1]
    assert found["state"] == "unknown" and "a restart cannot be believed" in told and told.isprintable()


def test_given_a_restart_that_touched_nothing_then_it_made_nobody_wait() -> None:
    left_alone = a_restart(outcome="not touched", seconds={})
    assert judged(restarts=[a_restart(), left_alone])["no_downtime"]["state"] == "met"
    assert judged(restarts=[a_restart(seconds={})])["no_downtime"]["state"] == "unknown"


@pytest.mark.parametrize("record", [None, {}, "x", 7])
def test_given_no_record_of_a_restart_then_nothing_is_said_of_users(record: Any) -> None:
    assert judged(restarts=[record])["no_downtime"]["state"] == "unknown"


@pytest.mark.parametrize("reason", ["", "  "])
def test_given_no_reason_then_nothing_is_accepted(reason: str) -> None:
    assert (
        judged(restarts=[a_restart(left=1)], accept={"no_downtime": reason})["no_downtime"]["state"]
        == "not met"
    )


@pytest.mark.parametrize(
    ("name", "given"), [("on_rust", {"node2": importing(a_node())}), ("removable", {"obstacles": ["x"]})]
)
def test_given_what_would_break_the_node_then_no_reason_is_good_enough(
    name: str, given: dict[str, Any]
) -> None:
    assert judged(**given, accept={name: "please"})[name]["state"] == "not met"


def test_given_only_what_nobody_could_tell_then_the_operator_who_looked_may_accept_it() -> None:
    listed: dict[str, Any] = {"undecided": ["x.py, line 2: import_module(name)"]}
    assert "look at each" in judged(**listed)["removable"]["evidence"][1]
    assert judged(**listed, accept={"removable": "it loads json"})["removable"]["state"] == "accepted"
    worse = judged(**listed, obstacles=["y.py, line 1"], accept={"removable": "it loads json"})
    assert worse["removable"]["state"] == "not met"
    assert judged(**listed, silent=True, obstacles=None, accept={"removable": "x"})["removable"]["state"] == (
        "unknown"
    )


def test_given_a_divergence_in_the_last_comparison_then_no_reason_is_good_enough() -> None:
    counted, last = ever(divergence=1), baseline(measured(9), match=9, divergence=1)
    fresh = judged(node2=with_evidence(ever=counted, baseline=last), accept={"no_divergence": "please"})
    assert fresh["no_divergence"]["state"] == "not met"
    mended = judged(
        node2=with_evidence(ever=counted), accept={"no_divergence": "the release of May, mended in June"}
    )
    assert mended["no_divergence"]["state"] == "accepted"


def test_given_a_refusal_then_what_may_be_accepted_is_named_and_nothing_else() -> None:
    slow = list(judged(**evidence(determinism=a_self_check(measured(1000, rust=3e-4)))).values())
    assert advice(slow) == (
        'What can be taken as it is, with a reason: -e \'{"accept": {"performance": "the reason"}}\''
    )
    given = json.loads(advice(slow).partition("-e '")[2].rstrip("'"))["accept"]
    again = evidence(determinism=a_self_check(measured(1000, rust=3e-4)))
    assert refused(list(judged(**again, accept=given).values())) == []
    both = list(judged(restarts=[], obstacles=["x"]).values())
    assert '{"no_downtime": "the reason"}' in advice(both)
    assert advice(both).endswith("; not so: the legacy code can be removed")
    assert advice(list(judged(obstacles=["x"]).values())) == "None of this can be taken as it is"


OF_A_STATUS = ("on_rust", "no_divergence", "no_rust_error", "performance")


def alone(state: dict[str, Any]) -> dict[str, Any]:
    """The states of the criteria of a network with one node."""
    found = judge({"node2": state}, {"node2": [a_restart()]}, {"problems": []}, {"node2": []}, {}, WANTED)
    assert all(line.isprintable() for line in lines(found))
    return {item["name"]: item["state"] for item in found}


def test_given_any_field_of_a_healthy_status_changed_then_what_is_garbled_is_never_believed() -> None:
    node = a_node() | {"replay": a_replay()}
    assert set(alone(node).values()) == {"met"}
    whole = node["status"] | {name: node[name] for name in ("chain", "replay")}
    believed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for path in places(whole):
        for value in (None, "x", REMOVED):  # tests/gate/test_every_field.py tries the rest on the same reader
            told = changed(whole, path, value)
            state = node | {name: told.pop(name, None) for name in ("chain", "replay")} | {"status": told}
            if not reported_by("node2", state).wrong:
                believed[path] = state
    assert not {("evidence", "ever"), ("mode",), ("engines",), ("evidence", "calls")} & set(believed)
    for state in list(believed.values())[::7]:
        alone(state)


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: ascii(type(value).__name__))
@pytest.mark.parametrize("path", [("evidence", "calls"), ("evidence", "ever"), ("mode",)])
def test_given_a_status_that_is_garbled_then_each_criterion_of_it_is_unknown(
    path: tuple[str, ...], value: Any
) -> None:
    node = a_node()
    found = alone(node | {"status": changed(node["status"], path, value)})
    assert [found[name] for name in OF_A_STATUS] == ["unknown"] * 4


def test_given_any_field_of_the_kept_evidence_changed_then_there_is_a_verdict() -> None:
    kept = {name: a_node()["status"]["evidence"][name] for name in ("ever", "baseline", "determinism")}
    for path in places(kept):
        for value in (None, "x", 10**400, REMOVED):
            journal = {"kept_evidence": changed(kept, path, value)}
            found = alone(a_node(status=None, node_py={"state": "rust"}, journal=journal))
            if path[0] == "ever" and path[-1] in ("ever", "divergence"):
                assert found["no_divergence"] in ("unknown", "not met"), (path, value)
            if path in (("baseline", "durations", "cpu"), ("determinism", "durations", "cpu", "rust")):
                assert found["performance"] == "unknown", (path, value)
