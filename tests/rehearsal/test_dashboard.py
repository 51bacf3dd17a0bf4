"""The dashboard of a rehearsal is full, or the panel that is not has a name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from testnet.lab.plan import MONITOR
from testnet.rehearsal import dashboard
from testnet.rehearsal.droplet import Remote

ONE = [{"metric": {}, "value": [0, "1"]}]
NOT_A_NUMBER = [{"metric": {}, "value": [0, "NaN"]}]


@dataclass(frozen=True)
class Prometheus(Remote):
    """A monitoring host with a number for every query but the silent ones; each asking has its own set."""

    silent: list[dict[str, list[Any]]] = field(default_factory=list)

    def ssh(self, *command: str, stdin: bytes = b"") -> bytes:
        asked = re.search(r"for query in (.*):\n", stdin.decode())
        assert asked
        silent = self.silent.pop(0) if len(self.silent) > 1 else self.silent[0]
        return json.dumps([silent.get(query, ONE) for query in json.loads(asked[1])]).encode()


def prometheus(*silent: dict[str, list[Any]]) -> Prometheus:
    return Prometheus(MONITOR, silent=list(silent))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    monkeypatch.setattr(dashboard, "PATIENCE", 0.0)


def test_the_panels_are_those_of_the_dashboard_without_its_headings() -> None:
    board = dashboard.panels()
    assert len(board) >= 12
    assert "Mode" in board
    assert all(board.values())
    assert "The network" not in board


def test_given_data_for_every_query_then_every_panel_is_full(at_once: None) -> None:
    count = len(dashboard.panels())
    assert dashboard.account_dashboard(prometheus({})) == {"panels": count, "with_data": count, "empty": []}


@pytest.mark.parametrize("answer", [[], NOT_A_NUMBER], ids=["no series", "no number"])
def test_given_one_query_without_data_then_its_panel_is_named_once(at_once: None, answer: list[Any]) -> None:
    title, queries = max(dashboard.panels().items(), key=lambda panel: len(panel[1]))
    assert len(queries) > 1
    found = dashboard.account_dashboard(prometheus(dict.fromkeys(queries, answer)))
    assert found["empty"] == [title]
    assert found["with_data"] == found["panels"] - 1


def test_given_a_node_that_has_just_restarted_then_its_panel_is_waited_for() -> None:
    query = dashboard.panels()["Mode"][0]
    assert dashboard.account_dashboard(prometheus({query: []}, {}))["empty"] == []
