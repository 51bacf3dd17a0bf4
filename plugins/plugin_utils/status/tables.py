"""The two tables of the screen: columns of fixed width, of which the least important give way. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .words import Paint, clock, duration, seconds

BAR = 6
Node = Mapping[str, Any]
Cell = tuple[str, str]
"""Meaning and text."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: Its heading.
        width: In characters.
        cell: What it shows of a node at a moment (s since the epoch).
        right: Whether it is aligned to the right.
        gives_way: Its place among those that are left out where the table is too wide; 0: it stays.
    """

    title: str
    width: int
    cell: Callable[[Node, float], Cell]
    right: bool = False
    gives_way: int = 0

    def draw(self, text: str) -> str:
        """A text in this column."""
        cut = text if len(text) <= self.width else f"{text[: self.width - 1]}…"
        return cut.rjust(self.width) if self.right else cut.ljust(self.width)


def table(
    columns: Sequence[Column], nodes: Mapping[str, Node], now: float, paint: Paint, width: int
) -> list[str]:
    """A heading and a line for every node; one that does not answer says why instead.

    Args:
        columns: After the node's name, which comes first.
        nodes: What `overview.node_overview` gave.
        now: Seconds since the epoch.
        paint: Colours, or none.
        width: Of the screen.
    """
    names = max(5, *map(len, nodes)) if nodes else 5
    shown = _fitting(columns, width - names)
    lines = [paint("dim", " ".join(["NODE".ljust(names), *(one.draw(one.title) for one in shown)]).rstrip())]
    for name, node in nodes.items():
        first = paint("strong", name.ljust(names))
        if not node["answers"]:
            why = str(node["why"]).removeprefix(f"{name} ").removeprefix(f"{name}: ")
            lines.append(f"{first} {paint('bad', _shortened(why, width - names - 1))}")
            continue
        cells = [(one, *one.cell(node, now)) for one in shown]
        lines.append(" ".join([first, *(paint(meaning, one.draw(text)) for one, meaning, text in cells)]))
    return lines


def _fitting(columns: Sequence[Column], room: int) -> list[Column]:
    """The columns that there is room for."""
    shown = list(columns)
    for leaving in sorted((one for one in columns if one.gives_way), key=lambda one: one.gives_way):
        if sum(one.width + 1 for one in shown) <= room:
            break
        shown.remove(leaving)
    return shown


def _shortened(text: str, width: int) -> str:
    """As many whole words as there is room for; the rest stands among the reasons."""
    if len(text) <= width:
        return text
    kept = text[: width - 3].rpartition(" ")[0] or text[: width - 3]
    return f"{kept} ..."


def _mode(node: Node, _now: float) -> Cell:
    return "bad" if node["mode"] is None else "good", node["mode"] or "unknown"


def _answering(node: Node, _now: float) -> Cell:
    return "", node["answering"] or ("legacy" if node["mode"] == "legacy" else "-")


def _since(node: Node, now: float) -> Cell:
    return "", "-" if node["since"] is None else _short(now - node["since"])


def _soak(node: Node, now: float) -> Cell:
    """A bar of the soak that the next step waits for."""
    if (ends := _ends_at(node)) is None:
        return "", "-"
    share = min(1.0, max(0.0, now - node["soak"]["started"]) / node["soak"]["needed"])
    full = int(share * BAR)
    return "busy" if ends > now else "good", f"{'█' * full}{'░' * (BAR - full)}{int(share * 100):>4}%"


def _left(node: Node, now: float) -> Cell:
    if (ends := _ends_at(node)) is None:
        return "", "-"
    return "", duration(ends - now) if ends > now else "over"


def _ends(node: Node, _now: float) -> Cell:
    ends = _ends_at(node)
    return "", "-" if ends is None else clock(ends)[5:]


def _ends_at(node: Node) -> float | None:
    """When the soak is long enough if nothing breaks it, in seconds since the epoch; None without a soak."""
    soak = node["soak"]
    if soak is None or soak["started"] is None or not soak["needed"]:
        return None
    return float(soak["started"] + soak["needed"])


def _last_block(node: Node, now: float) -> Cell:
    taken = node["last_block"]
    return "", "-" if taken is None else f"{duration(now - taken).split()[0]} ago"


def _short(value: float) -> str:
    """A duration in at most seven characters."""
    whole = duration(value)
    return whole if len(whole) <= 7 else whole.split()[0]


def _count(value: Any, width: int) -> str:
    """A count, in millions where it is too long, or a dash where none is known."""
    text = "-" if value is None else str(value)
    return text if len(text) <= width else f"{value / 1e6:.0f}M"


def _counted(title: str, width: int, field: str, *, fault: bool = False) -> Column:
    """A column of a count; a fault's is drawn as bad unless it is zero."""
    return Column(
        title,
        width,
        lambda node, _now: ("bad" if fault and node[field] else "", _count(node[field], width)),
        right=True,
    )


def _latency(title: str, engine: str, gives_way: int) -> Column:
    """Median and 99th percentile of an engine."""

    def cell(node: Node, _now: float) -> Cell:
        found = node["latency"][engine]
        return "", "-" if found is None else f"{seconds(found['p50'])}/{seconds(found['p99'])}"

    return Column(title, 11, cell, right=True, gives_way=gives_way)


MODES = (
    Column("MODE", 7, _mode),
    Column("ANSWERS", 7, _answering, gives_way=2),
    Column("FOR", 7, _since, gives_way=1),
    Column("SOAK", BAR + 5, _soak),
    Column("LEFT", 7, _left, gives_way=3),
    Column("ENDS (UTC)", 14, _ends),
    _counted("TIP", 7, "height"),
    Column("BLOCK", 7, _last_block, right=True),
)
"""Where every node is: its mode, since when, its soak, its tip and the age of its newest block."""

COUNTS = (
    _counted("COMPARED", 8, "compared"),
    _counted("DIVERGED", 8, "divergence", fault=True),
    _counted("RUST ERR", 8, "rust_error", fault=True),
    _counted("LEG ERR", 7, "legacy_error", fault=True),
    _counted("SKIPPED", 7, "skipped"),
    _counted("REJECTS", 7, "rejects"),
    _latency("LEG p50/p99", "legacy", 2),
    _latency("RUST p50/99", "rust", 1),
)
"""What it has compared in this soak, and how long its engines take."""
