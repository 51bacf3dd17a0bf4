"""What the gate found, and the decision that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from .reading import printable

NEVER_OVERRIDDEN = frozenset(
    {"criteria", "divergence", "fork", "self_mismatch", "latched", "out_of_domain", "uncounted", "garbled"}
)
"""Findings that no operator can override: the engines or the nodes disagree, or nobody can tell."""


class Finding(TypedDict):
    """One finding: a word for programs, the node it is about (None: the network), and the words."""

    code: str
    node: str | None
    outcome: str
    text: str


class Decision(TypedDict):
    """What the gate says: its outcome, the reasons in words, and when a ``wait`` could pass.

    ``ready_at`` is in seconds since the epoch; None where no time can be named. ``findings`` are the reasons
    for programs, ``proven`` says in words what the evidence shows and what it does not.
    """

    outcome: str
    reasons: list[str]
    ready_at: float | None
    findings: NotRequired[list[Finding]]
    proven: NotRequired[list[str]]


@dataclass
class Findings:
    """Reasons collected while the evidence is read, and the latest time one of them could be gone."""

    found: list[Finding] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    ready_times: list[float] = field(default_factory=list)
    ready_unknown: bool = False

    def fail(self, code: str, node: str | None, text: str) -> None:
        """Record something that time does not mend."""
        self._add(code, node, "fail", text)

    def wait(self, code: str, node: str | None, text: str, ready_at: float | None = None) -> None:
        """Record something that is missing, and when it could be there (None: nobody can say)."""
        self._add(code, node, "wait", text)
        if ready_at is None:
            self.ready_unknown = True
        else:
            self.ready_times.append(ready_at)

    def prove(self, text: str) -> None:
        """Say what the evidence shows, whatever the outcome."""
        self.proven.append(text)

    def _add(self, code: str, node: str | None, outcome: str, text: str) -> None:
        words = printable(f"{node}: {text}" if node else text)
        self.found.append({"code": code, "node": node, "outcome": outcome, "text": words})

    def decision(self, passed: str) -> Decision:
        """The outcome: any failure is ``fail``, else anything missing is ``wait``, else ``pass``."""
        by_outcome = {
            outcome: [finding["text"] for finding in self.found if finding["outcome"] == outcome]
            for outcome in ("fail", "wait")
        }
        reasons = by_outcome["fail"] + by_outcome["wait"]
        outcome = "fail" if by_outcome["fail"] else "wait" if reasons else "pass"
        known = outcome == "wait" and bool(self.ready_times) and not self.ready_unknown
        return {
            "outcome": outcome,
            "reasons": reasons or [passed],
            "ready_at": max(self.ready_times) if known else None,
            "findings": self.found,
            "proven": self.proven,
        }
