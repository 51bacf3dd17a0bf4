"""A replay over every core: each worker compares its part of the log, after Rust has passed the rest."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from coinjecture._types import Profile
from coinjecture.replay import build, legacy, snapshot
from coinjecture.replay.errors import BadInputError
from coinjecture.replay.network import Network
from coinjecture.replay.tally import Tally
from coinjecture.replay.walk import Walk

REPORT_EVERY_S = 0.5


class WorkerDiedError(Exception):
    """A worker ended before its time, which an engine in native code can bring about."""


@dataclass(frozen=True)
class Plan:
    """What a replay does.

    Attributes:
        database: The node's database, for messages.
        copy: The snapshot that is read.
        legacy: The legacy engine's file.
        network: The network's genesis.
        profile: ``header`` or ``full``.
        mutants: Mutants of each block.
        seed: Which mutants.
        jobs: Processes.
        captures: Folder for divergence files.
    """

    database: Path
    copy: Path
    legacy: Path
    network: Network
    profile: Profile
    mutants: int
    seed: int
    jobs: int
    captures: Path


def parts(blocks: int, jobs: int) -> list[tuple[int, int]]:
    """First and end (not included) of each worker's blocks; no part is empty."""
    jobs = max(1, min(jobs, blocks))
    bounds = [blocks * number // jobs for number in range(jobs + 1)]
    return list(itertools.pairwise(bounds))


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0))


def work(plan: Plan, first: int, end: int, reports: Connection) -> None:
    """Body of a worker: it sends how many blocks it compared, at the end its tally or an error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    try:
        reports.send(walk(plan, first, end, reports.send))
    except BadInputError as error:
        reports.send(error)


def walk(plan: Plan, first: int, end: int, out: Callable[[int], None]) -> Tally:
    """Walk to a part of the log and compare it.

    Raises:
        BadInputError: The log is damaged.
    """
    walk = Walk(
        legacy.load(plan.legacy), plan.network, plan.profile, plan.captures, build.identities(plan.legacy)
    )
    said, done = time.monotonic(), 0
    rows = snapshot.rows(plan.copy, plan.database, stop=end)
    walk.skip(itertools.islice(rows, first), threads=max(1, cores() // plan.jobs))
    for row in rows:
        walk.compare(row, plan.mutants, plan.seed)
        done += 1
        if time.monotonic() - said > REPORT_EVERY_S:
            said = time.monotonic()
            out(done)
            done = 0
    out(done)
    return walk.tally


def run(plan: Plan, blocks: int, progress: Callable[[int], None]) -> Tally:
    """Replay so many blocks; ``progress`` is called with the number of blocks compared so far.

    Raises:
        BadInputError: The log is damaged.
        WorkerDiedError: A worker ended without its tally.
    """
    context = multiprocessing.get_context("spawn")
    tallies, running, done = dict[int, Tally](), dict[Connection, Any](), 0
    try:
        for number, (first, end) in enumerate(parts(blocks, plan.jobs)):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(plan, first, end, theirs), daemon=True)
            process.start()
            theirs.close()
            running[ours] = (number, process, first, end)
        while running:
            for reports in wait(list(running)):
                assert isinstance(reports, Connection)
                number, process, first, end = running[reports]
                try:
                    report = reports.recv()
                except EOFError:
                    process.join()
                    raise WorkerDiedError(
                        f"the worker for blocks {first + 1} to {end} of the log ended with status "
                        f"{process.exitcode}; run again with --jobs 1 to see which block ends it"
                    ) from None
                if isinstance(report, BadInputError):
                    raise report
                if isinstance(report, Tally):
                    process.join()
                    tallies[number] = report
                    del running[reports]
                else:
                    done += report
                    progress(done)
    finally:
        for _, process, *_ in running.values():
            process.terminate()
    together = Tally()
    for number in sorted(tallies):
        together.add(tallies[number])
    return together
