"""The walk through the migration: six steps, each by its playbook, and the soaks between them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import FAULTS, MODES
from ansible_collections.coinjecture.migration.plugins.plugin_utils.messages.console import is_terminal
from testnet.rehearsal.droplet import Remote, UnreadableError
from testnet.rehearsal.operator import Operator, PlaybookRun, step_decision
from testnet.rehearsal.restarts import Play

SOAK_LIMIT = 90.0  # seconds; the plan's soaks are compressed to less than a minute here
TRIES = (
    4  # plays for one step: the first begins the wait, and on a busy machine another comes too late as well
)
MODE_BEFORE = dict(enumerate(MODES[1:-1], start=2))
LOOK_EVERY = 2.0  # seconds between two looks at a soak's progress


class HaltedError(Exception):
    """A step was refused or failed: the migration stands still, and the text says why."""


@dataclass(frozen=True)
class Step:
    """One phase on one node."""

    phase: int
    node: Remote


class Walk:
    """Takes steps and remembers a row for each, in the form of the summary.

    Args:
        operator: Types the playbooks.
        nodes: The nodes, in the order they migrate.
        extra: Arguments that every phase play gets, such as the fault of a faulty rehearsal.
        there_and_back: Whether each step is rolled back once and done again.

    Attributes:
        rows: The summary's `steps` so far.
        plays: Every play on a node, in order; a restart outside of them was not the operator's.
    """

    def __init__(
        self,
        operator: Operator,
        nodes: Sequence[Remote],
        extra: Sequence[str] = (),
        *,
        there_and_back: bool = False,
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        self.plays: list[Play] = []
        self.operator = operator
        self._nodes = {node.name: node for node in nodes}
        self._extra = tuple(extra)
        self._there_and_back = there_and_back
        self._own_files: dict[str, dict[str, Any]] = {}

    def take(self, step: Step) -> None:
        """Take a step as soon as its gate passes; its soak begins when this returns.

        Raises:
            HaltedError: The gate failed, the play failed, or the soak before it did not fill up in time; or
                what was rolled back is not as it was.
            UnreadableError: The files of a node cannot be read.
        """
        if self._there_and_back:
            self._own_files.setdefault(step.node.name, step.node.own_files())
        self._pass_gate(step)
        if self._there_and_back:
            self._go_back(step)
            self._pass_gate(step, again=True)

    def _go_back(self, step: Step) -> None:
        """Undo the step: one mode back; from the first one all the way, with the wrapper out of the node."""
        target = MODE_BEFORE.get(step.phase, "removed")
        order = ("-e", "to=removed") if target == "removed" else ()
        back = self._play("rollback", step.node, *order)
        if back.exit_status != 0:
            raise HaltedError(
                f"phase {step.phase} on {step.node.name} was not rolled back: {back.last_words}"
            )
        if target == "removed":
            changed = differing(self._own_files[step.node.name], step.node.own_files())
            if changed:
                raise HaltedError(
                    f"{step.node.name} is not as it was before the migration: {', '.join(changed)}"
                )
        self.rows[-1]["rolled_back"] = {
            "to": target,
            "took_s": round(back.finished - back.started, 1),
        }

    def note_soak(self) -> None:
        """Write into the last row what its soak has gathered up to now, as far as its node can tell."""
        if self.rows:
            row = self.rows[-1]
            try:
                row |= soak_figures(self._nodes[row["node"]].status()["evidence"])
            except (UnreadableError, KeyError):
                return

    def _pass_gate(self, step: Step, *, again: bool = False) -> None:
        """Type the phase play until its gate lets the step start."""
        tried = 0
        while True:
            tried += 1
            run = self._play(f"phase{step.phase}", step.node)
            if run.exit_status != 0:
                self.note_soak()
                raise HaltedError(f"phase {step.phase} on {step.node.name}: {run.last_words}")
            decision = step_decision(step.phase, step.node.name, since=run.started)
            if decision is None:
                raise HaltedError(
                    f"phase {step.phase} on {step.node.name} had nothing to do: {run.last_words}"
                )
            if decision["action"] == "start":
                break
            if tried == TRIES:
                raise HaltedError(
                    f"phase {step.phase} on {step.node.name} still waits: {'; '.join(decision['reasons'])}"
                )
            self._watch_soak(decision, time.time() + SOAK_LIMIT)
        if again:
            self.rows[-1]["finished"] = run.finished
            return
        if self.rows:
            before = self.rows[-1]
            before |= soak_figures(decision["evidence"][before["node"]]["evidence"])
        self.rows.append(_row(step, decision, run))

    def _watch_soak(self, decision: Mapping[str, Any], deadline: float) -> None:
        """Show how the soak fills up until what the gate asked for is there, or the time is over."""
        criteria, ready_at = decision["criteria"], decision["ready_at"] or time.time() + LOOK_EVERY
        while time.time() < deadline:
            records = {}
            for name in criteria.get("soaking", ()):
                try:
                    records[name] = self._nodes[name].status()["evidence"]
                except (UnreadableError, KeyError):
                    records[name] = None
            _draw({name: record for name, record in records.items() if record}, criteria)
            if any(record is not None and count_bad(record) for record in records.values()):
                break  # the gate will not wait for the rest of this soak either
            full = all(record is not None and _is_full(record, criteria) for record in records.values())
            if full and time.time() >= ready_at:
                break
            time.sleep(LOOK_EVERY)
        if is_terminal():
            print()

    def _play(self, playbook: str, node: Remote, *arguments: str) -> PlaybookRun:
        run = self.operator.play(playbook, "-l", node.name, *arguments, *self._extra)
        self.plays.append(Play(node.name, run.started, run.finished))
        return run


def soak_figures(record: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a step's row that belongs to the soak after it, from a node's evidence."""
    outcomes = record["outcomes"]
    return {
        "soak_s": round(max(0.0, record["now"] - record["soak_started"]), 1),
        "calls": record["calls"],
        "compared": outcomes["match"] + outcomes["divergence"],
        "accepted": record["accepted"],
        "rejected": record["rejected"],
    }


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The paths that are not the same in both, in order."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def count_bad(record: Mapping[str, Any]) -> int:
    """Calls of a soak that ended in a divergence or in an engine's error."""
    return sum(record["outcomes"][kind] for kind in FAULTS)


