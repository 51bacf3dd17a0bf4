"""Runs scenarios on every core until the time is over. Workers send bytes: counters, never objects."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from fuzz.compare import Comparison, Difference, MakeEngine
from fuzz.oracle import Oracle
from fuzz.rust import RustEngine
from fuzz.totals import Totals

REPORT_EVERY_S = 1.0
SCENARIOS_A_COLLECTION = 200
KEPT_OF_A_KIND = 3
SUBJECTS: dict[str, MakeEngine] = {"rust": RustEngine, "oracle": Oracle}


class WorkerDiedError(Exception):
    """A worker ended before its time, which an engine in native code can bring about.

    Attributes:
        totals: What was counted until then.
    """

    def __init__(self, message: str, totals: Totals) -> None:
        super().__init__(message)
        self.totals = totals


@dataclass(frozen=True)
class Plan:
    """What a run does: for how many seconds, from which seed, over how many processes, what is tested."""

    seed: int
    seconds: float
    jobs: int
    subject: str
    captures: Path


def scenario_seed(seed: int, number: int) -> str:
    """Seed of a run's n-th scenario: the same one whatever the number of workers."""
    return f"{seed}:{number}"


class Hunt:
    """Runs scenarios one after another and keeps the differences as files."""

    def __init__(self, comparison: Comparison, captures: Path) -> None:
        self.totals = Totals()
        self._comparison = comparison
        self._captures = captures
        self._kinds: Counter[str] = Counter()

    def scenario(self, seed: str) -> None:
        """Run one scenario; a difference is shrunk and kept, unless enough of its kind were."""
        difference = self._comparison.run(seed, self.totals)
        if difference is None:
            return
        self._kinds[difference.kind] += 1
        if self._kinds[difference.kind] <= KEPT_OF_A_KIND:
            keep(self._comparison, self._comparison.shrink(difference), self._captures)


def keep(comparison: Comparison, difference: Difference, folder: Path) -> Path:
    """Write a difference under the hash of its content. Returns the file."""
    line = comparison.line(difference)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{line['name'].removeprefix('fuzz-')}.json"
    path.write_text(json.dumps(line) + "\n", encoding="ascii")
    return path


def work(plan: Plan, worker: int, reports: Connection) -> None:
    """Body of a worker: every n-th scenario until the time is over, and at least one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    gc.disable()  # looking for rings in the trees of blocks takes a tenth of the time
    hunt = Hunt(Comparison(SUBJECTS[plan.subject]), plan.captures)
    number = worker
    reported = started = time.monotonic()
    while number == worker or time.monotonic() - started < plan.seconds:
        seed = scenario_seed(plan.seed, number)
        try:
            hunt.scenario(seed)
        except Exception as error:
            error.add_note(f"while running scenario {seed}")
            raise
        number += plan.jobs
        if number // plan.jobs % SCENARIOS_A_COLLECTION == 0:
            gc.collect()
        if time.monotonic() - reported > REPORT_EVERY_S:
            reported = time.monotonic()
            reports.send_bytes(hunt.totals.to_bytes())
            hunt.totals = Totals()
    reports.send_bytes(hunt.totals.to_bytes())
    reports.send_bytes(b"")


def run(plan: Plan, progress: Callable[[Totals], None]) -> Totals:
    """Run the plan; `progress` is called with the totals so far each time a worker reports.

    An interruption by the keyboard ends the run early, with what was counted until then.

    Raises:
        WorkerDiedError: A worker ended without its last report.
    """
    context = multiprocessing.get_context("spawn")
    totals, running = Totals(), {}
    for worker in range(plan.jobs):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(plan, worker, theirs), daemon=True)
        process.start()
        theirs.close()
        running[ours] = (worker, process)
    try:
        while running:
            for reports in wait(list(running)):
                assert isinstance(reports, Connection)
                worker, process = running[reports]
                try:
                    report = reports.recv_bytes()
                except EOFError:
                    process.join()
                    raise WorkerDiedError(_last_words(plan, worker, process.exitcode), totals) from None
                if report:
                    totals.add(Totals.from_bytes(report))
                    progress(totals)
                else:
                    process.join()
                    del running[reports]
    except KeyboardInterrupt:
        pass
    finally:
        for _, process in running.values():
            process.terminate()
    return totals


def _last_words(plan: Plan, worker: int, status: int | None) -> str:
    return (
        f"worker {worker} of {plan.jobs} ended with status {status}; its scenarios are "
        f"{scenario_seed(plan.seed, worker)} and every {plan.jobs}th after it: run again with "
        f"--seed {plan.seed} --jobs 1 to see which one ends it"
    )


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0))
