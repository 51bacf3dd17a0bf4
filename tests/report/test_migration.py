"""The page of a real migration is made of what the nodes hold; what is silent or broken is shown as such."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.journal import append
from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import OUTCOMES
from report.criteria import judge
from report.migration import assemble, main, read_decisions
from report.page import render
from report.run import MaterialError, check
from tests.gate.healthy import a_status
from tests.report.material import histogram

AT = 1_700_000_000.0


def journal(*steps: tuple[float, str, int | None, str, str]) -> str:
    """A step journal with these records: at, what, phase, from, to."""
    text = ""
    for at, what, phase, before, after in steps:
        entry = {
            "at": at, "who": "ada@laptop", "why": "phase", "what": what, "node": "node1", "phase": phase,
            "from": before, "to": after,
            "gate": {"outcome": "pass", "reasons": ["soaked"], "proven": ["700 pairs"], "override": None},
        }  # fmt: skip
        text = append(text, entry)
    return text


def evidence(**outcomes: int) -> dict[str, Any]:
    """What the evidence's reader gives."""
    counted, none = dict.fromkeys(OUTCOMES, 0), {"bounds": [1.0], "counts": [0, 0], "sum": 0.0, "count": 0}
    return {
        "schema": 1, "read_at": AT, "flushed": AT, "evidence": None, "accepted": {}, "rejected": {},
        "rejects": {}, "skipped": {}, "reject_ratio": none, "demotions": 0, "restarts": 0,
        "gaps": {"count": 0, "seconds": 0.0}, "chain": None, "latched": None,
        "totals": {
            "legacy": counted, "shadow": counted | outcomes, "rust": counted, "final": counted | {"alone": 5},
        },
        "latency": {"legacy": histogram(0, 5, 0), "rust": histogram(5, 0, 0)},
        "ratio": {"bounds": [1.0], "counts": [5, 0], "sum": 2.0, "count": 5},
    }  # fmt: skip


def node(mode: str | None = "shadow", name: str = "node1", **kept: Any) -> dict[str, Any]:
    """A node of nodes.json; in legacy it has no wrapper yet."""
    status = None if mode in (None, "legacy") else a_status(name, str(mode), AT, 40.0, 400, {"no_work": 3})
    material = {
        "evidence": evidence(match=7), "journal": None, "captures": [], "captures_total": 0,
        "legacy_present": True,
    }  # fmt: skip
    return {"state": {"mode": mode, "release": "ab", "status": status}, "material": material | kept}


def nodes(**found: Any) -> dict[str, Any]:
    return {"schema": 1, "read_at": 1000.0, "network": "inventory/testnet", "nodes": found}


def decision(**changes: Any) -> dict[str, Any]:
    """A decision as steps/ holds it."""
    return {
        "schema": 1, "phase": 1, "node": "node2", "mode": "legacy", "target": "shadow", "action": "start",
        "reasons": ["node1 soaked"], "ready_at": None, "decided": 100.0, "finished": 110.0,
        "gate": {"outcome": "pass", "reasons": ["node1 soaked"], "ready_at": None},
        "criteria": {"soaking": ["node1"], "soak_seconds": 40},
        "evidence": {"node1": a_status("node1", "shadow", AT, 40.0, 5, {"no_work": 3}), "node2": None},
    } | changes  # fmt: skip


def test_given_journals_then_they_tell_who_did_what_and_the_modes(tmp_path: Path) -> None:
    text = journal((10.0, "step started", 1, "legacy", "shadow"), (20.0, "step done", 1, "legacy", "shadow"),
                   (60.0, "rollback", None, "shadow", "legacy"))  # fmt: skip
    run = assemble(nodes(node1=node("legacy", journal=text), node2=node(name="node2")), [], tmp_path)
    check(run)
    assert run["modes"]["node1"] == [
        {"at": 10.0, "mode": "legacy"}, {"at": 20.0, "mode": "shadow"}, {"at": 60.0, "mode": "legacy"},
    ]  # fmt: skip
    assert [play["who"] for play in run["plays"]] == ["ada@laptop"] * 3
    assert run["plays"][1]["what"] == "step done on node1 (phase 1, phase): legacy -> shadow"
    assert run["journal"] == {"node1": {"records": 3, "broken": None}}
    assert [(gate["node"], gate["reasons"], gate["soaks"]) for gate in run["gates"]] == [
        ("node1", ["soaked"], [])
    ]
    assert (run["started"], run["result"]) == (10.0, "under way")
    assert run["gates"][0]["record"] == 2
    assert [(one["seq"], one["what"]) for one in run["records"]["node1"]] == [
        (1, "step started"), (2, "step done"), (3, "rollback"),
    ]  # fmt: skip


