"""What a person reads: a step in a few lines, the network on one screen of at most 80 columns.

What matters most comes first, so that a low terminal cuts the rest. The screen says everything without
colour; colour only draws the eye to what is said anyway.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils.visible import visible_in
from ...module_utils.vocabulary import MODES
from ..messages.typed_run import command
from . import tables
from .words import Paint, clock, plain, within

WIDTH = 80
NAMES = 10  # columns of the names in front of the lines below the first table
PROGRAM = "ansible-playbook"
VERBS = {
    "start": "starts now",
    "wait": "waits",
    "fail": "is refused",
    "nothing": "has nothing to do",
    "finish": "is to be finished",
}
HEADLINES = {
    "start": ("ready", "{step} may start now"),
    "wait": ("waiting", "{step} waits"),
    "fail": ("refused", "{step} is refused"),
    "finish": ("interrupted", "{step} is to be finished: it was interrupted"),
    "still": ("still", "the chain stands still, so no step may start"),
    "silent": ("silent", "a node does not answer, so no step may start"),
    "garbled": ("garbled", "what a node tells cannot be believed, so no step may start"),
    "unrecorded": ("unrecorded", "a node is in a mode that its step journal does not tell of"),
    "complete": ("final", "every step is done; the legacy engine can be removed"),
    "done": ("done", "every node is on Rust alone, the legacy engine is removed"),
}
Mark = tuple[str, str, str]
"""Of a step on a node: meaning, sign, the node's name."""
SHOWN = ("phase", "node", "mode", "target", "action", "reasons", "ready_at", "gate")


def step_lines(step: Mapping[str, Any]) -> list[str]:
    """A step's decision with its reasons, and when a ``wait`` could end."""
    step = visible_in({key: step.get(key) for key in SHOWN})
    head = f"phase {step['phase']} on {step['node']} ({step['mode']} -> {step['target']})"
    lines = [f"{head}: {VERBS[step['action']]}", *(f"  {reason}" for reason in step["reasons"])]
    lines += [f"  {proven}" for proven in (step.get("gate") or {}).get("proven", ())]
    if step["action"] == "wait":
        when = "nobody can tell when" if step["ready_at"] is None else f"{clock(step['ready_at'])} UTC"
        stay = command(f"phase{step['phase']}", step["node"], wait="true")
        lines += [f"  could pass: {when}", f"  to stay until then: {stay}"]
    return lines


def status_lines(
    report: Mapping[str, Any],
    paint: Paint = plain,
    now: float | None = None,
    width: int = WIDTH,
    height: int | None = None,
) -> list[str]:
    """The network on one screen.

    Args:
        report: What `overview.status_report` made.
        paint: `coloured` for a terminal, `plain` for anything else.
        now: Seconds since the epoch at which the screen is read; the report's own time if not given.
        width: Columns of the terminal; more than `WIDTH` are not used.
        height: Lines there are room for, at least two; None for as many as it takes.
    """
    at = report["now"] if now is None else now
    wide = min(width, WIDTH)
    # The nodes as they were read are large, and nothing of them is drawn.
    report = visible_in({key: value for key, value in report.items() if key != "nodes"})
    nodes = report["overview"]
    answering = {name: node for name, node in nodes.items() if node["answers"]}
    parts = [
        [
            *_head(report["next"], at, paint, wide),
            *tables.table(tables.MODES, nodes, at, paint, wide),
            *_warnings(report, paint, wide),
        ],
        _next(report, at, paint, wide),
        tables.table(tables.COUNTS, answering, at, paint, wide) if answering else [],
        [
            *_steps(report, paint, wide),
            *_chain(report["chain"], paint, wide),
            *_journal(report["journal"], paint, wide),
            *_noted("LOCK", report["lock"], paint, "", wide),
        ],
    ]
    return _cut([line for part in parts if part for line in ["", *part]][1:], height, paint)


def _cut(lines: list[str], height: int | None, paint: Paint) -> list[str]:
    """As many lines as there is room for: first the empty ones go, then the last, and how many is said."""
    if height is None or len(lines) <= height:
        return lines
    dense = [line for line in lines if line]
    if len(dense) <= height:
        return dense
    kept = dense[: max(height, 2) - 1]
    hint = f"... {len(dense) - len(kept)} more lines: make the window higher, or add: | less"
    return [*kept, paint("dim", hint)]


