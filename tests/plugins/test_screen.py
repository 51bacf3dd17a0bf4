"""What a person reads names what matters, fits the screen, and needs no colour."""

from __future__ import annotations

import os
import re
import termios
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.coinjecture.migration.plugins.filter.migration import screen_lines
from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import OUTCOMES
from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.typed_run import Run
from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning import troubles
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status import overview
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.overview import status_report
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.screen import (
    status_lines,
    step_lines,
)
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.terminal import remember_terminal
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import (
    coloured,
    duration,
    seconds,
)
from tests.gate.healthy import a_status

NOW = 1_700_000_017.0
REJECTED = {"no_work": 3, "bad_proof": 4}


def a_step(**changes: Any) -> dict[str, Any]:
    """A decision about phase 1 on node2."""
    return {
        "phase": 1, "node": "node2", "mode": "legacy", "target": "shadow", "action": "wait",
        "reasons": ["node1: soaked 17 of 40 s"], "ready_at": NOW + 23, "evidence": {"node1": {}},
        "criteria": {"soaking": ["node1"], "soak_seconds": 40},
    } | changes  # fmt: skip


STEPS = [
    a_step(node="node1", action="nothing", reasons=["done"]),
    a_step(),
    a_step(phase=2, node="node1", mode="shadow", target="rust"),
    a_step(phase=2, target="rust"),
]


def a_node(
    mode: str | None = "shadow", name: str = "node1", evidence: Any = None, **told: Any
) -> dict[str, Any]:
    """A node in a mode, with a whole status of which this is changed; in legacy it has no wrapper yet."""
    status = None if mode in (None, "legacy") else a_status(name, str(mode), NOW, 17.0, 190, REJECTED) | told
    if status:
        status["evidence"] |= evidence or {}
    service = {"state": "active (running)"}
    return {"mode": mode, "why": "", "release": "ab" * 32, "service": service, "status": status}


def evidence(many: int = 1, **changes: Any) -> dict[str, Any]:
    """What the evidence of a soak that began 17 s ago has of faults, each so many times as often."""
    counts = [0] * 12 + [98, 0, 0, 0, 0, 0, 1, 1] + [0] * 18
    faults = {"divergence": many, "rust_error": 2 * many, "legacy_error": 0}
    return {
        "calls": 197 + 8 * many, "ever": faults, "divergence_kinds": {"verdict": many},
        "skipped": {"resync": 5 * many},
        "outcomes": dict.fromkeys(OUTCOMES, 0) | {"match": 197, "skipped": 5 * many} | faults,
        "latency": {"legacy": [0] * 38, "rust": counts},
    } | changes  # fmt: skip


def latched(why: str) -> dict[str, Any]:
    """What a status tells of a latch."""
    latch = {"at": NOW, "from": "rust", "to": "shadow", "why": why, "capture": None}
    return {"latched": latch, "unacknowledged": [{"kind": "latch", "why": why}]}


def report(steps: Any = None, chain: Any = None, journal: Any = None, **nodes: Any) -> dict[str, Any]:
    """The status of a network of these nodes; the default ones wait for node1's first soak."""
    seen = {"heights": {"node1": 10, "node2": 9}, "newest": {"node1": NOW - 3, "node2": None}}
    good = {"chain": seen | {"agreed_height": 4, "agreed_hash": "f" * 64}}
    nodes = nodes or {
        "node1": a_node(evidence=evidence()),
        "node2": a_node("legacy"),
    }
    return status_report(nodes, STEPS if steps is None else steps, chain or good, NOW, journal)


def screen(**arguments: Any) -> str:
    """The screen as one text."""
    return "\n".join(status_lines(report(**arguments)))


def test_given_a_wait_then_its_reasons_and_time_are_told() -> None:
    assert step_lines(a_step(ready_at=1_700_000_020.0)) == [
        "phase 1 on node2 (legacy -> shadow): waits",
        "  node1: soaked 17 of 40 s",
        "  could pass: 2023-11-14 22:13:40 UTC",
        "  to stay until then: ansible-playbook playbooks/phase1.yml -l node2 -e wait=true",
    ]
    assert "  could pass: nobody can tell when" in step_lines(a_step(ready_at=None))