def test_given_a_cached_decision_then_its_soaks_are_told_and_the_journal_says_who(tmp_path: Path) -> None:
    text = journal((110.0, "step done", 1, "legacy", "shadow"))
    run = assemble(nodes(node1=node(), node2=node(name="node2", journal=text)), [decision()], tmp_path)
    check(run)
    (gate,) = run["gates"]
    assert (gate["who"], gate["record"]) == ("ada@laptop", 1)
    assert gate["soaks"][0] | {"outcomes": {}} == {
        "node": "node1", "mode": "shadow", "asked": True, "seconds": 40.0, "calls": 8, "accepted": 5,
        "rejects": 3, "codes": 1, "outcomes": {}, "restarts": 0,
    }  # fmt: skip


def test_given_no_journal_then_the_decisions_tell_the_modes(tmp_path: Path) -> None:
    run = assemble(
        nodes(node1=node(), node2=node(name="node2")),
        [decision(), decision(finished=None, phase=2)],
        tmp_path,
    )
    assert run["modes"]["node2"] == [{"at": 100.0, "mode": "legacy"}, {"at": 110.0, "mode": "shadow"}]


def test_counts_are_those_since_installation_over_all_nodes(tmp_path: Path) -> None:
    second = node(name="node2", evidence=evidence(match=3, divergence=1, rust_error=2))
    run = assemble(nodes(node1=node(), node2=second), [], tmp_path)
    assert run["counts"] == {"rust_calls": 23, "compared": 11, "divergences": 1, "rust_errors": 2}
    assert set(run["latency"]) == set(run["ratio"]) == {"node1", "node2"}


def test_given_a_silent_node_and_one_without_evidence_then_the_page_says_so(tmp_path: Path) -> None:
    silent = {"state": None, "material": None}
    run = assemble(nodes(node1=silent, node2=node(name="node2", evidence=None)), [], tmp_path)
    check(run)
    assert run["final"]["node1"]["mode"] is None
    assert run["counts"]["compared"] is None
    assert "node1 is in an unknown mode" in run["reason"]


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({"evidence": evidence() | {"totals": {"shadow": {"match": "7"}}}}, "cannot be believed: totals"),
        ({"evidence": evidence() | {"latency": 7}}, "cannot be believed: latency is 7"),
        ({"evidence": evidence() | {"ratio": None}}, "cannot be believed: ratio is None"),
        ({"evidence": "gone"}, "cannot be believed: it is 'gone'"),
        ({"evidence": None, "evidence_error": "no such user"}, "its evidence was not read: no such user"),
        (None, "its evidence was not read"),
    ],
)
def test_given_evidence_that_is_not_known_then_it_is_said_and_no_fault_elsewhere_proves_nothing(
    tmp_path: Path, kept: dict[str, Any] | None, said: str
) -> None:
    unknown = node(name="node2") | {"material": None} if kept is None else node(name="node2", **kept)
    run = assemble(nodes(node1=node(), node2=unknown), [], tmp_path)
    check(run)
    assert said in run["reason"].partition("; node2: ")[2]
    assert run["counts"] == {"rust_calls": 12, "compared": 7, "divergences": None, "rust_errors": None}
    verdicts = {one.name: one for one in judge(run)}
    assert verdicts["Zero divergences"].verdict == verdicts["Zero Rust errors"].verdict == "not measured"
    assert "no divergences in 7 blocks of the nodes whose evidence is known" in render(run)


def test_given_a_fault_then_evidence_that_is_not_known_hides_it_from_nobody(tmp_path: Path) -> None:
    faulty = node(evidence=evidence(match=7, divergence=1))
    run = assemble(nodes(node1=faulty, node2=node(name="node2", evidence={})), [], tmp_path)
    assert {one.name: one.verdict for one in judge(run)}["Zero divergences"] == "not met"