def _row(step: Step, decision: Mapping[str, Any], run: PlaybookRun) -> dict[str, Any]:
    """A step's row before its soak."""
    return {
        "phase": step.phase,
        "node": step.node.name,
        "started": run.started,
        "finished": run.finished,
        "gate": (decision["gate"] or {}).get("outcome", "fail"),
        "soak_s": 0,
        "calls": 0,
        "compared": 0,
        "accepted": 0,
        "rejected": {},
    }


def _is_full(record: Mapping[str, Any], criteria: Mapping[str, Any]) -> bool:
    """Whether a soak has its length and its samples; whether it was clean is for the gate to say."""
    return bool(
        record["now"] - record["soak_started"] >= criteria["soak_seconds"]
        and record["calls"] >= criteria["min_calls"]
        and sum(record["rejected"].values()) >= criteria["min_rejects"]
        and len(record["rejected"]) >= criteria["min_reason_codes"]
        and (record["mode"] == "final" or _pairs(record) >= criteria["min_latency_pairs"])
    )


def _pairs(record: Mapping[str, Any]) -> int:
    """Pairs of durations that the node has replayed by itself."""
    self_check = record["determinism"]
    return int(self_check["ratio"]["count"]) if self_check else 0


def _draw(records: Mapping[str, Mapping[str, Any]], criteria: Mapping[str, Any]) -> None:
    """One line of progress: a bar of the soak's time and the samples so far."""
    parts = []
    for name, record in records.items():
        lasted = max(0.0, record["now"] - record["soak_started"])
        share = min(1.0, lasted / criteria["soak_seconds"]) if criteria["soak_seconds"] else 1.0
        bar = "#" * round(share * 20)
        left = max(0.0, criteria["soak_seconds"] - lasted)
        parts.append(
            f"{name} {record['mode']} [{bar:<20}] {f'{left:.0f} s left' if left else 'long enough'}, "
            f"{record['calls']} calls, {sum(record['rejected'].values())} rejects, {count_bad(record)} bad"
        )
    text = "  soak: " + "; ".join(parts)
    if is_terminal():  # a line that wraps cannot be drawn in place
        print(f"\r\033[K{text[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)
    else:
        print(text, flush=True)
