"""A gate to ask: criteria, a healthy node, and changes to what it tells."""

from __future__ import annotations

from typing import Any

from consensus_surface import REASONS

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import FAULTS
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate import decide
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.criteria import DEFAULTS
from tests.gate import healthy
from tests.gate.healthy import RELEASE, a_fork, a_sentinel, a_status, a_view
from tests.gate.machines import measured

NOW = 1_700_000_000.0

CRITERIA: dict[str, Any] = {
    "nodes": {"node1": "shadow", "node2": "legacy"},
    "soaking": ["node1"],
    "soak_seconds": 40,
    **DEFAULTS,
    "min_calls": 150,
    "min_reason_codes": 6,
    "max_evidence_age_seconds": 30,
    "max_idle_seconds": 60,
    "max_gap_seconds": 10,
    "min_latency_pairs": 1000,
    "max_replay_age_seconds": 3600,
}

REJECTED = dict.fromkeys((*REASONS[1:5], "bad_block_hash", "bad_proof"), 10)


def a_self_check(durations: Any) -> dict[str, Any]:
    """What a self-check has found with the release in force."""
    return healthy.a_self_check(NOW - 1, durations)


def a_healthy_node(
    mode: str = "shadow", name: str = "node1", accepts: int = 400, rejects: dict[str, int] | None = None
) -> dict[str, Any]:
    """What is known of a node whose newest evidence, a second old, tells of a soak of 50 s."""
    status = a_status(name, mode, NOW - 1, 50.0, accepts, REJECTED if rejects is None else rejects)
    status["evidence"]["determinism"] = a_self_check(measured(1000))
    return status | {"chain": a_view(NOW - 1)}


def decide_with(change: Any = None, criteria: dict[str, Any] | None = None, now: float = NOW) -> Any:
    """Decide on one healthy shadow node after ``change(status)`` was applied to it."""
    status = a_healthy_node()
    if change:
        change(status)
    return decide({"node1": status, "node2": None}, criteria or CRITERIA, now)


def put(*path: str, value: Any) -> Any:
    """A change that sets ``path`` in the status."""

    def change(status: dict[str, Any]) -> None:
        for key in path[:-1]:
            status = status[key]
        status[path[-1]] = value

    return change


def drop(*path: str) -> Any:
    """A change that removes ``path`` from the status."""

    def change(status: dict[str, Any]) -> None:
        for key in path[:-1]:
            status = status[key]
        del status[path[-1]]

    return change


def count_calls(status: dict[str, Any], **outcomes: int) -> None:
    """Let the soak of the status have these outcomes and no others, so that all counters agree."""
    record = status["evidence"]
    record["outcomes"] = dict.fromkeys(record["outcomes"], 0) | outcomes
    record["calls"] = sum(outcomes.values())
    well = record["outcomes"]["match"] + record["outcomes"]["alone"]
    record["accepted"] = max(well - sum(record["rejected"].values()), 0)
    for kind in FAULTS:
        record["ever"][kind] = record["outcomes"][kind]
    record["divergence_kinds"] = {"work": outcomes["divergence"]} if outcomes.get("divergence") else {}
    record["skipped"] = {"resync": outcomes["skipped"]} if outcomes.get("skipped") else {}


def latch(why: str) -> Any:
    """A change that latches the node."""

    def change(status: dict[str, Any]) -> None:
        latched = {"at": NOW, "from": "rust", "to": "shadow", "why": why, "capture": None}
        status |= {"latched": latched, "unacknowledged": [{"kind": "latch", "why": why}]}

    return change


def release(value: str | None) -> Any:
    """A change of the build that runs."""

    def change(status: dict[str, Any]) -> None:
        status["process"]["release"] = status["evidence"]["release"] = value

    return change


def begun(at: float) -> Any:
    """A change of the time at which the soak began."""

    def change(status: dict[str, Any]) -> None:
        status["evidence"] |= {"soak_started": at, "process_started": at}

    return change


def fork(status: dict[str, Any]) -> None:
    """A change that lets the sentinel latch."""
    status["evidence"]["sentinel"] = a_sentinel(NOW) | {"latched": a_fork(NOW)}
    status["unacknowledged"] = [{"kind": "fork", "why": "another block"}]


def arm_found(**found: int) -> Any:
    """A change of what the self-check has found."""

    def change(status: dict[str, Any]) -> None:
        status["evidence"]["determinism"] = a_self_check(measured(1000)) | found
        status["unacknowledged"] = [{"kind": "determinism", "why": "differences"}]

    return change


def a_replay(**changes: Any) -> dict[str, Any]:
    """The result of a replay on the node, with what runs there, 100 s ago."""
    judged = {
        "accept": 600,
        "out_of_domain": 20,
        "error": 1,
        "malformed": 90,
        "bad_tier_size": 90,
        "no_work": 9,
    }
    result = {
        "network_id": "testnet", "profile": "full", "seed": 1, "blocks": 100, "mutants": 900,
        "verdicts": {"blocks": {"accept": 100}, "mutants": judged},
        "divergences": {"count": 0, "captured": []},
    }  # fmt: skip
    facts = {"release": RELEASE, "python": "3.11.2", "libc": "glibc 2.36", "finished": NOW - 100}
    return {"schema": 1, **facts, "result": result} | changes
