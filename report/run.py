"""The material of a run: everything its page tells, as one JSON object (docs/schemas/run.schema.json).

A page is made of this alone, so that it can be made again, compared, or made elsewhere. Times of day are
seconds since the epoch, durations seconds. None, or an empty collection, means that nobody measured it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import jsonschema

from report.schemas import validator


class Play(TypedDict):
    """Something the operator did: a command, or a record of the step journal."""

    at: float
    took: float | None
    who: str | None
    what: str
    exit_status: int | None
    said: str


class Soak(TypedDict):
    """What a gate saw of one node; ``asked`` where it asked about the length of this soak."""

    node: str
    mode: str
    asked: bool
    seconds: float
    calls: int
    accepted: int
    rejects: int
    codes: int
    outcomes: dict[str, int]
    restarts: int


class Gate(TypedDict):
    """A decision about a step, with what it was decided on, what that proves, and who overrode the gate.

    ``record`` is the number of the record in its node's step journal that says the step is done.
    """

    phase: int
    node: str
    mode: str | None
    target: str
    who: str | None
    decided: float
    finished: float | None
    action: str
    reasons: list[str]
    proven: list[str]
    override: str | None
    criteria: dict[str, Any]
    soaks: list[Soak]
    record: NotRequired[int | None]


class ModeChange(TypedDict):
    """From ``at`` on the node was in ``mode``."""

    at: float
    mode: str


class Restart(TypedDict):
    """A window in which a restart of a node could be noticed, with the requests begun in it."""

    node: str
    start: float
    end: float
    new: int
    kept: int
    failed: int


class Blocks(TypedDict):
    """Blocks a node stored, counted in bins of ``bin_s`` seconds from ``start`` on."""

    start: float
    bin_s: float
    counts: list[int]


class ClientBin(TypedDict):
    """Requests begun in one bin; the durations are None where there were none."""

    requests: int
    failed: int
    p50: float | None
    p99: float | None
    slowest: float | None


class Clients(TypedDict):
    """What users of one node noticed, in bins of ``bin_s`` seconds from ``start`` on."""

    start: float
    bin_s: float
    bins: list[ClientBin]


class Histogram(TypedDict):
    """Durations or ratios: upper edges, one count more than edges, sum and number of values."""

    bounds: list[float]
    counts: list[int]
    sum: float
    count: int


class Divergence(TypedDict):
    """A capture: the name of its file on the node, and where a copy lies beside the page."""

    node: str
    at: float | None
    kind: str
    capture: str
    href: str | None


class Final(TypedDict):
    """A node at the end of the run."""

    mode: str | None
    release: str | None
    legacy_imported: bool | None
    legacy_removed: bool


class Counts(TypedDict):
    """Since the wrapper came, over all nodes; ``rust_calls`` are those that the Rust engine judged.

    ``in_soaks`` are those of ``compared`` that a rehearsal counts, in the soaks that its gates decided on.
    """

    rust_calls: int | None
    compared: int | None
    divergences: int | None
    rust_errors: int | None
    in_soaks: NotRequired[int]


class Speed(TypedDict):
    """The verdict on the speed of a node's engines: ``met``, ``not met`` or ``unknown``, and why."""

    state: str
    told: str


class Journal(TypedDict):
    """A node's step journal, verified."""

    records: int
    broken: str | None


class Record(TypedDict):
    """A record of a node's step journal; ``digest`` chains it to those before it."""

    seq: int
    at: float
    who: str
    what: str
    why: str
    phase: int | None
    mode: str | None
    target: str | None
    digest: str


class Run(TypedDict):
    """All of it; ``users``, ``transactions``, ``reorgs`` and ``forks`` are those of a rehearsal's summary.

    ``speed`` and ``records`` are missing in material of versions that did not tell them.
    """

    schema: int
    kind: str
    network: str
    result: str
    reason: str
    started: float
    finished: float
    nodes: list[str]
    plays: list[Play]
    gates: list[Gate]
    modes: dict[str, list[ModeChange]]
    restarts: list[Restart]
    blocks: dict[str, Blocks]
    clients: dict[str, Clients]
    latency: dict[str, dict[str, Histogram]]
    ratio: dict[str, Histogram]
    speed: NotRequired[dict[str, Speed]]
    divergences: list[Divergence]
    counts: Counts
    final: dict[str, Final]
    journal: dict[str, Journal]
    records: NotRequired[dict[str, list[Record]]]
    users: dict[str, Any] | None
    transactions: dict[str, int] | None
    reorgs: dict[str, int] | None
    forks: int | None


class MaterialError(Exception):
    """The material of a run has another form; the text says where."""


def load(path: Path) -> Run:
    """Read and check a run's material.

    Raises:
        MaterialError: The file cannot be read or has another form.
    """
    try:
        run: Run = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise MaterialError(f"{path}: {error}") from error
    check(run, str(path))
    return run


def check(run: Run, name: str = "run") -> None:
    """Check material against its schema.

    Raises:
        MaterialError: It has another form.
    """
    try:
        validator("run").validate(run)
    except jsonschema.ValidationError as error:
        raise MaterialError(f"{name}: at {error.json_path}: {error.message[:300]}") from error
