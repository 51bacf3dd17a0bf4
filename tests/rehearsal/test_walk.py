"""A step counts only as what the play just run has decided, and a spoilt soak is not waited out."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import FAULTS, OUTCOMES
from testnet.lab import caches
from testnet.lab.plan import NODES
from testnet.rehearsal import operator, walk
from testnet.rehearsal.droplet import OWN_FILES, Remote
from testnet.rehearsal.operator import Operator, PlaybookRun


def record(**outcomes: int) -> dict[str, Any]:
    counts = dict.fromkeys(OUTCOMES, 0)
    return {
        "now": 160.0,
        "soak_started": 100.0,
        "calls": sum(outcomes.values()),
        "outcomes": counts | outcomes,
        "accepted": 3,
        "rejected": {"no_work": 4},
    }


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the plays keep the decisions of the local network, once it has an identity."""
    monkeypatch.setattr(operator, "ROOT", tmp_path)
    other, folder = (
        tmp_path / "build/networks" / f"{base}-0123456789abcdef" / "steps"
        for base in ("203.0.113.11-22", caches.BASE)
    )
    for place in (other, folder):
        place.mkdir(parents=True)
    (other / "1-node1.json").write_text(json.dumps({"decided": 200.0, "action": "fail"}))
    return folder


def test_given_no_decision_then_there_is_none(steps: Path) -> None:
    assert operator.step_decision(1, "node1", since=100.0) is None


def test_a_decision_of_an_earlier_play_does_not_count(steps: Path) -> None:
    (steps / "1-node1.json").write_text(json.dumps({"decided": 99.0, "action": "start"}))
    assert operator.step_decision(1, "node1", since=100.0) is None


def test_the_decision_of_this_play_counts(steps: Path) -> None:
    (steps / "1-node1.json").write_text(json.dumps({"decided": 100.5, "action": "wait"}))
    decision = operator.step_decision(1, "node1", since=100.0)
    assert decision is not None
    assert decision["action"] == "wait"


def test_a_soaks_figures_are_what_its_node_counted() -> None:
    assert walk.soak_figures(record(match=6, divergence=1, skipped=2)) == {
        "soak_s": 60.0,
        "calls": 9,
        "compared": 7,
        "accepted": 3,
        "rejected": {"no_work": 4},
    }


@pytest.mark.parametrize("kind", FAULTS)
def test_a_soak_with_a_divergence_or_an_error_is_spoilt(kind: str) -> None:
    assert walk.count_bad(record(match=9, **{kind: 1})) == 1


def test_skipped_and_matching_calls_spoil_nothing() -> None:
    assert walk.count_bad(record(match=9, skipped=1)) == 0


class Typist(Operator):
    """Types nothing; says of each playbook what it was told to say, and remembers what was typed."""

    def __init__(self, logs: Path, fails: str = "") -> None:
        super().__init__(logs)
        self.typed: list[str] = []
        self._fails = fails

    def play(self, playbook: str, *arguments: str) -> PlaybookRun:
        typed = " ".join([playbook, *arguments])
        self.typed.append(typed)
        status = 2 if self._fails and typed.startswith(self._fails) else 0
        return PlaybookRun(typed, status, 1.0, 2.5, Path("log"), "said no")


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every gate passes."""
    evidence = {node.name: {"evidence": record(match=1)} for node in NODES}
    decision = {"action": "start", "gate": {"outcome": "pass"}, "evidence": evidence, "criteria": {}}
    monkeypatch.setattr(walk, "step_decision", lambda *_, **__: decision)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each look at a node's own files finds, the first first; the last for ever after."""
    looks: list[dict[str, Any]] = [{"/src/consensus_wrapper.py": ["0o100644", 0, 0, "theirs"]}]
    monkeypatch.setattr(Remote, "own_files", lambda _: looks.pop(0) if len(looks) > 1 else looks[0])
    return looks


@pytest.mark.parametrize(
    ("phase", "back", "to"),
    [
        (1, "rollback -l node1 -e to=removed", "removed"),
        (2, "rollback -l node1", "shadow"),
        (3, "rollback -l node1", "rust"),
    ],
)
def test_there_and_back_undoes_each_step_and_takes_it_again(
    tmp_path: Path, decided: None, files: list[dict[str, Any]], phase: int, back: str, to: str
) -> None:
    typist = Typist(tmp_path)
    taken = walk.Walk(typist, [Remote(node) for node in NODES], there_and_back=True)
    taken.take(walk.Step(phase, Remote(NODES[0])))
    assert typist.typed == [f"phase{phase} -l node1", back, f"phase{phase} -l node1"]
    assert taken.rows[0]["rolled_back"] == {"to": to, "took_s": 1.5}
    assert len(taken.plays) == 3, "a restart in a rollback is the operator's too"


