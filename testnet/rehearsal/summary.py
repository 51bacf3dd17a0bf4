"""The summary of a rehearsal: `build/rehearsal/summary.json`, and what a person reads at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMPLETE, HALTED, FAILED = "complete", "halted", "failed"


@dataclass
class Summary:
    """What has been measured so far; a rehearsal that ends early leaves the rest as it stands here.

    The fields are those of the fixed format. Times of day are seconds since the epoch, durations seconds.
    """

    result: str = FAILED
    reason: str = "the rehearsal did not begin"
    duration_s: float = 0.0
    steps: list[dict[str, Any]] = field(default_factory=list)
    requests: dict[str, Any] = field(
        default_factory=lambda: {"total": 0, "failed": 0, "reconnects": 0, "slowest_s": 0.0}
    )
    transactions: dict[str, int] = field(
        default_factory=lambda: {"acknowledged": 0, "confirmed": 0, "lost": 0, "duplicated": 0}
    )
    blocks: dict[str, int] = field(
        default_factory=lambda: {"compared": 0, "divergences": 0, "rust_errors": 0, "lost": 0}
    )
    reorgs: dict[str, int] = field(default_factory=lambda: {"count": 0, "deepest": 0})
    forks: int = 0
    final_mode: dict[str, str] = field(default_factory=dict)
    restarts: list[dict[str, Any]] = field(default_factory=list)
    dashboard: dict[str, Any] = field(default_factory=lambda: {"panels": 0, "with_data": 0, "empty": []})

    def as_dict(self) -> dict[str, Any]:
        """The summary in the order of the fixed format."""
        return {
            "result": self.result,
            "reason": self.reason,
            "duration_s": round(self.duration_s, 1),
            "steps": self.steps,
            "requests": self.requests,
            "transactions": self.transactions,
            "blocks": self.blocks,
            "reorgs": self.reorgs,
            "forks": self.forks,
            "final_mode": self.final_mode,
            "restarts": self.restarts,
            "dashboard": self.dashboard,
        }

    def write(self, path: Path) -> None:
        """Replace the summary on disk; a reader sees the old one or the new one, never half of one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self.as_dict(), indent=1) + "\n")
        fresh.replace(path)

    def faults(self) -> list[str]:
        """What must be zero and is not, in words. A complete rehearsal has none."""
        must_be_zero = {
            "forked heights": self.forks,
            "lost blocks": self.blocks["lost"],
            "lost transactions": self.transactions["lost"],
            "duplicated transactions": self.transactions["duplicated"],
            "divergences": self.blocks["divergences"],
            "rust errors": self.blocks["rust_errors"],
            "failed requests (requests.json)": self.requests["failed"],
        }
        found = [f"{count} {what}" for what, count in must_be_zero.items() if count]
        unconfirmed = self.transactions["acknowledged"] - self.transactions["confirmed"]
        if unconfirmed:
            found.append(f"{unconfirmed} acknowledged transactions not 6 blocks deep on both nodes")
        if self.dashboard["empty"]:
            found.append(f"panels of the dashboard without data: {', '.join(self.dashboard['empty'])}")
        return found


def narrate(summary: Summary) -> str:
    """The summary as a person reads it, at most 100 columns wide."""
    s = summary
    lines = [
        f"result        {s.result}: {s.reason}",
        f"took          {s.duration_s:.0f} s",
        "",
        f"  {'step':<16}{'gate':<7}{'took':>7}{'soak':>8}{'calls':>8}{'compared':>10}{'accepted':>10}"
        f"{'rejected':>10}  codes",
    ]
    lines += [_step_line(step) for step in s.steps]
    lines += [
        "",
        f"requests      {s.requests['total']} sent, {s.requests['failed']} failed, "
        f"{s.requests['reconnects']} reconnects, slowest {s.requests['slowest_s']:.2f} s",
        *(
            f"  restart of {window['node']}: {window['new']} new and {window['kept']} kept in "
            f"{window['end'] - window['start']:.1f} s, {window['failed']} failed"
            for window in s.restarts
        ),
        f"transactions  {s.transactions['acknowledged']} acknowledged, "
        f"{s.transactions['confirmed']} confirmed, {s.transactions['lost']} lost, "
        f"{s.transactions['duplicated']} duplicated",
        f"blocks        {s.blocks['compared']} compared{_ever(s.blocks)}, "
        f"{s.blocks['divergences']} divergences, {s.blocks['rust_errors']} rust errors, "
        f"{s.blocks['lost']} lost",
        f"chain         {s.reorgs['count']} reorgs, deepest {s.reorgs['deepest']}; {s.forks} forked heights",
        f"modes         {', '.join(f'{node} {mode}' for node, mode in s.final_mode.items()) or 'not read'}",
        *_dashboard_lines(s.dashboard),
    ]
    return "\n".join(lines)


def _ever(blocks: Mapping[str, int]) -> str:
    """What the page counts besides: what both engines judged before, between and after the steps' soaks."""
    ever = blocks.get("compared_ever")
    return "" if ever is None else f" in the soaks above ({ever} since the wrapper came)"


def _dashboard_lines(dashboard: Mapping[str, Any]) -> list[str]:
    """The panels of the dashboard, and each that shows nothing by its name."""
    if not dashboard["panels"]:
        return ["dashboard     not read"]
    return [
        f"dashboard     {dashboard['panels']} panels, {dashboard['with_data']} with data",
        *(f"  without data: {title}" for title in dashboard["empty"]),
    ]


def _step_line(step: Mapping[str, Any]) -> str:
    """One row of the table of steps."""
    rejected: Mapping[str, int] = step["rejected"]
    took = step["finished"] - step["started"]
    return (
        f"  phase {step['phase']} {step['node']:<8}{step['gate']:<7}{took:>5.0f} s"
        f"{step['soak_s']:>6.0f} s{step['calls']:>8}{step['compared']:>10}{step['accepted']:>10}"
        f"{sum(rejected.values()):>10}  {len(rejected)}"
    )
