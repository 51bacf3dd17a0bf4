"""What a person reads: a step in a few lines, the network on one screen of at most 100 columns.

The screen says everything without colour; colour only draws the eye to what is said anyway.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...module_utils.visible import visible_in
from ...module_utils.vocabulary import MODES

WIDTH = 100
BAR = 20
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
SHOWN = ("phase", "node", "mode", "target", "action", "reasons", "ready_at", "gate")
COLOURS = {"good": "32", "bad": "31;1", "busy": "33", "dim": "2", "strong": "1"}
"""Meaning of a text and its SGR code."""

Paint = Callable[[str, str], str]
"""Gives a text (second) the colour of a meaning (first), or gives it back as it is."""


def plain(_meaning: str, text: str) -> str:
    """Paint nothing."""
    return text


def coloured(meaning: str, text: str) -> str:
    """Paint for a terminal."""
    return f"\033[{COLOURS[meaning]}m{text}\033[0m" if meaning in COLOURS and text else text


def step_lines(step: Mapping[str, Any]) -> list[str]:
    """A step's decision with its reasons, and when a ``wait`` could end."""
    step = visible_in({key: step.get(key) for key in SHOWN})
    head = f"phase {step['phase']} on {step['node']} ({step['mode']} -> {step['target']})"
    lines = [f"{head}: {VERBS[step['action']]}", *(f"  {reason}" for reason in step["reasons"])]
    lines += [f"  {proven}" for proven in (step.get("gate") or {}).get("proven", ())]
    if step["action"] == "wait":
        lines.append(f"  could pass: {clock(step['ready_at'])}")
    return lines


def status_lines(report: Mapping[str, Any], paint: Paint = plain, now: float | None = None) -> list[str]:
    """The network on one screen.

    Args:
        report: What `overview.status_report` made.
        paint: `coloured` for a terminal, `plain` for anything else.
        now: Seconds since the epoch at which the screen is read; the report's own time if not given.
    """
    at = report["now"] if now is None else now
    # The nodes as they were read are large, and nothing of them is drawn.
    report = visible_in({key: value for key, value in report.items() if key != "nodes"})
    return [
        *_head(report["next"], at, paint),
        "",
        *_modes(report["overview"], at, paint),
        *_counts(report["overview"], paint),
        *_warnings(report, paint),
        "",
        _field("CHAIN", _chain(report["chain"], paint), paint),
        *_journal(report["journal"], paint),
        *_noted("LOCK", report["lock"], paint, ""),
        "",
        *_steps(report, paint),
        "",
        *_next(report, at, paint),
    ]


def _head(following: Mapping[str, Any], now: float, paint: Paint) -> list[str]:
    """State of the migration in a word and a sentence, and the time."""
    word, sentence = HEADLINES[following["action"]]
    step = f"phase {following['phase']} on {following['node']}"
    text = sentence.format(step=step)
    if following["action"] == "wait" and following["ready_at"] is not None:
        text += f", could start {_in(following['ready_at'] - now)}"
    meaning = {"done": "good", "complete": "good", "start": "good", "wait": "busy"}.get(
        following["action"], "bad"
    )
    when = f"{clock(now)} UTC"
    gap = max(WIDTH - len(word) - 2 - len(text) - len(when), 2)
    return [f"{paint(meaning, word.upper())}  {text}{' ' * gap}{when}"]


def _modes(nodes: Mapping[str, Mapping[str, Any]], now: float, paint: Paint) -> list[str]:
    """A line for every node: its mode, since when, its soak, its tip."""
    title = f"{'NODE':<10}{'MODE':<8}{'ANSWERS':<9}{'SINCE (UTC)':<17}{'AGE':<9}{'SOAK':<38}{'TIP':>9}"
    lines = [paint("dim", title)]
    for name, node in nodes.items():
        if not node["answers"]:
            why = str(node["why"]).removeprefix(f"{name} ").removeprefix(f"{name}: ")[: WIDTH - 10]
            lines.append(f"{paint('strong', f'{name:<10}')}{paint('bad', why)}")
            continue
        mode = node["mode"] or "unknown"
        age = "-" if node["since"] is None else duration(now - node["since"])
        since = "-" if node["since"] is None else clock(node["since"])[5:]
        answering = node["answering"] or ("legacy" if mode == "legacy" else "-")
        shown = paint("bad" if node["mode"] is None else "good", f"{mode:<8}")
        lines.append(
            f"{paint('strong', f'{name:<10}')}{shown}"
            f"{answering:<9}{since:<17}{age:<9}{_soak(node['soak'], now, paint)}{_number(node['height']):>9}"
        )
    return lines