def test_a_step_that_cannot_be_undone_halts_the_rehearsal(
    tmp_path: Path, decided: None, files: list[dict[str, Any]]
) -> None:
    taken = walk.Walk(Typist(tmp_path, "rollback"), [Remote(node) for node in NODES], there_and_back=True)
    with pytest.raises(walk.HaltedError, match="phase 2 on node1 was not rolled back: said no"):
        taken.take(walk.Step(2, Remote(NODES[0])))


@pytest.mark.parametrize(
    "after",
    [
        {},
        {"/src/consensus_wrapper.py": ["0o100644", 0, 0, "ours"]},
        {"/src/consensus_wrapper.py": ["0o100600", 0, 0, "theirs"]},
    ],
)
def test_a_node_that_is_not_put_back_as_it_was_halts_the_rehearsal(
    tmp_path: Path, decided: None, files: list[dict[str, Any]], after: dict[str, Any]
) -> None:
    files.append(after)
    taken = walk.Walk(Typist(tmp_path), [Remote(node) for node in NODES], there_and_back=True)
    with pytest.raises(walk.HaltedError, match=r"node1 is not as it was .*: /src/consensus_wrapper.py"):
        taken.take(walk.Step(1, Remote(NODES[0])))


def test_what_is_left_of_ours_is_named_too() -> None:
    assert walk.differing({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ["b", "c"]


def test_the_files_of_a_node_are_told_with_rights_and_content_and_without_what_python_compiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "home/src"
    (source / "__pycache__").mkdir(parents=True)
    (source / "__pycache__/x.pyc").touch()
    (source.parent / "service.py").write_text("1")
    (tmp_path / "unit.d").mkdir()
    (tmp_path / "unit.d/own.conf").touch()
    exec(OWN_FILES.format(source=str(source), drop_ins=str(tmp_path / "unit.d")), {})
    told = json.loads(capsys.readouterr().out)
    assert sorted(told) == [str(source.parent / "service.py"), str(source), str(tmp_path / "unit.d/own.conf")]
    (source.parent / "service.py").chmod(0o600)
    exec(OWN_FILES.format(source=str(source), drop_ins=str(tmp_path / "none.d")), {})
    again = json.loads(capsys.readouterr().out)
    assert walk.differing(told, again) == sorted(
        [str(source.parent / "service.py"), str(tmp_path / "unit.d/own.conf")]
    )


def test_a_gate_that_waits_once_more_after_a_slow_play_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy machine: the play itself outlasts the soak, and what it had read is too old by then."""
    moments = count(start=0, step=100)
    monkeypatch.setattr(walk, "time", SimpleNamespace(time=lambda: next(moments)))
    waits = {"action": "wait", "reasons": ["the newest evidence is 18 s old"], "ready_at": None}
    starts = {"action": "start", "gate": {"outcome": "pass"}, "evidence": {}, "criteria": {}}
    said = [waits | {"criteria": {}}, waits | {"criteria": {}}, starts]
    monkeypatch.setattr(walk, "step_decision", lambda *_, **__: said.pop(0))
    monkeypatch.setattr(walk.Walk, "_watch_soak", lambda *_: None)
    typist = Typist(tmp_path)
    taken = walk.Walk(typist, [Remote(node) for node in NODES])
    taken.take(walk.Step(2, Remote(NODES[0])))
    assert typist.typed == ["phase2 -l node1"] * 3


def test_a_gate_that_only_waits_halts_the_rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = {"action": "wait", "reasons": ["no pairs"], "ready_at": None, "criteria": {}}
    monkeypatch.setattr(walk, "step_decision", lambda *_, **__: waits)
    monkeypatch.setattr(walk.Walk, "_watch_soak", lambda *_: None)
    typist = Typist(tmp_path)
    taken = walk.Walk(typist, [Remote(node) for node in NODES])
    with pytest.raises(walk.HaltedError, match="phase 2 on node1 still waits: no pairs"):
        taken.take(walk.Step(2, Remote(NODES[0])))
    assert len(typist.typed) == walk.TRIES


@pytest.mark.parametrize("terminal", [False, True])
def test_a_soak_is_drawn_with_the_time_left_in_place_where_that_can_be(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(walk, "is_terminal", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "80")
    soaking = {name: record(match=9) | {"mode": "shadow"} for name in ("node1", "node2")}
    walk._draw(soaking, {"soak_seconds": 80.0})
    drawn = capsys.readouterr().out
    assert "node1 shadow [###############     ] 20 s left, 9 calls, 4 rejects, 0 ba" in drawn
    assert (drawn.startswith("\r\033[K"), drawn.endswith("\n")) == (terminal, not terminal)
    assert not terminal or len(drawn.removeprefix("\r\033[K")) == 79, "one line of the terminal"
    walk._draw(soaking, {"soak_seconds": 60.0})
    assert "long enough" in capsys.readouterr().out
