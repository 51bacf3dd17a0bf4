"""Two engines side by side: run a scenario through both, and make a difference small and replayable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from coinjecture.replay.outcome import Outcome
from consensus_surface import Profile

from fuzz.oracle import Oracle, OracleTimeoutError, TimeLimit
from fuzz.scenario import Scenario, Step
from fuzz.totals import Totals

ORACLE_LIMIT_S = 1.0
SHRINK_RUNS = 400


class Engine(Protocol):
    """One engine with its tree, as the fuzzer drives it."""

    def submit(self, text: str, received_at: float) -> Outcome:
        """Judge and insert a block; `received_at` is in seconds."""
        ...


MakeEngine = Callable[[str, Profile], Engine]
"""Makes an engine from the name of a genesis and of a profile."""


@dataclass(frozen=True)
class Difference:
    """Steps after whose last one the engines disagree."""

    seed: str
    genesis: str
    profile: Profile
    steps: tuple[Step, ...]
    expected: Outcome
    got: Outcome

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what differs."""
        return self.expected.differing(self.got)

    @property
    def kind(self) -> str:
        """Differences of one kind most likely have one cause."""
        return f"{self.profile}: {', '.join(self.fields)}: oracle {self.expected.code}, rust {self.got.code}"


class Comparison:
    """Runs scenarios through the oracle and the engine under test, and counts."""

    def __init__(
        self,
        make_subject: MakeEngine,
        make_oracle: MakeEngine = Oracle,
        oracle_limit_s: float = ORACLE_LIMIT_S,
    ) -> None:
        self._make_subject = make_subject
        self._make_oracle = make_oracle
        self._limit = TimeLimit(oracle_limit_s)

    def run(self, seed: str, totals: Totals) -> Difference | None:
        """Run one scenario to its end, or to the first difference or oracle timeout."""
        scenario = Scenario(seed)
        oracle = self._make_oracle(scenario.genesis, scenario.profile)
        subject = self._make_subject(scenario.genesis, scenario.profile)
        steps: list[Step] = []
        difference = None
        while not scenario.finished and difference is None:
            steps.append(step := scenario.next_step())
            try:
                with self._limit:
                    expected = oracle.submit(step.block_json, step.received_at)
            except OracleTimeoutError:
                totals.oracle_timeouts += 1
                break  # the oracle was stopped somewhere: its tree is worth nothing now
            got = subject.submit(step.block_json, step.received_at)
            totals.count(scenario.profile, step.block_json, expected)
            scenario.learn(expected)
            if got != expected:
                totals.differences += 1
                difference = Difference(seed, scenario.genesis, scenario.profile, tuple(steps), expected, got)
        totals.scenarios += 1
        totals.forks += scenario.forks
        totals.reorgs += scenario.reorgs
        return difference

    def shrink(self, difference: Difference) -> Difference:
        """Leave out steps, first many at once and then fewer, while the last one still differs."""
        last, runs = difference.steps[-1:], 0
        chunk = len(difference.steps) - 1
        while chunk:
            start = 0
            while start < len(difference.steps) - 1 and runs < SHRINK_RUNS:
                before = difference.steps[:-1]
                smaller = self._again(difference, before[:start] + before[start + chunk :] + last)
                runs += 1
                if smaller is None:
                    start += chunk
                else:
                    difference = smaller
            chunk //= 2
        return difference

    def _again(self, difference: Difference, steps: tuple[Step, ...]) -> Difference | None:
        """Submit the steps to new engines; the difference after the last one, None if there is none there."""
        oracle, subject = self._engines(difference)
        for number, step in enumerate(steps, start=1):
            try:
                with self._limit:
                    expected = oracle.submit(step.block_json, step.received_at)
            except OracleTimeoutError:
                return None
            got = subject.submit(step.block_json, step.received_at)
            if got != expected:
                if number < len(steps):
                    return None  # another difference comes first: not the one that is being shrunk
                return Difference(
                    difference.seed, difference.genesis, difference.profile, steps, expected, got
                )
        return None

    def line(self, difference: Difference) -> dict[str, Any]:
        """The difference as a line of a vectors file: what the oracle says after each step."""
        oracle, _ = self._engines(difference)
        steps = [
            {
                "block_json": step.block_json,
                "received_at": step.received_at,
                "note": step.note,
                "expect": oracle.submit(step.block_json, step.received_at).as_expected(),
            }
            for step in difference.steps
        ]
        digest = hashlib.sha256(json.dumps(steps, sort_keys=True).encode()).hexdigest()
        return {
            "name": f"fuzz-{digest[:12]}",
            "profile": difference.profile,
            "genesis": difference.genesis,
            "steps": steps,
            "found": {
                "seed": difference.seed,
                "differs": list(difference.fields),
                "rust": difference.got.as_expected(),
            },
        }

    def _engines(self, difference: Difference) -> tuple[Engine, Engine]:
        of = (difference.genesis, difference.profile)
        return self._make_oracle(*of), self._make_subject(*of)
