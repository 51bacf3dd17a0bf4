"""Who waits for the tree does not hold the interpreter: threads that ask the engine nothing go on."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from coinjecture import _core

from tests.oracle.support import complexity, sealed

from .support import GENESIS

GENESIS_BLOCK: dict[str, Any] = json.loads(GENESIS["testnet"]["block_json"])
STEPS = 10
"""Steps of an uninvolved thread while one call waits. A thread that is merely switched to makes a few."""


def engine() -> _core.Engine:
    return _core.Engine(GENESIS["testnet"]["block_json"], GENESIS["testnet"]["received_at"])


def slow_row() -> tuple[bytes, float]:
    """A block that takes some milliseconds to be judged: its complexity is full of factorials."""
    work = complexity(time_solve_O="O(n!)", time_verify_O="O(n^n)", problem_size=4096)
    return json.dumps(sealed(GENESIS_BLOCK) | {"complexity": work}).encode(), 1.0


ROWS = [slow_row()] * 128
CAPTURED = _core.capture(sealed(GENESIS_BLOCK))

ASKS: dict[str, Callable[[_core.Engine], Any]] = {
    "tip": lambda subject: subject.tip(),
    "get": lambda subject: subject.get(GENESIS_BLOCK["block_hash"]),
    "in": lambda subject: GENESIS_BLOCK["block_hash"] in subject,
    "len": len,
    "keys": lambda subject: subject.keys(),
    "ancestors": lambda subject: subject.ancestors(GENESIS_BLOCK["block_hash"]),
    "tip_ancestors": lambda subject: subject.tip_ancestors(),
    "is_finalized": lambda subject: subject.is_finalized(GENESIS_BLOCK["block_hash"], 1),
    "tree_bytes": lambda subject: subject.tree_bytes,
    "judge": lambda subject: subject.judge(CAPTURED, 1.0, "full"),
    "take bytes": lambda subject: subject.take(b"{}", 1.0, "full"),
    "take a dict": lambda subject: subject.take(sealed(GENESIS_BLOCK), 1.0, "full"),
    "put": lambda subject: subject.put("key", None, 1, 1.0, 1.0, 0.0),
    "set_tip": lambda subject: subject.set_tip("key", None, 1, 1.0, 1.0, 0.0),
    "export": lambda subject: subject.export(),
}
HOLDERS: dict[str, Callable[[_core.Engine], Any]] = {
    "take_many": lambda subject: subject.take_many(ROWS, "full"),
    "take_many on two threads": lambda subject: subject.take_many(ROWS, "full", threads=2),
    "pass_many": lambda subject: subject.pass_many(ROWS, "full"),
}


def steps_while_waiting(hold: Callable[[_core.Engine], Any], ask: Callable[[_core.Engine], Any]) -> int:
    """The most steps of an uninvolved thread during one question, while another thread has the tree."""
    subject, held = engine(), threading.Event()
    steps, during = 0, [0]

    def holding() -> None:
        for _ in range(3):
            hold(subject)
        held.set()

    def asking() -> None:
        while not held.is_set():
            before = steps
            ask(subject)
            during.append(steps - before)

    threads = [threading.Thread(target=task) for task in (holding, asking)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.001)  # a step; its length decides nothing
        steps += 1
    return max(during)


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_given_a_log_that_is_taken_when_a_thread_asks_the_engine_then_other_threads_go_on(
    ask: Callable[[_core.Engine], Any],
) -> None:
    assert steps_while_waiting(HOLDERS["take_many"], ask) >= STEPS


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_given_a_thread_that_has_the_tree_for_long_then_nobody_stands_still(
    hold: Callable[[_core.Engine], Any],
) -> None:
    assert steps_while_waiting(hold, ASKS["tip"]) >= STEPS


def test_given_many_threads_that_ask_and_change_then_all_of_them_end() -> None:
    # given threads that hold the tree, and others that ask or change it with and without the interpreter
    subject, asked = engine(), []
    calls = [*HOLDERS.values(), *ASKS.values()]

    def call(one: Callable[[_core.Engine], Any]) -> None:
        for _ in range(3):
            one(subject)
        asked.append(one)

    threads = [threading.Thread(target=call, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # then none waits for another that waits for the interpreter
    assert len(asked) == len(calls)
