"""The five questions, answered from what was measured."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.answers import QUESTIONS, answers

FACTS: dict[str, Any] = {
    "node": "node1",
    "build_host": "node1",
    "rustc": "",
    "http_date": True,
    "restart_strategy": "seamless",
    "apart": False,
    "unit": "node.service",
    "served_at": "another program at port 5000",
    "exporter": "",
    "backup": "/var/lib/x/chain.db",
    "clients": ["10.0.0.1", "10.0.0.1", "10.0.0.2"],
}


def answer(question: str, **other: Any) -> str:
    lines = answers(FACTS | other)
    assert [line.partition(":")[0] for line in lines] == list(QUESTIONS)
    return lines[QUESTIONS.index(question)]


@pytest.mark.parametrize(
    ("question", "facts", "expected"),
    [
        ("toolchain", {}, "missing now; phase 1 installs it"),
        ("toolchain", {"rustc": "rustc 1.96"}, "there now: rustc 1.96"),
        ("downtime", {}, "none: node1 restarts once in phase 1"),
        ("downtime", {"http_date": False}, "cannot be hidden: it is refused before anything is touched"),
        (
            "downtime",
            {"apart": True},
            "none: node.service takes no connection of a user, but another program at",
        ),
        ("users to notify", {"apart": True}, "nobody has to be; 2 addresses are connected to node1 now, and"),
        ("downtime", {"restart_strategy": "plain"}, "users of node1 notice"),
        ("monitoring", {}, "playbooks/monitoring.yml brings"),
        ("monitoring", {"exporter": "active"}, "is active"),
        ("rollback", {}, "rollback.yml -l node1"),
        ("users to notify", {}, "nobody has to be; 2 addresses are connected"),
        ("users to notify", {"http_date": False}, "all users of node1 before each restart; 2 addresses"),
        ("users to notify", {"restart_strategy": "forced"}, "all users"),
    ],
)
def test_given_what_was_measured_then_the_question_is_answered(
    question: str, facts: dict[str, Any], expected: str
) -> None:
    assert expected in answer(question, **facts)