def _head(following: Mapping[str, Any], now: float, paint: Paint, width: int) -> list[str]:
    """State of the migration in a word and a sentence, and the time where there is room for it."""
    word, sentence = HEADLINES[following["action"]]
    step = f"phase {following['phase']} on {following['node']}"
    text = sentence.format(step=step)
    if following["action"] == "wait" and following["ready_at"] is not None:
        text += f", could start {within(following['ready_at'] - now)}"
    meaning = {"done": "good", "complete": "good", "start": "good", "wait": "busy"}.get(
        following["action"], "bad"
    )
    first, *rest = textwrap.wrap(f"{word.upper()}  {text}", width, subsequent_indent="  ")
    line = first.replace(word.upper(), paint(meaning, word.upper()), 1)
    for when in (f"{clock(now)} UTC", f"{clock(now)[11:]} UTC") if not rest else ():
        if (gap := width - len(first) - len(when)) >= 2:
            return [f"{line}{' ' * gap}{when}"]
    return [line, *rest]


def _warnings(report: Mapping[str, Any], paint: Paint, width: int) -> list[str]:
    """What is wrong with single nodes, in words, and how a latch is acknowledged."""
    lines = []
    for name, node in report["overview"].items():
        if not node["answers"]:
            continue
        if node["stopped"]:
            lines += _wrapped(f"{name} STOPPED, takes no block: {node['stopped']}", paint, "bad", width)
        if node["latched"]:
            lines += _wrapped(f"{name} LATCHED: {node['latched']}", paint, "bad", width)
        if node["latched"] or node["stopped"]:
            way = report["commands"][name]["ack"]
            lines += _wrapped(
                f"look into it (its captures, and the log of its unit), then: {way}", paint, "", width
            )
        if node["mode"] is None:
            lines += _wrapped(f"{name}: {node['why']}", paint, "bad", width)
        for trouble in node["troubles"]:
            lines += _wrapped(f"{name}: {trouble}", paint, "bad", width)
        if not node["service"].startswith("active (running)"):
            lines += _wrapped(f"{name}: its service is {node['service']}", paint, "bad", width)
        for wrong in node["unit"]:
            lines += _wrapped(f"{name}: {wrong}", paint, "bad", width)
    return lines


def _chain(chain: Mapping[str, Any], paint: Paint, width: int) -> list[str]:
    """Heights, and whether the nodes agree."""
    heights = ", ".join(f"{name} at {height}" for name, height in chain.get("heights", {}).items())
    if chain["problems"]:
        return _noted(
            "CHAIN", [f"{heights or 'unknown'}; {'; '.join(chain['problems'])}"], paint, "bad", width
        )
    if "agreed_height" not in chain:
        return _noted("CHAIN", ["not asked"], paint, "", width)
    agreed = f"the same block {chain['agreed_hash'][:12]} at height {chain['agreed_height']}"
    return _noted("CHAIN", [f"{heights}; {agreed}"], paint, "", width)


def _journal(found: Mapping[str, Sequence[str]] | None, paint: Paint, width: int) -> list[str]:
    """What the verification of the step journals found."""
    if found is None:
        return []
    whole = [line for line in found["lines"] if line not in found["broken"]]
    return _noted("JOURNAL", found["broken"], paint, "bad", width) + _noted(
        "" if found["broken"] else "JOURNAL", whole, paint, "", width
    )


def _noted(name: str, texts: Sequence[str], paint: Paint, meaning: str, width: int) -> list[str]:
    """Texts with a name in front of the first, broken to fit the screen."""
    lines = [line for text in texts for line in _broken(text, width - NAMES)]
    return [_field("" if number else name, paint(meaning, line), paint) for number, line in enumerate(lines)]


