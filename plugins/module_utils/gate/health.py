"""What must be so on every node, whether its soak is asked about or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .criteria import Criteria
from .findings import Findings
from .reading import Garbled, count, finite, number, part

OUTCOMES = ("match", "divergence", "rust_error", "legacy_error", "skipped", "alone")
"""Every call a node judges ends in exactly one of these."""


def judge_clock(name: str, record: Mapping[str, Any], wanted: Criteria, now: float, found: Findings) -> None:
    """Evidence must be fresh, on the disk too, and no clock may have gone backwards."""
    written, started = number(record, "now"), number(record, "soak_started")
    age, skew = now - written, wanted.max_clock_skew_seconds
    if age > wanted.max_evidence_age_seconds:
        found.wait("stale", name, f"the newest evidence is {age:.0f} s old")
    if age < -skew:
        found.wait("clock", name, f"its clock is {-age:.1f} s ahead of the controller's")
    if started > written or started > now + skew:
        found.wait("clock", name, "a clock went backwards: the soak began in the future")
    _judge_disk(name, record, written, wanted, found)
    if record.get("last_call") is None:
        found.wait("idle", name, "no block has been judged in this soak")
        return
    idle = written - number(record, "last_call")
    if idle > wanted.max_idle_seconds:
        found.wait("idle", name, f"no block has been judged for {idle:.0f} s")
    if idle < -skew:
        found.wait("clock", name, "a clock went backwards: the last call lies in the future")


def _judge_disk(
    name: str, record: Mapping[str, Any], written: float, wanted: Criteria, found: Findings
) -> None:
    if record.get("flushed") is None:
        found.wait("not_durable", name, "its evidence has not reached the disk yet")
        return
    unwritten = written - number(record, "flushed")
    if unwritten > wanted.max_evidence_age_seconds:
        text = f"its evidence has not reached the disk for {unwritten:.0f} s; see its log, make room"
        found.wait("not_durable", name, text)


def judge_faults(name: str, record: Mapping[str, Any], found: Findings) -> None:
    """Whatever must be zero is zero, and the counters agree with each other."""
    outcomes = part(record, "outcomes")
    counts = {kind: count(outcomes, kind, "outcomes.") for kind in OUTCOMES}
    if strangers := sorted(set(outcomes) - set(OUTCOMES)):
        raise Garbled(f"unknown outcomes {', '.join(map(str, strangers))}")
    calls = count(record, "calls")
    if sum(counts.values()) != calls:
        text = f"{calls} calls but {sum(counts.values())} outcomes: a call was not counted"
        found.fail("uncounted", name, text)
    for kind, words in (
        ("divergence", "divergences"),
        ("rust_error", "Rust errors"),
        ("legacy_error", "legacy errors"),
    ):
        if counts[kind]:
            found.fail(kind, name, f"{counts[kind]} {words} in this soak")
    if accepted := count(record, "out_of_domain_accepted"):
        text = f"{accepted} accepted blocks outside the parity domain; Rust cannot follow them"
        found.fail("out_of_domain", name, text)


def judge_watchers(name: str, record: Mapping[str, Any], found: Findings) -> None:
    """What the fork sentinel and the determinism arm have found."""
    sentinel = record.get("sentinel")
    if isinstance(sentinel, Mapping) and (fork := sentinel.get("latched")):
        where = fork if isinstance(fork, Mapping) else {}
        text = (
            f"the nodes have different blocks at height {where.get('height')}; both sides are in"
            f" {where.get('dump')}; understand it, then acknowledge it"
        )
        found.fail("fork", name, text)
    arm = record.get("determinism")
    if isinstance(arm, Mapping):
        if mismatches := count(arm, "mismatches", "determinism."):
            text = f"an engine judged {mismatches} stored blocks otherwise the second time"
            found.fail("self_mismatch", name, text)
        if differences := count(arm, "differences", "determinism."):
            found.fail("divergence", name, f"the engines disagree on {differences} stored blocks replayed")


def judge_chain(views: Mapping[str, Any], wanted: Criteria, now: float, found: Findings) -> None:
    """Every node that looked sees the same block at a height that stays, and at least one has looked."""
    looked = 0
    for name, view in views.items():
        if not isinstance(view, Mapping) or not finite(view.get("at")):
            continue
        if not -wanted.max_clock_skew_seconds <= now - float(view["at"]) <= wanted.max_evidence_age_seconds:
            continue
        looked += 1
        forked = view.get("forked") or []
        for text in view.get("problems") or []:
            if text in forked:
                found.fail("fork", name, f"sees that {text}")
            else:
                found.wait("chain", name, f"sees that {text}")
        if not view.get("problems") and view.get("agreed_hash") is None:
            found.wait("chain", name, "has not compared the chain")
    if not looked:
        found.wait("chain", None, "no node has compared the chain with the others just now")