def test_given_a_soak_then_its_bar_its_time_left_and_its_numbers_are_in_the_lines_of_the_node() -> None:
    modes, counts = (line for line in screen().splitlines() if line.startswith("node1"))
    assert modes.split() == [
        *["node1", "shadow", "legacy", "17s"],
        *["██░░░░", "42%", "23s", "11-14", "22:14:00", "13", "3s", "ago"],
    ]
    assert counts.split() == ["node1", "198", "1", "2", "0", "5", "7", "-", "83us/1.0ms"]


def test_given_a_soak_that_was_not_observed_all_the_time_then_the_bar_counts_what_the_gate_counts() -> None:
    observed = evidence(now=NOW - 1, observed_seconds=7.0)
    modes = screen(node1=a_node(evidence=observed), node2=a_node("legacy")).splitlines()
    (line,) = (line for line in modes if line.startswith("node1") and "█" in line)
    assert line.split()[-7:-3] == ["20%", "32s", "11-14", "22:14:09"]


def test_given_a_node_that_tells_nothing_then_dashes_stand_where_numbers_would() -> None:
    rows = [line.split() for line in screen().splitlines() if line.startswith("node2")]
    assert rows[0] == ["node2", "legacy", "legacy", "-", "-", "-", "-", "9", "-"]
    assert set(rows[1][1:]) == {"-"}


def test_given_a_wait_then_the_command_and_the_time_it_could_start_are_shown() -> None:
    shown = screen()
    assert "WAITING  phase 1 on node2 waits, could start in 23s" in shown
    assert "NEXT      in 23s, at 2023-11-14 22:14:00 UTC" in shown
    assert "ansible-playbook playbooks/phase1.yml -l node2" in shown
    assert "phase 1  shadow  ✔ node1   ◷ node2" in shown


def test_given_another_inventory_then_every_command_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "command", Run(options=("-i", "inventory/testnet")).command)
    shown = screen(steps=[a_step(action="fail", reasons=["1 divergence"])])
    assert "ansible-playbook -i inventory/testnet playbooks/phase1.yml" in shown
    assert "ansible-playbook -i inventory/testnet playbooks/rollback.yml -l node1" in shown


def test_given_a_pass_then_the_step_may_start_now() -> None:
    shown = screen(steps=[STEPS[0], a_step(action="start", ready_at=None)])
    assert "READY  phase 1 on node2 may start now" in shown
    assert "▶ node2" in shown


def test_given_a_refusal_then_its_reasons_and_the_way_back_are_shown() -> None:
    shown = screen(steps=[STEPS[0], a_step(action="fail", ready_at=None, reasons=["node1: 1 divergences"])])
    assert "REFUSED  phase 1 on node2 is refused" in shown
    assert "node1: 1 divergences" in shown
    assert "or one step back: ansible-playbook playbooks/rollback.yml -l node1" in shown


def test_given_a_silent_node_then_it_is_shown_and_no_step_is_offered() -> None:
    shown = screen(node1=a_node(), node2=None)
    assert "node2 does not answer" in shown
    assert "SILENT" in shown
    assert "playbooks/phase" not in shown


@pytest.mark.parametrize(
    ("imported", "word", "command"),
    [("wrapped", "FINAL  every step is done", True), ("rust", "DONE  every node is on Rust alone", False)],
)
def test_given_every_step_done_then_only_the_removal_of_the_legacy_engine_is_left(
    imported: str, word: str, command: bool
) -> None:
    nodes = {name: a_node("final", name) | {"node_py": {"state": imported}} for name in ("node1", "node2")}
    steps = [a_step(phase=3, node=name, target="final", action="nothing") for name in nodes]
    shown = screen(steps=steps, **nodes)
    assert word in shown
    assert ("ansible-playbook playbooks/complete.yml" in shown) is command


def test_given_a_latch_an_unknown_mode_and_a_dead_service_then_each_is_shown() -> None:
    shown = screen(
        node1=a_node(**latched("divergence at 7"), stopped={"at": NOW, "why": "an engine broke"}),
        node2=a_node(None) | {"why": "no unit", "service": {"state": "failed (failed)"}},
    )
    assert "node1 LATCHED: divergence at 7" in shown
    assert "node1 STOPPED, takes no block: an engine broke" in shown
    assert "then: ansible-playbook playbooks/ack.yml -l node1 -e 'why=" in " ".join(shown.split())
    assert "node2: no unit" in shown
    assert "node2: its service is failed (failed)" in shown