def _soak(soak: Mapping[str, Any] | None, now: float, paint: Paint) -> str:
    """A bar of the soak that the next step waits for, and the time left; 38 columns wide."""
    if soak is None or soak["started"] is None or not soak["needed"]:
        return f"{'-':<38}"
    lasted = max(0.0, now - soak["started"])
    share = min(1.0, lasted / soak["needed"])
    full = int(share * BAR)
    left = soak["needed"] - lasted
    text = f"{int(share * 100):>4}%  {f'{duration(left)} left' if left > 0 else 'long enough'}"
    bar = paint("good" if left <= 0 else "busy", "█" * full) + paint("dim", "░" * (BAR - full))
    return f"{bar}{text:<{38 - BAR}}"


def _counts(nodes: Mapping[str, Mapping[str, Any]], paint: Paint) -> list[str]:
    """A line for every node that answers: what it has compared in this soak, how long its engines take."""
    if not any(node["answers"] for node in nodes.values()):
        return []
    title = (
        f"{'NODE':<10}{'COMPARED':>9}{'DIVERGED':>10}{'RUST ERR':>10}{'LEGACY ERR':>12}{'SKIPPED':>9}"
        f"{'REJECTS':>9}{'LEGACY p50/p99':>16}{'RUST p50/p99':>15}"
    )
    lines = ["", paint("dim", title)]
    for name, node in nodes.items():
        if not node["answers"]:
            continue
        faults = [
            paint("bad" if node[kind] else "", f"{_number(node[kind]):>{width}}")
            for kind, width in (("divergence", 10), ("rust_error", 10), ("legacy_error", 12))
        ]
        lines.append(
            f"{paint('strong', f'{name:<10}')}{_number(node['compared']):>9}{''.join(faults)}"
            f"{_number(node['skipped']):>9}{_number(node['rejects']):>9}"
            f"{_latency(node['latency']['legacy']):>16}{_latency(node['latency']['rust']):>15}"
        )
    return lines


def _warnings(report: Mapping[str, Any], paint: Paint) -> list[str]:
    """What is wrong with single nodes, in words, and how a latch is acknowledged."""
    lines = []
    for name, node in report["overview"].items():
        if not node["answers"]:
            continue
        if node["stopped"]:
            lines += _wrapped(f"{name} STOPPED, takes no block: {node['stopped']}", paint, "bad")
        if node["latched"]:
            lines += _wrapped(f"{name} LATCHED: {node['latched']}", paint, "bad")
        if node["latched"] or node["stopped"]:
            way = report["commands"][name]["ack"]
            lines += _wrapped(f"look into it (its captures, and the log of its unit), then: {way}", paint, "")
        if node["mode"] is None:
            lines += _wrapped(f"{name}: {node['why']}", paint, "bad")
        for trouble in node["troubles"]:
            lines += _wrapped(f"{name}: {trouble}", paint, "bad")
        if not node["service"].startswith("active (running)"):
            lines += _wrapped(f"{name}: its service is {node['service']}", paint, "bad")
        for wrong in node["unit"]:
            lines += _wrapped(f"{name}: {wrong}", paint, "bad")
    return lines


def _chain(chain: Mapping[str, Any], paint: Paint) -> str:
    """Heights, and whether the nodes agree."""
    heights = ", ".join(f"{name} at {height}" for name, height in chain.get("heights", {}).items())
    if chain["problems"]:
        return paint("bad", f"{heights or 'unknown'}; {'; '.join(chain['problems'])}"[: WIDTH - 10])
    if "agreed_height" not in chain:
        return "not asked"
    return f"{heights}; the same block {chain['agreed_hash'][:12]} at height {chain['agreed_height']}"


def _journal(found: Mapping[str, Sequence[str]] | None, paint: Paint) -> list[str]:
    """What the verification of the step journals found."""
    if found is None:
        return []
    whole = [line for line in found["lines"] if line not in found["broken"]]
    return _noted("JOURNAL", found["broken"], paint, "bad") + _noted(
        "" if found["broken"] else "JOURNAL", whole, paint, ""
    )


def _noted(name: str, texts: Sequence[str], paint: Paint, meaning: str) -> list[str]:
    """Texts with a name in front of the first, broken to fit the screen."""
    lines = [line for text in texts for line in _broken(text, WIDTH - 10)]
    return [_field("" if number else name, paint(meaning, line), paint) for number, line in enumerate(lines)]


