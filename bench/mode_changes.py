"""How long a change of mode takes, asked for as on a node: over the control socket, from another process.

Measured on a wrapper that judges a thousand blocks a second meanwhile; and what the way back from `final`
costs on a long chain.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench import engines
from bench.chain import Block, stretched
from bench.rebuild import TimedLog
from bench.wrapped import wrapper

BLOCKS_PER_S = 1_000
ROUND = ("rust", "final", "rust", "shadow", "legacy", "shadow")
"""The changes of one round, beginning in shadow: each change that a playbook makes, there and back."""
PREPARE_LIMIT = 600.0


class GrowingLog(engines.LogStorage):
    """A log that takes up what was accepted, as the node's storage does."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes, float]] = []
        super().__init__(self.rows)

    def iter_blocks(self) -> Iterator[tuple[bytes, float]]:
        """The rows there are now."""
        return iter(self.rows[:])


class Feeder:
    """Judges blocks of a chain at an even pace, in a thread of its own."""

    def __init__(self, wrapped: Any, log: GrowingLog, rows: Iterator[tuple[bytes, float]]) -> None:
        self.judged = 0
        self.worst_s = 0.0
        self.error: BaseException | None = None
        self._wrapped, self._log, self._rows = wrapped, log, rows
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder")

    def _run(self) -> None:
        began = time.monotonic()
        try:
            for raw, received_at in self._rows:
                due = began + self.judged / BLOCKS_PER_S
                if (early := due - time.monotonic()) > 0:
                    time.sleep(early)
                self._wrapped.verify_block(json.loads(raw))
                self._log.rows.append((raw, received_at))
                self.judged += 1
                self.worst_s = max(self.worst_s, time.monotonic() - due)
                if self._leaving.is_set():
                    return
            raise RuntimeError(f"the chain of {self.judged} blocks has ended before the measurement")
        except BaseException as error:
            self.error = error

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Feed as long as this lasts; what went wrong meanwhile goes out."""
        self._thread.start()
        try:
            yield
        finally:
            self._leaving.set()
            self._thread.join()
        if self.error is not None:
            raise self.error


def request(path: str, message: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """Send one request to a control socket; its result, and the seconds from asking to the answer.

    Raises:
        RuntimeError: It was refused.
    """
    line = json.dumps({"who": "bench", "why": "bench"} | message).encode() + b"\n"
    started = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(line)
        with connection.makefile("rb") as lines:
            answer = json.loads(lines.readline())
    took = time.perf_counter() - started
    if not answer["ok"]:
        raise RuntimeError(f"{message}: {answer['error']}")
    return answer["result"], took


def change(path: str, mode: str) -> float:
    """Prepare a mode and set it; the seconds from the second command to its answer."""
    started = time.perf_counter()
    request(path, {"op": "prepare", "mode": mode})
    while (state := request(path, {"op": "status"})[0]["prepare"]) and state["state"] == "running":
        if time.perf_counter() - started > PREPARE_LIMIT:
            raise RuntimeError(f"prepare {mode} has not ended after {PREPARE_LIMIT:.0f} s")
        time.sleep(0.02)
    if state and state["state"] == "failed":
        raise RuntimeError(f"prepare {mode}: {state['error']}")
    return request(path, {"op": "set_mode", "mode": mode})[1]


@contextmanager
def commander() -> Iterator[Executor]:
    """Another process, which asks as a person or a playbook on the node does."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def commits(blocks: list[Block], rounds: int) -> list[dict[str, object]]:
    """Commits under load, from the command to its answer."""
    log, took = GrowingLog(), []
    length = 60 * BLOCKS_PER_S * max(1, rounds)
    with wrapper("shadow", log) as (wrapped, path), commander() as pool:
        pool.submit(request, str(path), {"op": "status"}).result()  # the process is there, and warm
        feeder = Feeder(wrapped, log, stretched(blocks, length))
        with feeder.at_work():
            began = time.monotonic()
            for mode in ROUND * rounds:
                took.append(pool.submit(change, str(path), mode).result())
            rate = feeder.judged / (time.monotonic() - began)
    return [
        {"name": "mode_commit_median", "value": median(took), "unit": "s"},
        {"name": "mode_commit_slowest", "value": max(took), "unit": "s"},
        {"name": "mode_commit_count", "value": len(took), "unit": "changes"},
        {"name": "mode_commit_load", "value": rate, "unit": "blocks per s"},
    ]


def way_back(blocks: list[Block], length: int) -> list[dict[str, object]]:
    """From `final` to `legacy` on a chain: prepared in the background, in the way, and in a restart."""
    log = TimedLog(blocks, length)
    with wrapper("final", engines.LogStorage(log)) as (_, path):
        log.making_s = 0.0
        started = time.process_time()
        with commander() as pool:
            committed = pool.submit(change, str(path), "legacy").result()
        prepared = time.process_time() - started - log.making_s
    rebuilt = TimedLog(blocks, length)
    started = time.process_time()
    engines.oracle(engines.LogStorage(rebuilt))
    restart = time.process_time() - started - rebuilt.making_s
    return [
        {"name": f"rollback_{length}_prepare", "value": prepared, "unit": "CPU s in the background"},
        {"name": f"rollback_{length}_commit", "value": committed, "unit": "s in the way"},
        {"name": f"rollback_{length}_restart", "value": restart, "unit": "CPU s in the way of a restart"},
    ]