def test_given_a_unit_that_takes_from_the_wrapper_then_the_file_and_the_command_are_shown() -> None:
    found = {"what": "PYTHONPATH", "why": "no PYTHONPATH (over.conf)", "file": "over.conf", "next": "mend it"}
    unit = {"lacks": [found], "obstacles": []}
    shown = screen(
        node1=a_node("shadow") | {"unit": unit}, node2=a_node("legacy") | {"node_py": {"state": "legacy"}}
    )
    assert "node1: no PYTHONPATH (over.conf); mend it" in " ".join(shown.split())
    before = a_node("legacy") | {"node_py": {"state": "legacy"}}
    foreseen = screen(
        steps=[a_step(node="node1", action="fail")],
        node1=before | {"unit": {"lacks": [], "obstacles": [found]}},
        node2=before,
    )
    assert "node1: no PYTHONPATH (over.conf); mend it" in " ".join(foreseen.split())


def test_given_problems_of_the_chain_then_they_are_shown() -> None:
    chain = {"problems": ["node1 has 0 peers"], "chain": {"heights": {"node1": 3}}}
    assert "CHAIN     node1 at 3; node1 has 0 peers" in screen(chain=chain)


def standing(**seconds: float) -> str:
    """The screen of a chain whose nodes took their newest blocks so many seconds ago."""
    newest = {name: NOW - ago for name, ago in seconds.items()}
    chain = {
        "heights": dict.fromkeys(seconds, 3),
        "newest": newest,
        "agreed_height": 1,
        "agreed_hash": "f" * 64,
    }
    nodes = {"node1": a_node(evidence=evidence()), "node2": a_node("legacy")}
    start = [STEPS[0], a_step(action="start", ready_at=None)]
    lines = status_lines(status_report(nodes, start, {"chain": chain}, NOW, max_idle=900))
    return " ".join("\n".join(lines).split())


def test_given_a_chain_that_stands_still_then_it_is_said_and_no_command_is_offered() -> None:
    shown = standing(node1=1200, node2=1201)
    assert "STILL the chain stands still, so no step may start" in shown
    assert "node1 stands still: it has taken no block for 1200 s" in shown
    assert "playbooks/phase" not in shown and "playbooks/complete" not in shown


def test_given_one_node_that_stands_still_then_it_is_said_beside_the_next_step() -> None:
    shown = standing(node1=3, node2=1201)
    assert "node2 stands still: it has taken no block for 1201 s" in shown
    assert "READY" in shown


def test_given_a_chain_that_moves_then_nothing_of_that_is_said() -> None:
    assert "still" not in standing(node1=3, node2=899)


def test_given_troubles_of_a_node_then_each_is_on_the_screen_with_its_command() -> None:
    empty = a_node() | {"mode_file_error": "mode.json: it is no JSON", "status": None}
    shown = " ".join(screen(node1=empty, node2=a_node("legacy")).split())
    assert "node1: its mode file cannot be read (mode.json: it is no JSON)" in shown
    assert "ansible-playbook playbooks/repair.yml -l node1" in shown


def test_given_a_command_longer_than_the_screen_then_it_is_one_line_that_can_be_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(options=("-i", f"/srv/{'long/' * 30}hosts.yml"), extra={"phases": [{"phase": 1}] * 9})
    monkeypatch.setattr(troubles, "command", run.command)
    empty = a_node() | {"mode_file_error": "mode.json: it is no JSON"}
    asked = run.command("ack", "node1", why="the mode file was damaged")
    lock = f"Wait for it; or break its lock: {run.command('unlock', '', why='the reason')}"
    lines = [
        line.strip() for line in status_lines(report(node1=empty, node2=a_node("legacy")) | {"lock": [lock]})
    ]
    assert asked in lines
    assert lock.partition(": ")[2] in lines


def test_given_verified_journals_then_the_broken_one_comes_first() -> None:
    whole, broken = "journal of node1: 12 records, whole", "the step journal of node2 is broken: at 7"
    assert f"JOURNAL   {whole}" in screen(journal={"lines": [whole], "broken": []})
    shown = screen(journal={"lines": [whole, broken], "broken": [broken]})
    assert f"JOURNAL   {broken}\n          {whole}" in shown


