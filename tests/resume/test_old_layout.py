"""A node of the time when what root writes lay in the folder of the node's user."""

from __future__ import annotations

import json

import pytest

from . import support
from .support import Operator, mode, open_operation

pytestmark = [pytest.mark.droplets, pytest.mark.soak]

BEGUN = {
    "schema": 1, "kind": "rollback", "origin": "rust", "target": "shadow", "mode": "rust",
    "since": 1.0, "by": "somebody", "why": "begun before root had a folder",
}  # fmt: skip


def test_given_the_old_layout_then_the_history_counts_there_and_is_brought_over_by_the_next_step(
    operator: Operator,
) -> None:
    support.set_mode("rust")
    journal = support.to_old_layout(BEGUN)
    shown, refused = operator.play("status"), operator.play("phase3")
    assert (shown.status, refused.status) == (0, 2), refused.said[-3000:]
    assert f"journal of node1: {len(journal.splitlines())} records, whole" in shown.said, shown.said[-3000:]
    assert "rollback to shadow was begun by somebody and is not finished" in refused.said
    assert not support.shell(f"ls -d {support.OPERATOR} 2>/dev/null || true"), "reading moves nothing"
    finished = operator.types(support.named(refused.said, "rollback"))
    assert finished.status == 0, finished.said[-3000:]
    assert (mode(), open_operation()) == ("shadow", None)
    now = support.shell(f"cat {support.OPERATOR}/journal.jsonl")
    moved, *_ = added = [json.loads(line) for line in now.removeprefix(journal).splitlines()]
    assert now.startswith(journal) and moved["what"] == "journal moved", added
    assert moved["detail"]["files"] == ["journal.jsonl", "journal.jsonl.head", "operation.json"]
    left = support.shell(f"ls {support.STATE}").split()
    assert not set(moved["detail"]["files"]) & set(left) and {"mode.json", "backups"} <= set(left), left
    verified = operator.play("journal")
    assert verified.status == 0, verified.said[-3000:]


def test_given_the_old_layout_then_a_removal_leaves_neither_folder(operator: Operator) -> None:
    support.to_old_layout()
    done = operator.play("rollback", to="removed")
    assert done.status == 0, done.said[-3000:]
    left = support.shell(f"ls -d {support.STATE} {support.OPERATOR} 2>/dev/null || true")
    assert (left, mode()) == ("", "none")
