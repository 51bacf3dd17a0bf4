"""What must be so on every node, whether its soak is asked about or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .criteria import Criteria
from .findings import Findings


def judge_clock(
    name: str, record: Mapping[str, Any], criteria: Criteria, now: float, findings: Findings
) -> None:
    """Evidence must be fresh, on the disk too, and no clock may have gone backwards."""
    written, started, last_call = record["now"], record["soak_started"], record["last_call"]
    age, skew = now - written, criteria.max_clock_skew_seconds
    if age > criteria.max_evidence_age_seconds:
        findings.wait("stale", name, f"the newest evidence is {age:.0f} s old")
    if age < -skew:
        findings.wait("clock", name, f"its clock is {-age:.1f} s ahead of the controller's")
    if started > written or started > now + skew:
        findings.wait("clock", name, "a clock went backwards: the soak began in the future")
    _judge_disk(name, record, criteria, findings)
    if last_call is None:
        findings.wait("idle", name, "no block has been judged in this soak")
        return
    idle = written - last_call
    if idle > criteria.max_idle_seconds:
        findings.wait("idle", name, f"no block has been judged for {idle:.0f} s")
    if idle < -skew:
        findings.wait("clock", name, "a clock went backwards: the last call lies in the future")


def _judge_disk(name: str, record: Mapping[str, Any], criteria: Criteria, findings: Findings) -> None:
    if record["flushed"] is None:
        findings.wait("not_durable", name, "its evidence has not reached the disk yet")
        return
    unwritten = record["now"] - record["flushed"]
    if unwritten > criteria.max_evidence_age_seconds:
        text = f"its evidence has not reached the disk for {unwritten:.0f} s; see its log, make room"
        findings.wait("not_durable", name, text)
    if unwritten < -criteria.max_clock_skew_seconds:
        findings.wait("clock", name, "a clock went backwards: the last write to the disk lies in the future")


def judge_faults(name: str, record: Mapping[str, Any], findings: Findings) -> None:
    """Whatever must be zero is zero, and every call has its outcome."""
    outcomes, calls = record["outcomes"], record["calls"]
    if sum(outcomes.values()) != calls:
        text = f"{calls} calls but {sum(outcomes.values())} outcomes: a call was not counted"
        findings.fail("uncounted", name, text)
    for kind, words in (
        ("divergence", "divergences"),
        ("rust_error", "Rust errors"),
        ("legacy_error", "legacy errors"),
    ):
        if outcomes[kind]:
            findings.fail(kind, name, f"{outcomes[kind]} {words} in this soak")
    if accepted := record["out_of_domain_accepted"]:
        text = f"{accepted} accepted blocks outside the parity domain; Rust cannot follow them"
        findings.fail("out_of_domain", name, text)


def judge_watchers(name: str, record: Mapping[str, Any], findings: Findings) -> None:
    """What the fork sentinel and the self-check have found."""
    sentinel, self_check = record["sentinel"], record["determinism"]
    if sentinel is not None and (fork := sentinel["latched"]):
        text = (
            f"the nodes have different blocks at height {fork['height']}; both sides are in"
            f" {fork['dump']}; understand it, then acknowledge it"
        )
        findings.fail("fork", name, text)
    elif sentinel is not None:
        for peer, said in sentinel["peers"].items():
            if said["agrees"] is False:
                text = f"{peer} has another block at height {said['height']}; its sentinel looks again"
                findings.wait("chain", name, text)
    if self_check is not None:
        if self_check["mismatches"]:
            text = f"an engine judged {self_check['mismatches']} stored blocks otherwise the second time"
            findings.fail("self_mismatch", name, text)
        if self_check["differences"]:
            text = f"the engines disagree on {self_check['differences']} stored blocks replayed"
            findings.fail("divergence", name, text)


def judge_chain(
    views: Mapping[str, Mapping[str, Any] | None], criteria: Criteria, now: float, findings: Findings
) -> None:
    """Every node that looked sees the same block at a height that stays, and at least one has looked."""
    agreed: dict[int, tuple[str, str]] = {}
    looked = 0
    for name, view in views.items():
        if view is None:
            continue
        if not -criteria.max_clock_skew_seconds <= now - view["at"] <= criteria.max_evidence_age_seconds:
            continue
        looked += 1
        for text in view["problems"]:
            if text in view["forked"]:
                findings.fail("fork", name, f"sees that {text}")
            else:
                findings.wait("chain", name, f"sees that {text}")
        if view["problems"]:
            continue
        unseen = [node for node in criteria.nodes if node not in view["heights"]]
        if "agreed_hash" not in view or unseen:
            text = f"has not compared the chain{' with ' + ', '.join(unseen) if unseen else ''}"
            findings.wait("chain", name, text)
            continue
        height, block = view["agreed_height"], view["agreed_hash"].lower()
        other, other_block = agreed.setdefault(height, (name, block))
        if block != other_block:
            text = f"{other} and {name} each say that all agree at height {height}: on"
            text = (
                f"{text} {other_block[:12]} and on {block[:12]}; ask again, and if it stays so it is a fork"
            )
            findings.fail("chain", None, text)
    if not looked:
        findings.wait("chain", None, "no node has compared the chain with the others just now")