def test_given_a_lock_then_the_screen_says_who_holds_it() -> None:
    held = report() | {"lock": ["node1: held by ada since 10:00"]}
    assert "LOCK      node1: held by ada since 10:00" in status_lines(held)


@pytest.mark.parametrize("paint", [None, coloured])
def test_whatever_is_shown_fits_eighty_columns_and_says_the_same_without_colour(paint: Any) -> None:
    crowded = report(
        node1=a_node(
            since=NOW - 200 * 86400, tip={"hash": "", "height": 123456789, "cumulative": 1.0},
            **latched("d" * 300),
            evidence=evidence(10**7, calls=10**9, rejected=dict.fromkeys(REJECTED, 10**7)),
        ),
        node2=a_node("legacy"),
        steps=[a_step(action="fail", ready_at=None, reasons=["x" * 250])],
        chain={"problems": ["p" * 300], "chain": {}},
    )  # fmt: skip
    drawn = status_lines(crowded, paint) if paint else status_lines(crowded)
    bare = [re.sub(r"\033\[[0-9;]*m", "", line) for line in drawn]
    assert max(map(len, bare)) <= 80
    assert bare == status_lines(crowded)
    assert (drawn != bare) == (paint is coloured)


def test_given_a_low_terminal_then_the_first_line_the_table_and_the_next_command_stay() -> None:
    many = [f"node1: reason {number} " + "that is long " * 8 for number in range(9)]
    whole = status_lines(report(steps=[STEPS[0], a_step(reasons=many)]))
    low = status_lines(report(steps=[STEPS[0], a_step(reasons=many)]), height=18)
    assert len(low) == 18 < len(whole)
    assert low[0].startswith("WAITING") and low[2].startswith("node1") and low[3].startswith("node2")
    assert "playbooks/phase1.yml -l node2" in low[5]
    missing = len([line for line in whole if line]) - 17
    assert low[-1] == f"... {missing} more lines: make the window higher, or add: | less"


def test_given_a_terminal_then_the_play_leaves_room_for_what_stands_around_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (14, 80))
    with os.fdopen(terminal, "w") as screen_of_80_by_14, os.fdopen(reader):
        monkeypatch.setattr("sys.stdout", screen_of_80_by_14)
        remember_terminal(Display())
        monkeypatch.undo()
    assert len(screen_lines(report())) == 10
    remember_terminal(Display())  # pytest's own output, which is none
    assert len(screen_lines(report())) > 10


def test_given_room_for_all_but_the_empty_lines_then_only_those_go() -> None:
    whole = status_lines(report())
    assert status_lines(report(), height=len(whole)) == whole
    dense = status_lines(report(), height=len(whole) - 1)
    assert dense == [line for line in whole if line]


def test_given_two_nodes_in_their_soak_then_the_screen_fits_twenty_lines() -> None:
    journal = {
        "lines": [f"journal of {name}: 12 records, whole" for name in ("node1", "node2")],
        "broken": [],
    }
    shown = report(journal=journal) | {"lock": ["nobody holds the lock"]}
    assert len(status_lines(shown)) <= 20


@pytest.mark.parametrize("width", [60, 72])
def test_given_a_narrow_terminal_then_columns_give_way_and_no_word_is_broken(width: int) -> None:
    words = "node2 waits for a reason that is told in many words, each of them whole " * 3
    lines = status_lines(report(steps=[STEPS[0], a_step(reasons=[words])]), width=width)
    assert max(map(len, lines)) <= width
    assert " ".join(words.split()) in " ".join(" ".join(lines).split())
    assert "FOR" not in lines[1] and "ENDS (UTC)" in lines[1] and "BLOCK" in lines[1]


def test_given_nodes_with_long_names_then_they_are_whole_and_other_columns_give_way() -> None:
    names = ("validator-amsterdam", "validator-frankfurt")
    nodes = {name: a_node(name=name) for name in names}
    shown = status_lines(report(steps=[a_step(node=name, action="start") for name in names], **nodes))
    assert max(map(len, shown)) <= 80
    assert sum(line.startswith(name) for name in names for line in shown) == 4


def test_given_a_later_moment_then_ages_and_the_soak_go_on() -> None:
    later = "\n".join(status_lines(report(), now=NOW + 30))
    assert " over " in later
    assert "47s" in later


