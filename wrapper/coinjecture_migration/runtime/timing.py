"""Two clocks at once: the one on the wall, and the processor time of the thread that asks.

Processor time is what an engine costs: it stands still while the thread waits for the processor or for the
interpreter's lock, so a busy machine says nothing about an engine. Reading it takes longer than judging a
small block may, so what the reading itself costs is measured once and left out.
"""

from __future__ import annotations

import time
from typing import NamedTuple


class Spent(NamedTuple):
    """What something took, in seconds: `wall` by the clock, `cpu` of the thread's processor time."""

    wall: float = 0.0
    cpu: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


NOTHING = Spent()
Started = tuple[float, int]


def start() -> Started:
    """Begin to measure, in the thread that does the work; the wall's clock is read nearest to it."""
    cpu = time.thread_time_ns()
    return time.perf_counter(), cpu


def since(started: Started) -> Spent:
    """What the work has taken since `start`; the cost of reading the clocks is left out."""
    wall = time.perf_counter() - started[0]
    return Spent(wall, max(time.thread_time_ns() - started[1] - READING_NS, 0) / 1e9)


class Stopwatch:
    """Adds up several spans of work in one thread, at less cost than `start` and `since` for each of them."""

    __slots__ = ("_cpu_ns", "_from_cpu_ns", "_from_wall", "_wall")

    def __init__(self) -> None:
        self._wall = self._from_wall = 0.0
        self._cpu_ns = self._from_cpu_ns = 0

    def clear(self) -> None:
        """Forget what was added up."""
        self._wall, self._cpu_ns = 0.0, 0

    def start(self) -> None:
        """A span begins."""
        self._from_cpu_ns = time.thread_time_ns()
        self._from_wall = time.perf_counter()

    def stop(self) -> None:
        """The span ends and is added, without the cost of reading the clocks."""
        wall = time.perf_counter()
        self._cpu_ns += time.thread_time_ns() - self._from_cpu_ns - READING_NS
        self._wall += wall - self._from_wall

    @property
    def spent(self) -> Spent:
        """All spans together."""
        return Spent(self._wall, max(self._cpu_ns, 0) / 1e9)


def _reading_ns(tries: int = 200) -> int:
    """Processor time, in nanoseconds, that `since` finds where nothing was done: the least of many tries."""
    return min(round(since(start()).cpu * 1e9) for _ in range(tries))


READING_NS = 0
READING_NS = _reading_ns()
