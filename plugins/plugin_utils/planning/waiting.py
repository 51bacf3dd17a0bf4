"""How long a play waits before it asks the gate again."""

from __future__ import annotations

SHORTEST, LONGEST = 5.0, 900.0
"""Seconds between two questions: soon at first, at last every quarter of an hour."""


def next_look(began: float, deadline: float, ready_at: float | None, now: float) -> float | None:
    """Seconds until the gate is asked again, or None where the time is over.

    The longer it has waited, the less often it asks, and never later than at the time the gate named.

    Args:
        began: When the waiting began (s since the epoch), as are the other times.
        deadline: When it is given up.
        ready_at: When the gate could pass, or None where it could not say.
        now: The controller's clock.
    """
    if now >= deadline:
        return None
    pause = min(max((now - began) / 20, SHORTEST), LONGEST)
    if ready_at is not None:
        pause = min(pause, max(ready_at - now, 1.0))
    return min(pause, max(deadline - now, 1.0))