def _steps(report: Mapping[str, Any], paint: Paint) -> list[str]:
    """Every phase with its nodes: done, next or later."""
    following = report["next"]
    rows: dict[tuple[int, str], list[str]] = {}
    for step in report["steps"]:
        if step["action"] != "finish" and _is_done(report["overview"], step):
            known = _is_done(report["overview"], step, "recorded")
            mark = (paint("good", "✔ ") if known else paint("bad", "? ")) + step["node"]
        elif (step["phase"], step["node"]) == (following["phase"], following["node"]):
            mark = {
                "start": paint("good", "▶ "),
                "wait": paint("busy", "◷ "),
                "finish": paint("busy", "▷ "),
            }.get(following["action"], paint("bad", "✖ ")) + step["node"]
        else:
            mark = paint("dim", f"· {step['node']}")
        rows.setdefault((step["phase"], step["target"]), []).append(mark)
    return [
        _field("" if number else "STEPS", f"phase {phase}  {target:<8}{'   '.join(marks)}", paint)
        for number, ((phase, target), marks) in enumerate(rows.items())
    ]


def _is_done(nodes: Mapping[str, Mapping[str, Any]], step: Mapping[str, Any], told_by: str = "mode") -> bool:
    """Whether a node's mode, or the one that its step journal tells of, is that of the step or beyond."""
    mode = nodes[step["node"]].get(told_by)
    return mode in MODES and MODES.index(mode) >= MODES.index(step["target"])


def _next(report: Mapping[str, Any], now: float, paint: Paint) -> list[str]:
    """The command to type next, and why not yet."""
    following = report["next"]
    action, ready = following["action"], following["ready_at"]
    when = {
        "start": "now",
        "wait": "when the gate passes" if ready is None else f"{_in(ready - now)}, at {clock(ready)} UTC",
        "fail": "when the cause is mended",
        "finish": "now: the same command finishes it",
        "silent": "when it is back",
        "garbled": "when it is mended",
        "still": "when blocks come again; look at the nodes' logs and peers",
        "unrecorded": "when it is understood who brought it there; a rollback and the phases do it anew",
        "complete": "when you are sure",
        "done": "nothing is left to do",
    }[action]
    lines = [_field("NEXT", when, paint)]
    if following["command"]:
        lines.append(_field("", paint("strong", following["command"]), paint))
    if action in ("fail", "garbled"):
        culprit = _culprit(report)
        if report["overview"][culprit].get("mode") != "legacy":  # there is nothing before it
            lines.append(_field("", f"or one step back: {report['commands'][culprit]['rollback']}", paint))
    for reason in following["reasons"] if action != "start" else ():
        lines += _wrapped(reason, paint, "" if action in ("wait", "finish", "complete", "done") else "bad")
    return lines


def _culprit(report: Mapping[str, Any]) -> str:
    """The node to look at first: one with a fault or a latch, else the one whose step is refused."""
    signs = ("divergence", "rust_error", "legacy_error", "latched", "stopped")
    faulty = [name for name, node in report["overview"].items() if any(node.get(sign) for sign in signs)]
    return str((faulty or [report["next"]["node"]])[0])


def _field(name: str, text: str, paint: Paint) -> str:
    """A line with a name in front, or under one."""
    return f"{paint('dim', f'{name:<10}')}{text}"


def _wrapped(text: str, paint: Paint, meaning: str) -> list[str]:
    """A text under the names' column, broken to fit."""
    return [f"{'':<12}{paint(meaning, line)}" for line in _broken(text, WIDTH - 12)]


def _broken(text: str, width: int) -> list[str]:
    """The lines of a text; a command at its end has one of its own, however long: it is typed from there."""
    said, colon, command = text.partition(f": {PROGRAM} ")
    lines = textwrap.wrap(said + colon[:1], width, subsequent_indent="  ", break_on_hyphens=False) or [""]
    return [*lines, f"{PROGRAM} {command}"] if colon else lines


def _number(value: Any) -> str:
    """A count, or a dash where none is known."""
    return "-" if value is None else str(value)


def _latency(found: Mapping[str, Any] | None) -> str:
    """Median and 99th percentile with one unit."""
    if found is None:
        return "-"
    return f"{seconds(found['p50'])}/{seconds(found['p99'])}"


def seconds(value: float | None) -> str:
    """A short duration: ``32us``, ``1.5ms``; ``>1s`` above the last edge of the histograms."""
    if value is None:
        return ">1s"
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if value * factor < 999.5:
            amount = value * factor
            return f"{amount:.0f}{unit}" if amount >= 10 else f"{amount:.1f}{unit}"
    return f"{value:.1f}s"


def duration(value: float) -> str:
    """A long duration in its two largest units: ``42s``, ``3m 20s``, ``6d 4h``."""
    whole = max(0, int(value))
    for unit, size, small, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // part}{small}"
    return f"{whole}s"


def _in(value: float) -> str:
    return f"in {duration(value)}" if value > 0 else "now"


def clock(when: Any) -> str:
    """A time as UTC, or a dash where none is known."""
    if not isinstance(when, int | float) or isinstance(when, bool):
        return str(when)[:19] if isinstance(when, str) else "-"
    try:
        return datetime.fromtimestamp(when, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # no time that a calendar has
        return "-"
