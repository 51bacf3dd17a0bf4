"""The whole runbook, typed command by command on a fresh local network, in the order of the page."""

from __future__ import annotations

import time

import pytest

from tests.docs.runbook import commands
from tests.resume.support import Operator, failures, the_wheel

from .support import NODE1, SRC, text

pytestmark = [pytest.mark.droplets, pytest.mark.soak]


def test_given_the_runbook_then_every_command_ends_and_says_as_the_page_promises(desk: Operator) -> None:
    began = time.time()
    # What a network of a few minutes cannot show, and what it does not have to wait for.
    accept = {"performance": "a walk of a few minutes"}
    for command in commands():
        print(f"$ {command.typed}", flush=True)
        run = desk.play(
            command.playbook, *command.arguments,
            wheel_file=str(the_wheel()), accept=accept, wait=True, wait_timeout=300,
        )  # fmt: skip
        assert run.status == command.status, f"{command.typed}: {run.said[-3000:]}"
        for line in command.prints:
            assert line in run.said, f"{command.typed} does not print {line!r}: {run.said[-3000:]}"
    assert "from consensus import" in text(NODE1, f"{SRC}/node.py").replace("_wrapper", "")
    assert failures(began) == []