def test_given_the_report_for_programs_then_the_evidence_is_not_in_it_twice() -> None:
    assert "evidence" not in report()["steps"][0]


@pytest.mark.parametrize(
    ("value", "words"),
    [(3.2e-6, "3.2us"), (4.6e-5, "46us"), (0.0015, "1.5ms"), (0.9999, "1.0s"), (None, ">1s")],
)
def test_short_durations_have_a_unit_that_fits(value: float | None, words: str) -> None:
    assert seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(-3, "0s"), (59.9, "59s"), (200, "3m 20s"), (7300, "2h 1m"), (7 * 86400, "7d 0h")]
)
def test_long_durations_have_their_two_largest_units(value: float, words: str) -> None:
    assert duration(value) == words


def by_journal(told: str | None) -> str:
    """The screen of two nodes in final, of which the journal of the second tells of another mode."""
    nodes = {
        name: a_node("final", name) | {"node_py": {"state": "wrapped"}, "journal": {"mode": mode}}
        for name, mode in (("node1", "final"), ("node2", told))
    }
    return screen(
        steps=[a_step(phase=3, node=name, target="final", action="nothing") for name in nodes], **nodes
    )


@pytest.mark.parametrize(("told", "words"), [("rust", "rust"), (None, "no step")])
def test_given_a_mode_that_the_journal_does_not_tell_of_then_it_is_doubted_and_no_completion_is_offered(
    told: str | None, words: str
) -> None:
    shown = by_journal(told)
    assert "phase 3  final   ✔ node1   ? node2" in shown
    assert "UNRECORDED" in shown and "playbooks/complete" not in shown
    said = f"node2 is in final, and its step journal tells of {words}: no step brought it there"
    assert said in " ".join(shown.split())
    assert "ansible-playbook playbooks/journal.yml" in shown


def test_given_journals_that_tell_of_every_mode_then_the_completion_is_offered() -> None:
    shown = by_journal("final")
    assert "✔ node1   ✔ node2" in shown and "?" not in shown
    assert "ansible-playbook playbooks/complete.yml" in shown


def test_given_a_node_whose_status_is_garbled_then_no_step_is_offered_and_a_way_back_is() -> None:
    shown = screen(node1=a_node(evidence=evidence(calls="many")), node2=a_node("legacy"))
    assert "GARBLED  what a node tells cannot be believed, so no step may start" in shown
    assert "node1 unknown -       -       -" in shown
    assert (
        "node1: what it tells cannot be believed: evidence.calls is 'many', not a whole number"
        in " ".join(shown.split())
    )
    assert "phase 1  shadow  · node1   · node2" in shown
    assert "playbooks/phase" not in shown
    assert "or one step back: ansible-playbook playbooks/rollback.yml -l node1" in shown


def test_given_a_garbled_node_that_is_latched_too_then_both_are_said_and_how_to_acknowledge() -> None:
    garbled = a_node(evidence=evidence(calls="many"), **latched("divergence"))
    shown = screen(node1=garbled, node2=a_node("legacy"))
    assert (
        "node1: what it tells cannot be believed: evidence.calls is 'many', not a whole number"
        in " ".join(shown.split())
    )
    assert "node1 LATCHED: it says so among what cannot be believed: " in shown
    assert "ansible-playbook playbooks/ack.yml -l node1" in shown


def test_given_a_garbled_replay_on_an_untouched_node_then_its_mode_is_known_and_no_way_back_is_offered() -> (
    None
):
    shown = screen(node1=a_node("legacy") | {"replay": "it is no JSON"}, node2=a_node("legacy", "node2"))
    assert "node1 legacy" in shown and "GARBLED" in shown
    assert "node1: what it tells cannot be believed: replay: is 'it is no JSON', not an object" in " ".join(
        shown.split()
    )
    assert "rollback" not in shown


def test_given_a_step_that_was_interrupted_then_it_is_not_ticked_and_its_command_is_the_next() -> None:
    open_ = a_step(node="node1", action="finish", reasons=["it was interrupted"], ready_at=None)
    shown = screen(steps=[open_, a_step(action="fail", reasons=["node1 first"])])
    assert "INTERRUPTED  phase 1 on node1 is to be finished" in shown
    assert "phase 1  shadow  ▷ node1   · node2" in shown
    assert "ansible-playbook playbooks/phase1.yml -l node1" in shown
