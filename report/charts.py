"""Geometry of the page's drawings: from numbers to positions and paths; the templates put them into SVG.

The drawings are few and of a fixed kind, and a page without scripts needs nothing of a charting library but
this arithmetic: the libraries that were looked at bring either a script to load or hundreds of kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.coinjecture.migration.plugins.module_utils.vocabulary import QUANTILES
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.quantiles import quantile
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import seconds
from report.run import Blocks, Clients, Histogram, Run

WIDTH, LEFT, RIGHT = 720.0, 64.0, 12.0
LANE, PANEL, GAP = 26.0, 92.0, 34.0
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800)


@dataclass(frozen=True)
class Scale:
    """Maps values to positions, linearly or by their logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The position of a value, kept inside the scale."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low) if high > low else 0.0
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Span:
    """A node in a mode, as a bar of its lane."""

    x: float
    width: float
    mode: str
    label: str


@dataclass(frozen=True)
class Lane:
    """The modes of one node over time, and its restarts as (x, width)."""

    node: str
    y: float
    spans: list[Span]
    restarts: list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A line of a panel: its class names node or percentile, `area` is closed at the bottom."""

    kind: str
    path: str


@dataclass(frozen=True)
class Panel:
    """One drawing under the lanes, with its own vertical axis; `dots` mark failures as (x, y)."""

    title: str
    y: float
    height: float
    ticks: list[Tick]
    lines: list[Line]
    dots: list[tuple[float, float]]


@dataclass(frozen=True)
class Timeline:
    """Modes of all nodes against what happened at the same time."""

    width: float
    height: float
    left: float
    right: float
    ticks: list[Tick]
    gates: list[Tick]
    lanes: list[Lane]
    panels: list[Panel]


def timeline(run: Run) -> Timeline:
    """The whole run on one time axis."""
    time = Scale(run["started"], max(run["finished"], run["started"] + 1), LEFT, WIDTH - RIGHT)
    lanes, y = [], 22.0
    for node in run["nodes"]:
        lanes.append(_lane(run, node, y, time))
        y += LANE + 6
    panels = []
    for number, node in enumerate(run["nodes"]):
        if node in run["blocks"]:
            panels.append(_block_panel(node, number, run["blocks"][node], y + GAP - 8, time))
            y += PANEL + GAP
    for node in run["nodes"]:
        if node in run["clients"]:
            panels.append(_client_panel(node, run["clients"][node], y + GAP - 8, time))
            y += PANEL + GAP
    gates = [
        Tick(time(gate["finished"]), f"{gate['phase']}")
        for gate in run["gates"]
        if gate["finished"] is not None
    ]
    return Timeline(WIDTH, y + 28, LEFT, WIDTH - RIGHT, _time_ticks(run, time), gates, lanes, panels)


def _lane(run: Run, node: str, y: float, time: Scale) -> Lane:
    """A node's modes from the first known one to the end of the run."""
    changes = sorted(run["modes"].get(node, []), key=lambda change: change["at"])
    spans = []
    for change, following in zip(changes, [*changes[1:], None], strict=True):
        x = time(change["at"])
        width = round(time(following["at"] if following else run["finished"]) - x, 1)
        spans.append(Span(x, max(width, 0), change["mode"], change["mode"] if width > 44 else ""))
    restarts = [
        (time(one["start"]), max(round(time(one["end"]) - time(one["start"]), 1), 1.5))
        for one in run["restarts"]
        if one["node"] == node
    ]
    return Lane(node, y, spans, restarts)


def _block_panel(node: str, number: int, blocks: Blocks, y: float, time: Scale) -> Panel:
    """Blocks stored, in blocks a second."""
    rates = [count / blocks["bin_s"] for count in blocks["counts"]]
    top = _round_up(max(rates, default=1.0))
    up = Scale(0, top, y + PANEL, y)
    path = f"M{time(blocks['start'])} {up(0)}"
    for index, rate in enumerate(rates):
        begin = blocks["start"] + index * blocks["bin_s"]
        path += f"V{up(rate)}H{time(begin + blocks['bin_s'])}"
    ticks = [Tick(up(value), f"{value:g}") for value in (0, top / 2, top)]
    title = f"{node}: blocks stored per second"
    return Panel(title, y, PANEL, ticks, [Line(f"area node{number % 4}", f"{path}V{up(0)}Z")], [])


