"""An operator lets a step start against the gate: with a reason, on record, not against a divergence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .findings import NEVER_OVERRIDDEN


class OverrideRefusedError(ValueError):
    """The gate cannot be overridden here; the message says what stands against it."""


def override(step: Mapping[str, Any], reason: str, who: str, now: float) -> dict[str, Any]:
    """A step as it is once an operator has overridden its gate.

    Args:
        step: What `steps.plan` gave.
        reason: Why, in the operator's words; empty: nobody overrides.
        who: The operator.
        now: Seconds since the epoch.

    Returns:
        The step with ``gate_override``: None where there was nothing to override, else who, why, when,
        instead of which outcome, and the reasons that were set aside.

    Raises:
        OverrideRefusedError: The step was refused without a gate, or for what no reason outweighs.
    """
    changed = dict(step) | {"gate_override": None}
    if not reason.strip() or step["action"] not in ("wait", "fail"):
        return changed
    gate = step["gate"]
    if gate is None:
        raise OverrideRefusedError(f"there is no gate to override: {'; '.join(step['reasons'])}")
    against = [finding["text"] for finding in gate["findings"] if finding["code"] in NEVER_OVERRIDDEN]
    if against:
        raise OverrideRefusedError(f"no reason outweighs this: {'; '.join(against)}")
    changed["gate_override"] = {
        "who": who,
        "why": reason.strip(),
        "at": now,
        "instead_of": gate["outcome"],
        "set_aside": list(gate["reasons"]),
    }
    changed["action"], changed["ready_at"] = "start", None
    changed["reasons"] = [f"OVERRIDDEN by {who}: {reason.strip()}", *step["reasons"]]
    return changed
