"""What a person reads names what matters."""

from __future__ import annotations

from typing import Any

from report import status_lines, status_report, step_lines

STEP: dict[str, Any] = {
    "phase": 1, "node": "node2", "mode": "legacy", "target": "shadow", "action": "wait",
    "reasons": ["node1: soaked 19 of 40 s"], "ready_at": 1_700_000_020.0, "evidence": {"node1": {}},
}  # fmt: skip


def a_node(**status: Any) -> dict[str, Any]:
    """A node in shadow with this status."""
    service = {"state": "active (running)"}
    return {"mode": "shadow", "why": "", "release": "ab" * 32, "service": service, "status": status or None}


def lines(**nodes: Any) -> str:
    """The screen of a network of these nodes."""
    chain = {"chain": {"heights": {"node1": 10}, "agreed_height": 4, "agreed_hash": "f" * 64}}
    return "\n".join(status_lines(status_report(nodes, [STEP], chain, 1.0)))


def test_given_a_wait_then_its_reasons_and_time_are_told() -> None:
    assert step_lines(STEP) == [
        "phase 1 on node2 (legacy -> shadow): waits",
        "  node1: soaked 19 of 40 s",
        "  could pass: 2023-11-14 22:13:40",
    ]


def test_given_evidence_then_calls_faults_and_rejects_are_summed() -> None:
    evidence = {
        "calls": 200,
        "outcomes": {"match": 197, "divergence": 1, "rust_error": 2},
        "rejected": {"a": 3, "b": 4},
    }
    row = lines(node1=a_node(since=1_700_000_000.0, evidence=evidence)).splitlines()[1].split()
    assert row[:7] == ["node1", "shadow", "2023-11-14", "22:13:20", "200", "3", "7"]


def test_given_a_latch_a_silent_node_and_an_unknown_mode_then_each_is_shown() -> None:
    screen = lines(
        node1=a_node(latched={"why": "divergence at 7"}),
        node2=None,
        node3=a_node() | {"mode": None, "why": "no unit"},
    )
    assert "LATCHED: divergence at 7" in screen
    assert "node2     does not answer" in screen
    assert "no unit" in screen


def test_given_problems_of_the_chain_then_they_are_shown() -> None:
    report = status_report(
        {}, [], {"problems": ["node1 has 0 peers"], "chain": {"heights": {"node1": 3}}}, 1.0
    )
    assert "chain: node1 at 3; node1 has 0 peers" in status_lines(report)
    assert "next: every phase is done" in status_lines(report)


def test_given_the_report_for_programs_then_the_evidence_is_not_in_it_twice() -> None:
    assert "evidence" not in status_report({}, [STEP], {}, 1.0)["steps"][0]
