"""Two clocks at once: the one on the wall, and the processor time of the thread that asks.

Processor time is what an engine costs: it stands still while the thread waits for the processor or for the
interpreter's lock, so a busy machine says nothing about an engine. But asking the system for it takes half as
long as Rust takes for a block. So it is asked for only where the thread can have waited since it was known
last: who waits is away for longer than `SHORT_S`, and in less than that the two clocks go alike.

What the reading itself costs is measured once and left out.
"""

from __future__ import annotations

import time
from threading import get_ident
from typing import NamedTuple

SHORT_S = 1e-5
"""Less than it takes to lose the processor, or the interpreter's lock, and to have it back."""
TICK_S = 1e-9
"""The least that anything takes by the wall: no time at all means that nothing was measured."""


class Spent(NamedTuple):
    """What something took, in seconds: `wall` by the clock, `cpu` of the thread's processor time."""

    wall: float = 0.0
    cpu: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


NOTHING = Spent()
Reading = tuple[float, float]
"""The wall's clock in seconds, the processor time in nanoseconds; of use in the thread that read it."""

NEVER = (0, float("-inf"), 0.0)
_latest: tuple[int, float, float] = NEVER
"""The thread that knew both clocks last, and what they said; replaced as a whole."""


def start() -> Reading:
    """Begin to measure, in the thread that does the work; the wall's clock is read nearest to it."""
    global _latest
    thread, (of, then, cpu) = get_ident(), _latest
    wall = time.perf_counter()
    if of == thread and 0.0 <= (passed := wall - then) < SHORT_S:
        cpu += passed * 1e9
    else:
        cpu = time.thread_time_ns() + ASKING_NS
        wall = time.perf_counter()
    _latest = thread, wall, cpu
    return wall, cpu


def stop() -> Reading:
    """End to measure; as `start`, but the wall's clock is read before all else."""
    global _latest
    wall = time.perf_counter()
    thread, (of, then, cpu) = get_ident(), _latest
    if of == thread and 0.0 <= (passed := wall - then) < SHORT_S:
        cpu += passed * 1e9
    else:
        cpu = time.thread_time_ns()
    _latest = thread, wall, cpu
    return wall, cpu


def since(started: Reading) -> Spent:
    """What the work has taken since `start`; the cost of reading the clocks is left out."""
    wall, cpu = stop()
    return Spent(max(wall - started[0] - READING_S, TICK_S), max(cpu - started[1] - READING_NS, 0.0) / 1e9)


TRIES = 1000


def _reading_ns() -> float:
    """The nanoseconds that nothing takes where the system is not asked."""
    return _low([since(start()).cpu for _ in range(TRIES)])


def _asking_ns() -> float:
    """The same where it is asked at both ends."""
    global _latest
    found = []
    for _ in range(TRIES):
        _latest = NEVER
        started = start()
        _latest = NEVER
        found.append(since(started).cpu)
    return _low(found)


def _low(seconds: list[float]) -> float:
    """What most tries took at least, in nanoseconds; the least of all may be an accident."""
    return sorted(seconds)[len(seconds) // 10] * 1e9


READING_NS = READING_S = ASKING_NS = 0.0
READING_NS = _reading_ns()
READING_S = READING_NS / 1e9
ASKING_NS = _asking_ns()