def test_given_a_node_that_has_no_evidence_yet_then_nothing_is_unknown(tmp_path: Path) -> None:
    fresh = node("legacy", "node2", evidence=None, evidence_error="/var/lib/x/evidence.db is not there")
    run = assemble(nodes(node1=node(), node2=fresh), [], tmp_path)
    assert run["counts"]["divergences"] == 0
    assert "evidence" not in run["reason"]


def test_given_a_broken_journal_then_the_page_says_where(tmp_path: Path) -> None:
    text = journal((10.0, "step done", 1, "legacy", "shadow"), (20.0, "rollback", None, "shadow", "legacy"))
    broken = text.replace("ada@laptop", "eve@laptop", 1)
    run = assemble(nodes(node1=node(journal=broken), node2=node(name="node2")), [], tmp_path)
    check(run)
    assert "line 1" in str(run["journal"]["node1"]["broken"])


def test_captures_are_copied_below_the_page_whatever_they_are_called(tmp_path: Path) -> None:
    captures = [
        {"name": "ab.json", "at": 5.0, "text": '{"kinds": ["verdict", "reason"]}'},
        {"name": "../../evil.json", "at": 6.0, "text": "no JSON"},
    ]
    run = assemble(nodes(node1=node(captures=captures), node2=node(name="node2")), [], tmp_path / "report")
    check(run)
    assert [(row["kind"], row["href"]) for row in run["divergences"]] == [
        ("verdict, reason", "captures/node1/ab.json"),
        ("unreadable", "captures/node1/evil.json"),
    ]
    assert (tmp_path / "report/captures/node1/evil.json").read_text() == "no JSON"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_given_both_nodes_in_final_then_the_migration_is_complete(tmp_path: Path) -> None:
    removed = node("final", "node2", legacy_present=False)
    run = assemble(nodes(node1=node("final"), node2=removed), [], tmp_path)
    assert run["result"] == "complete"
    assert run["final"]["node2"]["legacy_removed"]
    assert not run["final"]["node1"]["legacy_removed"]


def test_given_a_node_whose_mode_nobody_knows_then_the_migration_is_not_complete(tmp_path: Path) -> None:
    down = node(None, "node2", legacy_present=False)
    run = assemble(nodes(node1=node("final"), node2=down), [], tmp_path)
    assert (run["result"], run["reason"]) == (
        "under way", "node1 is in final, node2 is in an unknown mode",
    )  # fmt: skip


def test_decisions_of_another_run_are_left_out_and_others_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1-node2.json").write_text(json.dumps(decision()))
    assert len(read_decisions(tmp_path)) == 1
    assert read_decisions(tmp_path, since=101.0) == []
    (tmp_path / "1-node3.json").write_text('{"phase": 1}')
    with pytest.raises(MaterialError, match=r"1-node3\.json is no decision"):
        read_decisions(tmp_path)


def test_the_command_writes_page_and_material_or_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), str(tmp_path / "steps")]) == 2
    assert "no page can be made" in capsys.readouterr().err
    (tmp_path / "nodes.json").write_text(json.dumps(nodes(node1=node("final"), node2=node("final", "node2"))))
    assert main([str(tmp_path), str(tmp_path / "steps")]) == 0
    said = capsys.readouterr().out
    assert "met           Zero divergences: 0 divergences in 14 blocks that both engines judged" in said
    assert {"report.html", "run.json"} <= {path.name for path in tmp_path.iterdir()}


def test_what_a_gate_proved_and_who_overrode_it_is_told(tmp_path: Path) -> None:
    said = {"outcome": "fail", "reasons": ["1 divergence"], "ready_at": None, "proven": ["700 pairs"]}
    override = {"who": "ada", "why": "known", "at": 1.0, "instead_of": "fail", "set_aside": ["divergences"]}
    run = assemble(nodes(node1=node()), [decision(gate=said, gate_override=override)], tmp_path)
    check(run)
    assert run["gates"][0]["proven"] == ["700 pairs"]
    assert run["gates"][0]["override"] == "overridden by ada: known (set aside: divergences)"
    page = render(run)
    assert "overridden by ada: known" in page
    assert "700 pairs" in page
