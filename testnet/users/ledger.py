"""The ledger of the users: one line for each request, and the figures computed from it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["new", "kept-checking", "kept-naive"]

BIN = 5.0
"""Seconds of a bin of the timeline: about a hundred requests to each node fall into one."""

RESTART_MARGIN = 2.0
"""Seconds on both sides of a restart that count as its window; users pause no longer between requests."""


@dataclass(frozen=True)
class Entry:
    """One request of one user, attempted once.

    Attributes:
        at: When it was begun, in seconds since the epoch.
        node: The node it was sent to.
        kind: The kind of connection.
        method: `GET` or `POST`.
        path: What was asked for.
        seconds: How long the user waited for the outcome.
        error: Why it failed; None if it was answered as it should be.
        reconnected: Whether an idle connection was found closed and opened again for it (`GET` only).
        transaction: The id of the transaction the node acknowledged.
    """

    at: float
    node: str
    kind: Kind
    method: str
    path: str
    seconds: float
    error: str | None = None
    reconnected: bool = False
    transaction: str | None = None


@dataclass(frozen=True)
class Window:
    """A span of time on one node, such as that of its restart; both ends belong to it, in epoch seconds."""

    node: str
    start: float
    end: float

    def touches(self, entry: Entry) -> bool:
        """Whether the user of this entry was waiting at any time within the window."""
        began, ended = entry.at, entry.at + entry.seconds
        return entry.node == self.node and began <= self.end and ended >= self.start


@dataclass(frozen=True)
class Restart:
    """A restart of a node's service; both times are epoch seconds.

    Attributes:
        node: The node.
        stopped: When the service was told to stop, or ended by itself.
        started: When it was started again; until it answers, some time passes.
    """

    node: str
    stopped: float
    started: float

    @classmethod
    def parse(cls, text: str) -> Restart:
        """Read `node:stopped:started`.

        Raises:
            ValueError: The text has another form.
        """
        node, stopped, started = text.split(":")
        return cls(node, float(stopped), float(started))

    def window(self, entries: Iterable[Entry]) -> Window:
        """When this restart could be noticed by a user.

        From a little before it until a little after the node answered again: a connection that was cut is
        noticed when its user comes back to it. If the node never answered again, the ledger's end is the end.
        """
        after = [entry for entry in entries if entry.node == self.node and entry.at >= self.started]
        answered = [entry.at + entry.seconds for entry in after if entry.error is None]
        last = max((entry.at for entry in after), default=self.started)
        return Window(self.node, self.stopped - RESTART_MARGIN, min(answered, default=last) + RESTART_MARGIN)


class Ledger:
    """Appends entries to a file so that a killed process loses none and a power cut at most a second's."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def record(self, entry: Entry) -> None:
        """Write one entry; it is with the kernel when this returns."""
        self._file.write(json.dumps(asdict(entry)).encode() + b"\n")

    async def keep_flushed(self) -> None:
        """Bring what has been written to the disk, once a second, until cancelled."""
        while True:
            await asyncio.sleep(1)
            await asyncio.to_thread(os.fsync, self._file.fileno())

    def close(self) -> None:
        """Bring everything to the disk and close."""
        os.fsync(self._file.fileno())
        self._file.close()


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a ledger in the order they were written; a last line cut short is left out.

    Raises:
        ValueError: A line that is not the last is no entry: the ledger is damaged, and says where.
    """
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield Entry(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, line {number} is no entry of a ledger: {error}") from error


def report(entries: Iterable[Entry], windows: Iterable[Window] = ()) -> dict[str, Any]:
    """Count a ledger.

    Args:
        entries: Its entries.
        windows: Spans to count apart; a failed request is put down to the first window it touches.

    Returns:
        `requests`: as the summary of a rehearsal has them; `by_kind`; `windows`: for each given one the
        requests begun in it by kind and the failures put down to it; `failures`: each with the number of its
        window, or None if it touches none; `acknowledged`: transactions with node and time; `timeline`: for
        each node, what its users waited in each bin of `BIN` seconds, see `timeline`.
    """
    spans = list(windows)
    everything = list(entries)
    failures = [
        {**asdict(entry), "window": next((n for n, span in enumerate(spans) if span.touches(entry)), None)}
        for entry in everything
        if entry.error is not None
    ]
    return {
        "requests": {
            "total": len(everything),
            "failed": len(failures),
            "reconnects": sum(entry.reconnected for entry in everything),
            "slowest_s": round(max((entry.seconds for entry in everything), default=0.0), 3),
        },
        "by_kind": _by_kind(everything),
        "windows": [_window(n, span, everything, failures) for n, span in enumerate(spans)],
        "failures": failures,
        "acknowledged": [
            {"id": entry.transaction, "node": entry.node, "at": entry.at}
            for entry in everything
            if entry.transaction is not None
        ],
        "timeline": timeline(everything),
    }


def timeline(entries: Iterable[Entry], bin_s: float = BIN) -> dict[str, dict[str, Any]]:
    """What users noticed over time.

    Returns:
        By node: `start` in seconds since the epoch, `bin_s`, and `bins`, each with `requests` begun in it,
        `failed`, and the seconds that its requests took: `p50`, `p99`, `slowest`, None where there were none.
    """
    by_node: dict[str, list[Entry]] = {}
    for entry in entries:
        by_node.setdefault(entry.node, []).append(entry)
    found: dict[str, dict[str, Any]] = {}
    for node, own in sorted(by_node.items()):
        start = min(entry.at for entry in own) // bin_s * bin_s
        bins: list[list[Entry]] = [[] for _ in range(int((max(e.at for e in own) - start) / bin_s) + 1)]
        for entry in own:
            bins[int((entry.at - start) / bin_s)].append(entry)
        found[node] = {"start": start, "bin_s": bin_s, "bins": [_bin(one) for one in bins]}
    return found


def _bin(entries: list[Entry]) -> dict[str, Any]:
    """The figures of one bin; a percentile is a duration that was measured."""
    waits = sorted(entry.seconds for entry in entries)

    def quantile(share: float) -> float | None:
        return round(waits[min(int(share * len(waits)), len(waits) - 1)], 6) if waits else None

    return {
        "requests": len(entries),
        "failed": sum(entry.error is not None for entry in entries),
        "p50": quantile(0.5),
        "p99": quantile(0.99),
        "slowest": quantile(1.0),
    }


def _by_kind(entries: list[Entry]) -> dict[str, dict[str, int]]:
    """Requests and failures of each combination of connection and method."""
    counts: dict[str, dict[str, int]] = {}
    for entry in entries:
        row = counts.setdefault(f"{entry.method} {entry.kind}", {"total": 0, "failed": 0})
        row["total"] += 1
        row["failed"] += entry.error is not None
    return counts


def _window(
    number: int, span: Window, entries: list[Entry], failures: list[dict[str, Any]]
) -> dict[str, Any]:
    """The figures of one window."""
    begun = [e for e in entries if e.node == span.node and span.start <= e.at <= span.end]
    new = sum(entry.kind == "new" for entry in begun)
    return {
        **asdict(span),
        "new": new,
        "kept": len(begun) - new,
        "failed": sum(failure["window"] == number for failure in failures),
    }