def _client_panel(node: str, clients: Clients, y: float, time: Scale) -> Panel:
    """What users of a node waited: median, 99th percentile and slowest, on a logarithmic axis."""
    known = [one for one in clients["bins"] if one["slowest"]]
    slowest = max((one["slowest"] or 0.0 for one in known), default=1.0)
    fastest = min((one["p50"] or 1.0 for one in known), default=1e-3)
    low = 10.0 ** math.floor(math.log10(max(fastest, 1e-6)))
    high = 10.0 ** math.ceil(math.log10(slowest))
    up = Scale(low, max(high, low * 10), y + PANEL, y, log=True)
    lines = []
    for kind in ("slowest", "p99", "p50"):
        path, pen_down = "", False
        for index, one in enumerate(clients["bins"]):
            value = {"slowest": one["slowest"], "p99": one["p99"], "p50": one["p50"]}[kind]
            if not value:
                pen_down = False
                continue
            x = time(clients["start"] + (index + 0.5) * clients["bin_s"])
            path += f"{'L' if pen_down else 'M'}{x} {up(value)}"
            pen_down = True
        lines.append(Line(f"line {kind}", path))
    dots = [
        (time(clients["start"] + (index + 0.5) * clients["bin_s"]), y + 3)
        for index, one in enumerate(clients["bins"])
        if one["failed"]
    ]
    decades = range(round(math.log10(low)), round(math.log10(up.high)) + 1)
    ticks = [Tick(up(10.0**power), seconds(10.0**power)) for power in decades]
    return Panel(f"{node}: what users waited for an answer", y, PANEL, ticks, lines, dots)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, ... and their tenths."""
    if value <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * 0.999)


def _time_ticks(run: Run, time: Scale) -> list[Tick]:
    """At most eight marks, in time since the start."""
    lasted = max(run["finished"] - run["started"], 1)
    step = next((step for step in STEPS if lasted / step <= 8), STEPS[-1])
    return [
        Tick(time(run["started"] + number * step), _elapsed(number * step))
        for number in range(int(lasted // step) + 1)
    ]


def _elapsed(value: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value} s"


@dataclass(frozen=True)
class Distribution:
    """Two histograms over one logarithmic axis, each as shares of its own values; `marks` are quantiles."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    ticks: list[Tick]
    lines: list[Line]
    marks: list[tuple[str, Tick]]


def distribution(histograms: dict[str, Histogram], height: float = 190.0) -> Distribution | None:
    """Draw histograms with the same bounds; None where there is nothing to draw."""
    filled = {name: one for name, one in histograms.items() if one["count"]}
    if not filled:
        return None
    bounds = next(iter(filled.values()))["bounds"]
    used = [i for one in filled.values() for i, count in enumerate(one["counts"]) if count]
    first, last = max(min(used) - 2, 0), min(max(used) + 2, len(bounds) - 1)
    bottom, top = height - 30, 26.0
    across = Scale(bounds[first], bounds[last], LEFT, WIDTH - RIGHT, log=True)
    peak = max(max(one["counts"]) / one["count"] for one in filled.values())
    up = Scale(0, peak, bottom, top)
    lines, marks = [], []
    for name, one in filled.items():
        path = f"M{across(bounds[first])} {bottom}"
        for index in range(first + 1, last + 1):
            path += f"V{up(one['counts'][index] / one['count'])}H{across(bounds[index])}"
        lines.append(Line(f"area {name}", f"{path}V{bottom}Z"))
        for label, share, _ in (QUANTILES[0], QUANTILES[-1]):
            value = quantile(one, share)
            if value is not None:
                marks.append((name, Tick(across(value), label)))
    return Distribution(
        WIDTH, height, LEFT, WIDTH - RIGHT, bottom, _log_ticks(bounds[first : last + 1], across), lines, marks
    )


def _log_ticks(bounds: Sequence[float], across: Scale) -> list[Tick]:
    """1, 2 and 5 of every decade that the axis shows."""
    powers = range(math.floor(math.log10(bounds[0])), math.ceil(math.log10(bounds[-1])) + 1)
    values = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    return [Tick(across(value), seconds(value)) for value in values if bounds[0] <= value <= bounds[-1]]
