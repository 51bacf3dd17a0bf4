"""What is still missing of a count: at which rate it comes, and when it will be there if that goes on."""

from __future__ import annotations

from datetime import UTC, datetime

UNITS = (("second", 1.0), ("minute", 60.0), ("hour", 3600.0), ("day", 86400.0))


def forecast(have: float, need: float, elapsed: float, now: float) -> tuple[str, float | None]:
    """The rate in words and the time (s since the epoch) at which the count reaches its minimum.

    Args:
        have: What there is; of nothing no rate is known.
        need: What there has to be.
        elapsed: Seconds in which it came.
        now: The controller's clock.
    """
    if have <= 0 or elapsed <= 0:
        return "none has come yet, so nobody can tell when", None
    ready_at = now + (need - have) * elapsed / have
    return f"{rate(have / elapsed)}, there {moment(ready_at)}", ready_at


def rate(each_second: float) -> str:
    """So many a second, or in the shortest longer unit in which that is at least one."""
    unit, seconds = next((one for one in UNITS if each_second * one[1] >= 1.0), UNITS[-1])
    return f"{each_second * seconds:.2g} a {unit}" if each_second < 10 else f"{each_second:.0f} a second"


def moment(when: float) -> str:
    """A time as UTC; beyond every calendar, never."""
    try:
        return datetime.fromtimestamp(when, tz=UTC).strftime("at %Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "in more than a lifetime"