def _steps(report: Mapping[str, Any], paint: Paint, width: int) -> list[str]:
    """Every phase with its nodes: done, next or later."""
    following = report["next"]
    rows: dict[tuple[int, str], list[Mark]] = {}
    for step in report["steps"]:
        if step["action"] != "finish" and _is_done(report["overview"], step):
            known = _is_done(report["overview"], step, "recorded")
            mark = ("good", "✔") if known else ("bad", "?")
        elif (step["phase"], step["node"]) == (following["phase"], following["node"]):
            mark = {
                "start": ("good", "▶"),
                "wait": ("busy", "◷"),
                "finish": ("busy", "▷"),
            }.get(following["action"], ("bad", "✖"))
        else:
            mark = ("dim", "·")
        rows.setdefault((step["phase"], step["target"]), []).append((*mark, step["node"]))
    lines: list[str] = []
    for (phase, target), marks in rows.items():
        names = [f"phase {phase}  {target:<8}", *[""] * len(marks)]
        for name, row in zip(names, _rows(marks, width - NAMES - len(names[0])), strict=False):
            shown = "   ".join(f"{paint(meaning, sign)} {node}" for meaning, sign, node in row)
            lines.append(_field("" if lines else "STEPS", f"{name:<{len(names[0])}}{shown}", paint))
    return lines


def _rows(marks: Sequence[Mark], room: int) -> list[list[Mark]]:
    """The marks of a phase in as many lines as they take."""
    rows: list[list[Mark]] = [[]]
    for mark in marks:
        if rows[-1] and sum(len(node) + 5 for _, _, node in [*rows[-1], mark]) - 3 > room:
            rows.append([])
        rows[-1].append(mark)
    return rows


def _is_done(nodes: Mapping[str, Mapping[str, Any]], step: Mapping[str, Any], told_by: str = "mode") -> bool:
    """Whether a node's mode, or the one that its step journal tells of, is that of the step or beyond."""
    mode = nodes[step["node"]].get(told_by)
    return mode in MODES and MODES.index(mode) >= MODES.index(step["target"])


def _next(report: Mapping[str, Any], now: float, paint: Paint, width: int) -> list[str]:
    """The command to type next, and why not yet."""
    following = report["next"]
    action, ready = following["action"], following["ready_at"]
    when = {
        "start": "now",
        "wait": "when the gate passes" if ready is None else f"{within(ready - now)}, at {clock(ready)} UTC",
        "fail": "when the cause is mended",
        "finish": "now: the same command finishes it",
        "silent": "when it is back",
        "garbled": "when it is mended",
        "still": "when blocks come again; look at the nodes' logs and peers",
        "unrecorded": "when it is understood who brought it there; a rollback and the phases do it anew",
        "complete": "when you are sure",
        "done": "nothing is left to do",
    }[action]
    lines = _noted("NEXT", [when], paint, "", width)
    if following["command"]:
        lines.append(_field("", paint("strong", following["command"]), paint))
    if action in ("fail", "garbled"):
        culprit = _culprit(report)
        if report["overview"][culprit].get("mode") != "legacy":  # there is nothing before it
            back = f"or one step back: {report['commands'][culprit]['rollback']}"
            lines += _wrapped(back, paint, "", width)
    for reason in following["reasons"] if action != "start" else ():
        lines += _wrapped(
            reason, paint, "" if action in ("wait", "finish", "complete", "done") else "bad", width
        )
    return lines


def _culprit(report: Mapping[str, Any]) -> str:
    """The node to look at first: one with a fault or a latch, else the one whose step is refused."""
    signs = ("divergence", "rust_error", "legacy_error", "latched", "stopped")
    faulty = [name for name, node in report["overview"].items() if any(node.get(sign) for sign in signs)]
    return str((faulty or [report["next"]["node"]])[0])


def _field(name: str, text: str, paint: Paint) -> str:
    """A line with a name in front, or under one."""
    return f"{paint('dim', name.ljust(NAMES))}{text}"


def _wrapped(text: str, paint: Paint, meaning: str, width: int) -> list[str]:
    """A text under the names' column, broken to fit."""
    return [f"{'':<{NAMES}}{paint(meaning, line)}" for line in _broken(text, width - NAMES)]


def _broken(text: str, width: int) -> list[str]:
    """The lines of a text; a command at its end has one of its own, however long: it is typed from there."""
    if len(text) <= width:
        return [text]
    said, colon, command = text.partition(f": {PROGRAM} ")
    lines = textwrap.wrap(said + colon[:1], width, subsequent_indent="  ", break_on_hyphens=False) or [""]
    return [*lines, f"{PROGRAM} {command}"] if colon else lines
