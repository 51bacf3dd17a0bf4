"""Two runs that ask for every lock at the same moment, and work that is done side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ansible_collections.coinjecture.migration.plugins.action import network_lock
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.controller_run import this_run
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.race import lost_by_others
from ansible_collections.coinjecture.migration.plugins.plugin_utils.runs.side_by_side import (
    BrokenOffError,
    side_by_side,
)

NODES = ("node1", "node2", "node3")
SILENT: dict[str, Any] = {"unreachable": True}


def answers(*outcomes: str | None) -> dict[str, dict[str, Any]]:
    """What the nodes answered, None for one that is silent."""
    return {
        node: {"outcome": outcome} if outcome else SILENT
        for node, outcome in zip(NODES, outcomes, strict=True)
    }


@pytest.mark.parametrize("first", ["taken", "renewed"])
def test_given_the_first_lock_then_who_has_only_a_later_one_has_lost(first: str) -> None:
    assert lost_by_others(NODES, answers(first, "refused", "taken")) == ["node2"]
    assert lost_by_others(NODES, answers(None, first, "refused")) == ["node3"]


def test_given_another_run_at_the_first_node_then_this_one_has_lost() -> None:
    assert lost_by_others(NODES, answers("refused", "taken", "refused")) == []


def test_given_all_locks_or_none_or_a_broken_one_then_nobody_is_waited_for() -> None:
    assert lost_by_others(NODES, answers("taken", "taken", None)) == []
    assert lost_by_others(NODES, answers(None, None, None)) == []
    assert lost_by_others(NODES, answers("taken", "broken", "refused")) == []


def test_given_work_side_by_side_then_each_answer_comes_under_its_name_in_order(tmp_path: Path) -> None:
    pipes = {name: tmp_path / name for name in ("one", "two")}
    for path in pipes.values():
        os.mkfifo(path)

    def one() -> str:
        pipes["one"].write_text("from one")  # ends when the other reads, so only beside it
        return pipes["two"].read_text()

    def two() -> str:
        heard = pipes["one"].read_text()
        pipes["two"].write_text("from two")
        return heard

    done = side_by_side({"one": one, "two": two})
    assert list(done.items()) == [("one", "from two"), ("two", "from one")]
    assert side_by_side({}) == {}


def test_given_more_work_than_processes_then_all_of_it_is_done() -> None:
    wanted = {str(number): number for number in range(40)}
    assert side_by_side({name: (lambda value=value: value) for name, value in wanted.items()}) == wanted


def test_given_work_that_fails_or_is_killed_then_it_is_told_whose_it_was() -> None:
    def fails() -> None:
        raise ValueError("not this")

    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(BrokenOffError, match="node1: ValueError: not this"):
        side_by_side({"node1": fails, "node2": lambda: None})
    with pytest.raises(BrokenOffError, match="node1: the process that asked it was killed"):
        side_by_side({"node1": killed, "node2": lambda: None})


def test_given_a_process_beside_the_worker_then_it_works_for_the_same_run() -> None:
    told = multiprocessing.get_context("fork").SimpleQueue()

    def work() -> None:
        told.put(side_by_side(dict.fromkeys(("node1", "node2", "node3"), this_run)))

    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    assert told.get() == dict.fromkeys(("node1", "node2", "node3"), os.getpid())
    worker.join()


class Network:
    """Nodes that answer what is next in their list; ``asked`` is what each was asked for."""

    def __init__(self, **outcomes: list[str]) -> None:
        self.outcomes = outcomes
        self.asked: list[tuple[str, str]] = []

    def ask(self, _: object, __: str, arguments: dict[str, Any], ___: object) -> dict[str, dict[str, Any]]:
        """Answer as the nodes would."""
        said = {}
        for node, asked in arguments.items():
            self.asked.append((node, asked["state"]))
            outcome = self.outcomes[node].pop(0) if asked["state"] == "taken" else "gone"
            said[node] = {"outcome": outcome, "lock": {"id": "other"}, "why": "held by bob@desk"}
        return said


def asks(network: Network, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the action makes of the answers of these nodes."""
    monkeypatch.setattr(network_lock, "ask_each", network.ask)
    monkeypatch.setattr(network_lock, "AGAIN", 0)
    task = Mock(async_val=0, args={"state": "taken", "nodes": list(network.outcomes), "users": ["node1"]})
    action = network_lock.ActionModule(task, Mock(), Mock(), Mock(), Mock(), Mock())
    result: dict[str, Any] = action.run(task_vars={})
    return result


def test_given_a_race_that_is_won_then_the_nodes_that_the_other_gives_back_are_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(node1=["taken"], node2=["refused", "refused", "taken"])
    result = asks(network, monkeypatch)
    assert not result.get("failed"), result
    assert [one["outcome"] for one in result["answers"]] == ["taken", "taken"]
    assert network.asked.count(("node2", "taken")) == 3
    assert ("node1", "released") not in network.asked


def test_given_a_race_that_is_lost_then_what_was_taken_is_given_back_and_the_holder_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(node1=["refused"], node2=["taken"], node3=["renewed"])
    result = asks(network, monkeypatch)
    assert result["failed"] is True
    assert "node1 is locked: held by bob@desk" in result["msg"]
    assert [node for node, state in network.asked if state == "released"] == ["node2"]


def test_given_a_holder_that_does_not_give_way_then_the_winner_stops_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network_lock, "PATIENCE", 0)
    network = Network(node1=["taken"], node2=["refused"])
    result = asks(network, monkeypatch)
    assert result["failed"] is True and "node2 is locked" in result["msg"]
    assert ("node1", "released") in network.asked
