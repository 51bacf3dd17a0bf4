"""Where a node goes back to, and how, from every state it can be in."""

from __future__ import annotations

from typing import Any

import pytest
from rollback import plan


def a_node(
    mode: str | None, answers: bool = True, recorded: str | None = None, imports: str = "wrapped"
) -> Any:
    """A node in ``mode``, with a wrapper that answers or does not, and what its mode file says."""
    return {
        "mode": mode,
        "why": "no socket",
        "status": {"mode": mode} if answers else None,
        "status_error": "" if answers else "nobody listens",
        "mode_file": {"mode": recorded} if recorded else None,
        "node_py": {"state": imports},
    }


@pytest.mark.parametrize(("mode", "back"), [("final", "rust"), ("rust", "shadow"), ("shadow", "legacy")])
def test_given_a_mode_then_the_default_is_one_step_back_without_a_restart(mode: str, back: str) -> None:
    assert plan(a_node(mode), None) | {"why": ""} == {"from": mode, "to": back, "how": "socket", "why": ""}


@pytest.mark.parametrize("target", ["rust", "shadow", "legacy"])
def test_given_final_then_every_lower_mode_can_be_named(target: str) -> None:
    assert plan(a_node("final"), target)["to"] == target


@pytest.mark.parametrize(("mode", "target"), [("legacy", None), ("shadow", "rust"), ("rust", "rust")])
def test_given_a_node_that_is_there_or_below_then_nothing_is_done(mode: str, target: str | None) -> None:
    assert plan(a_node(mode), target)["how"] == "nothing"


def test_given_a_node_that_was_never_migrated_then_nothing_is_done() -> None:
    assert plan(a_node("legacy", answers=False, imports="legacy"), None)["how"] == "nothing"


def test_given_a_half_done_step_whose_process_has_no_wrapper_yet_then_nothing_is_done() -> None:
    assert plan(a_node("legacy", answers=False), "legacy")["how"] == "nothing"


@pytest.mark.parametrize(("recorded", "back"), [("final", "rust"), ("rust", "shadow"), (None, "legacy")])
def test_given_a_silent_wrapper_then_the_mode_file_decides_and_a_restart_is_needed(
    recorded: str | None, back: str
) -> None:
    planned = plan(a_node(None, answers=False, recorded=recorded), None)
    assert (planned["how"], planned["to"]) == ("restart", back)


def test_given_a_silent_wrapper_then_a_named_mode_is_brought_about_whatever_was_recorded() -> None:
    assert plan(a_node(None, answers=False, recorded="shadow"), "legacy")["how"] == "restart"


def test_given_no_answer_of_the_node_then_it_is_refused() -> None:
    assert plan(None, None)["how"] == "refuse"


@pytest.mark.parametrize("target", ["final", "removed", "rusty", ""])
def test_given_a_target_that_is_none_then_it_is_refused(target: str) -> None:
    assert plan(a_node("rust"), target)["how"] == "refuse"


def test_given_a_node_py_without_the_wrapper_that_does_not_run_then_it_is_refused_with_the_reason() -> None:
    refused = plan(a_node(None, answers=False, imports="legacy"), "legacy")
    assert refused["how"] == "refuse"
    assert "no socket" in refused["why"]
