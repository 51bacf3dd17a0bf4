"""The stages of an operation, and its state on disk for whoever has to undo it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from .settings import RUN_DIR


class Stage(IntEnum):
    """How far an operation has come. A stage is recorded before the first thing that belongs to it."""

    CHECKING = 0
    """Nothing is touched."""
    DETOUR = 1
    """haproxy and the table come up; no client is led there."""
    TRIAL = 2
    """One request of the guard's own is drained, another takes the detour."""
    DRAINING = 3
    """New connections take the detour, direct ones are asked to close."""
    HOLDING = 4
    """New requests wait in the detour; those under way are brought to their end."""
    STOPPING = 5
    """The service is told to stop, or to restart."""
    CHANGING = 6
    """Files are changed while it is down."""
    STARTING = 7
    """It is told to start, and asked until it serves."""
    PUTTING_BACK = 8
    """The new code did not start: the old one is put back and started."""
    OPENING = 9
    """Requests that waited go to the service, then new connections too."""
    LEAVING = 10
    """The detour ends with its last client."""
    DONE = 11
    """Nothing is left to do."""


@dataclass(frozen=True)
class State:
    """What an operation has done so far.

    Attributes:
        operation: Its name, part of the names of its table and its unit.
        stage: How far it has come.
        settings: The text it was asked with.
        main_pid: The service's process before.
        spoke_http: Whether the service answered the probe well before; if not, it need not afterwards.
        detour: Whether haproxy and table are part of it.
        apart: Whether users are served by another unit, so that none of them is in the way of the restart.
    """

    operation: str
    stage: Stage
    settings: str
    main_pid: int = 0
    spoke_http: bool = True
    detour: bool = False
    apart: bool = False


@dataclass
class Record:
    """Keeps the state in memory and in a file, replaced as a whole."""

    state: State
    path: Path = RUN_DIR / "state.json"

    def update(self, **changes: Any) -> None:
        """Change the state; it is in the file when this returns."""
        self.state = replace(self.state, **changes)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self.state)), encoding="utf-8")
        fresh.replace(self.path)

    @classmethod
    def read(cls, path: Path = RUN_DIR / "state.json") -> Record | None:
        """The record of an operation on this host; None if none has begun."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(State(**(values | {"stage": Stage(values["stage"])})), path)


@dataclass
class Report:
    """What came of an operation.

    Attributes:
        outcome: `restarted`; `not touched`; `put back` (the old code serves); `down` (it does not serve);
            `undone` (the guard had been killed; the service serves).
        how: How it was done, which is `plain` where there was nothing to hide, and `apart` where another
            unit serves users.
        why: Why it came so, in words for the operator; empty where there is nothing to explain.
        stage: The stage in which it was decided.
        left: Direct connections, and requests under way, at the limit.
        missed: Where another unit serves users: how often it did not answer while this one restarted.
        lingering: Clients that still keep a connection through the detour.
        choices: What the operator can do where nothing was touched, each with its cost.
        seconds: `whole`, `drain`, `held` (the longest that a request may have waited because of this).
        main_pid: The service's process before and after.
        notes: What else the operator may want to know.
    """

    outcome: str
    how: str
    why: str = ""
    stage: str = ""
    left: int = 0
    missed: int = 0
    lingering: int = 0
    choices: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    main_pid: tuple[int, int] = (0, 0)
    notes: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The report as one line of JSON."""
        return json.dumps(asdict(self))
