"""The whole status of a healthy node, as its control socket gives it; tests change one thing in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import OUTCOMES
from ansible_collections.coinjecture.migration.plugins.plugin_utils.gate.criteria import GOOD_OUTCOME
from tests.gate.machines import measured

EDGES = [0.5, 1.0, 2.0]
RELEASE, FINGERPRINT = "a" * 64, "f" * 64
RUNS = {
    "release": RELEASE, "python": "3.11.2", "libc": "glibc 2.36", "config_fingerprint": FINGERPRINT,
    "interpreter": "usual",
}  # fmt: skip


def histogram(bounds: list[float], counts: list[int]) -> dict[str, Any]:
    """A histogram as the wrapper writes it."""
    return {"bounds": bounds, "counts": counts, "sum": float(sum(counts)), "count": sum(counts)}


def good(mode: str) -> str:
    """The outcome of a call that ended well."""
    return GOOD_OUTCOME[mode]


def counted(mode: str, calls: int) -> dict[str, Any]:
    """Calls that all ended well, each an accept that both engines judged in 100 us."""
    buckets = [0] * 12 + [calls] + [0] * 25
    return {
        "calls": calls,
        "outcomes": dict.fromkeys(OUTCOMES, 0) | {good(mode): calls},
        "latency": {"legacy": list(buckets), "rust": list(buckets)},
        "latency_sum": {"legacy": calls / 10_000, "rust": calls / 10_000},
    }


def judged_by_both(accepts: int, rejects: Mapping[str, int]) -> dict[str, Any]:
    """What is kept of calls that both engines judged alike: Rust at a third of the time."""
    return {
        "ratio": histogram(EDGES, [0, accepts, 0, 0]),
        "reject_ratio": histogram(EDGES, [0, 0, 0, 0]),
        "rejects_compared": dict(rejects),
        "durations": measured(accepts),
    }


def a_status(
    node: str, mode: str, now: float, soaked: float, accepts: int, rejects: Mapping[str, int]
) -> dict[str, Any]:
    """A status told at `now`, of a node that has soaked for so many seconds and took so many
    blocks."""
    record = an_evidence(node, mode, now, soaked, accepts, rejects)
    return {
        "schema": 1,
        "mode": mode,
        "since": now - soaked,
        "by": "operator",
        "why": "phase",
        "latched": None,
        "unacknowledged": [],
        "stopped": None,
        "answering": "legacy" if mode in ("legacy", "shadow") else "rust",
        "level": True,
        "engines": {
            "legacy": {"loaded": mode != "final", "module_imported": mode != "final", "error": None},
            "rust": {"loaded": mode != "legacy", "importable": True, "build": None, "error": None},
        },
        "prepare": None,
        "mode_file": {"problem": None, "next_start": {"mode": mode, "latched": False}},
        "tip": {"hash": "cd" * 32, "height": 13, "cumulative": 90.0},
        "process": {"pid": 7, "started": record["process_started"], **RUNS},
        "evidence": record,
    }


def an_evidence(
    node: str, mode: str, now: float, soaked: float, accepts: int, rejects: Mapping[str, int]
) -> dict[str, Any]:
    """The evidence in such a status."""
    calls, pairs = accepts + sum(rejects.values()), accepts if good(mode) == "match" else 0
    live = judged_by_both(pairs, rejects if pairs or mode in ("shadow", "rust") else {})
    started = now - soaked
    frozen = {"frozen_at": started, "mode": "rust", "soak_started": started - 60, "observed_seconds": 60.0}
    return {
        "schema": 1, "node": node, "now": now, "mode": mode, "soak_started": started, "soak_why": "mode",
        "process_started": started, "observed_seconds": soaked, "flushed": now, "last_call": now,
        **counted(mode, calls), **live, "accepted": accepts, "rejected": dict(rejects),
        "out_of_domain_accepted": 0, "skipped": {}, "divergence_kinds": {}, "restarts": 0,
        "gaps": {"count": 0, "seconds": 0.0, "recent": []},
        **RUNS, "ever": {"divergence": 0, "rust_error": 0, "legacy_error": 0},
        "baseline": {**frozen, **RUNS, **counted("rust", calls), **judged_by_both(accepts, rejects)}
        if mode == "final" else None,
        "sentinel": None, "determinism": None,
    }  # fmt: skip


def a_view(now: float, nodes: tuple[str, ...] = ("node1", "node2")) -> dict[str, Any]:
    """What a node sees of the others' chains: all is well."""
    return {
        "at": now, "problems": [], "forked": [], "agreed_hash": "ab" * 32, "agreed_height": 7,
        "heights": dict.fromkeys(nodes, 13), "peers": dict.fromkeys(nodes, 1),
    }  # fmt: skip


def a_sentinel(now: float) -> dict[str, Any]:
    """What the fork sentinel saw at its last look: the peer agrees."""
    seen = {"height": 10, "hash": "ab" * 32, "agrees": True, "error": None}
    return {"checked_at": now, "peers": {"http://node2:8080": seen}, "latched": None}


def a_fork(now: float) -> dict[str, Any]:
    """A fork that the sentinel has latched."""
    dump = "forks/ab.json"
    return {"at": now, "peer": "http://node2:8080", "height": 40, "own": "ab", "peers": "cd", "dump": dump}


def a_self_check(now: float, durations: Any) -> dict[str, Any]:
    """What the self-check has found with the release in force: nothing."""
    return {
        "release": RELEASE, "runs": 8, "blocks": 400, "mismatches": 0, "differences": 0, "examples": [],
        "at": now, "ratio": histogram(EDGES, [0, 400, 0, 0]), "durations": durations,
    }  # fmt: skip


def a_kept_tree() -> dict[str, Any]:
    """What a node whose storage keeps no log of blocks tells of its tree."""
    counted = {"nodes": 8, "rows": 7, "bytes": 900, "max_bytes": 10**6}
    return {"state": "kept", "why": None, "carried": None, "refused": None, **counted}
