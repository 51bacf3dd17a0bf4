"""What the gate found, and the decision that follows from it."""

from __future__ import annotations

import math
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
    """Reasons collected while the evidence is read, and when each that only waits could be gone."""

    found: list[Finding] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    waits: list[tuple[float, str]] = field(default_factory=list)

    def fail(self, code: str, node: str | None, text: str) -> None:
        """Record something that time does not mend."""
        self._add(code, node, "fail", text)

    def wait(self, code: str, node: str | None, text: str, ready_at: float | None = None) -> None:
        """Record something that is missing, and when it could be there (None: nobody can say)."""
        words = self._add(code, node, "wait", text)
        self.waits.append((math.inf if ready_at is None else ready_at, words))

    def prove(self, text: str) -> None:
        """Say what the evidence shows, whatever the outcome."""
        self.proven.append(text)

    def _add(self, code: str, node: str | None, outcome: str, text: str) -> str:
        words = printable(f"{node}: {text}" if node else text)
        self.found.append({"code": code, "node": node, "outcome": outcome, "text": words})
        return words

    def decision(self, passed: str) -> Decision:
        """The outcome: any failure is ``fail``, else anything missing is ``wait``, else ``pass``.

        Of what is missing, the reason that holds the step back longest is told first; one whose
        end nobody can tell is the longest.
        """
        failed = [finding["text"] for finding in self.found if finding["outcome"] == "fail"]
        waiting = sorted(self.waits, key=lambda one: one[0], reverse=True)
        reasons = failed + [words for _, words in waiting]
        outcome = "fail" if failed else "wait" if reasons else "pass"
        ready_at = waiting[0][0] if waiting else math.inf
        return {
            "outcome": outcome,
            "reasons": reasons or [passed],
            "ready_at": ready_at if outcome == "wait" and ready_at < math.inf else None,
            "findings": self.found,
            "proven": self.proven,
        }
