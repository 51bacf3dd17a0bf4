"""The command: `python -m fuzz --seconds 60 [--seed 1]`."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path

import fuzz

try:
    from fuzz import report, workers
    from fuzz.oracle import ROOT
    from fuzz.totals import Totals
except ImportError as error:
    print(
        f"fuzz: {error}: run `make setup`, which builds the Rust engine and installs it into .venv",
        file=sys.stderr,
    )
    sys.exit(2)

PLAIN_PROGRESS_EVERY_S = 10.0


class Progress:
    """A line that says how far the run is: redrawn on a terminal, else a new one every ten seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started = time.monotonic()
        self._printed = self._started

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def __call__(self, totals: Totals) -> None:
        """Show the totals so far."""
        terminal = sys.stderr.isatty()
        if not terminal and time.monotonic() - self._printed < PLAIN_PROGRESS_EVERY_S:
            return
        self._printed = time.monotonic()
        line = (
            f"fuzz: {self.elapsed:4.0f} of {self._seconds:.0f} s, {totals.cases:,} cases, "
            f"{totals.cases / self.elapsed:,.0f} per second, {totals.differences} differences"
        )
        print(
            f"\r{line}\x1b[K" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True
        )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=fuzz.__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (default 60)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run (default: a new seed, printed)")
    parser.add_argument("--jobs", type=int, default=workers.cores(), help="processes (default: one per core)")
    parser.add_argument("--out", type=Path, default=ROOT / "build/fuzz.json", help="where the summary goes")
    parser.add_argument(
        "--subject",
        choices=tuple(workers.SUBJECTS),
        default="rust",
        help="the engine under test; `oracle` measures the generator against itself",
    )
    return parser.parse_args()


def main() -> int:
    """Run; 0 if no difference was found, 1 if one was, 2 if the run could not be made or finished."""
    args = arguments()
    if args.seconds <= 0 or args.jobs < 1:
        print("fuzz: --seconds and --jobs must be above 0", file=sys.stderr)
        return 2
    plan = workers.Plan(
        seed=secrets.randbelow(2**32) if args.seed is None else args.seed,
        seconds=args.seconds,
        jobs=args.jobs,
        subject=args.subject,
        captures=args.out.with_suffix(""),
    )
    print(f"fuzz: seed {plan.seed}, {plan.jobs} processes, {plan.seconds:.0f} s", file=sys.stderr)
    progress = Progress(plan.seconds)
    known, died = set(plan.captures.glob("*.json")), None
    try:
        totals = workers.run(plan, progress)
    except workers.WorkerDiedError as error:
        totals, died = error.totals, error
    content = report.summary(plan, totals, progress.elapsed)
    content["difference_files"] = sorted(path.name for path in set(plan.captures.glob("*.json")) - known)
    report.write(args.out, content)
    print(f"\n{report.table(content)}")
    for missed in report.shortfalls(content):
        print(f"coverage: {missed}")
    for name in content["difference_files"]:
        print(f"difference: {plan.captures / name}")
    if died is not None:
        print(f"\nfuzz: {died}", file=sys.stderr)
        return 2
    return 1 if totals.differences else 0


if __name__ == "__main__":
    sys.exit(main())
