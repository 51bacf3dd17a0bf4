"""Restarts of the nodes, as their own journals have them: the operator's, and any that were not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from testnet.rehearsal.droplet import Remote
from testnet.users.ledger import Restart

# systemd's catalogue: a unit begins to stop, its main process ended by itself, a unit has started.
_ENDS = ("de5b426a63be47a7b6ac3eaac82e2f6f", "98e322203f7a4ed290d09fe03c09fe15")
_STARTED = "39f53479d3a045ac8e11786248231fbf"


@dataclass(frozen=True)
class Play:
    """A playbook the operator has run on a node, from `started` to `finished` (epoch seconds)."""

    node: str
    started: float
    finished: float

    def covers(self, restart: Restart) -> bool:
        """Whether the restart happened in the course of this play."""
        return restart.node == self.node and self.started <= restart.stopped <= self.finished


def read_restarts(node: Remote, since: float) -> list[Restart]:
    """The restarts of a node's service since a time, oldest first.

    Raises:
        UnreadableError: The journal cannot be read.
    """
    options = ["--output=json", "--output-fields=MESSAGE_ID", f"--since=@{since:.0f}"]
    journal = node.ssh("journalctl", f"UNIT={node.kind.variant.unit}", "_PID=1", *options).decode()
    return parse_journal(node.name, journal.splitlines())


def parse_journal(node: str, lines: Iterable[str]) -> list[Restart]:
    """Restarts in the journal of the service manager, one JSON object a line.

    A restart is from the first sign of an end to the start that follows; a start without an end before it is
    the boot.
    """
    restarts, ended = [], None
    for line in lines:
        entry = json.loads(line)
        at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        if entry.get("MESSAGE_ID") in _ENDS:
            ended = at if ended is None else ended
        elif entry.get("MESSAGE_ID") == _STARTED and ended is not None:
            restarts.append(Restart(node, ended, at))
            ended = None
    return restarts


def unplanned(restarts: Iterable[Restart], plays: Sequence[Play]) -> list[Restart]:
    """Restarts that no play of the operator covers."""
    return [restart for restart in restarts if not any(play.covers(restart) for play in plays)]
