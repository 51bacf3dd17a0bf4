"""A step counts only as what the play just run has decided, and a spoilt soak is not waited out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from testnet.rehearsal import operator, walk


def record(**outcomes: int) -> dict[str, Any]:
    counts = dict.fromkeys(("match", "divergence", "rust_error", "legacy_error", "skipped", "alone"), 0)
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
    monkeypatch.setattr(operator, "ROOT", tmp_path)
    folder = tmp_path / "build" / "steps"
    folder.mkdir(parents=True)
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


@pytest.mark.parametrize("kind", ["divergence", "rust_error", "legacy_error"])
def test_a_soak_with_a_divergence_or_an_error_is_spoilt(kind: str) -> None:
    assert walk.count_bad(record(match=9, **{kind: 1})) == 1


def test_skipped_and_matching_calls_spoil_nothing() -> None:
    assert walk.count_bad(record(match=9, skipped=1)) == 0
