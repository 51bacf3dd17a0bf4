"""Action: measure how far a node's clock is from the controller's.

A remote clock is read over the open connection; the true time of that reading lies
between sending and receiving, so half the round trip bounds the error. The round trip
with the smallest bound counts.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

ROUNDS = 4


class ActionModule(ActionBase):  # type: ignore[misc]
    """Returns ``skew`` (node minus controller) and ``uncertainty`` in seconds; fails beyond ``limit``."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Read the clock a few times and keep the best reading."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        readings = []
        for _ in range(ROUNDS):
            sent = time.time()
            answer = self._low_level_execute_command("date +%s.%N", sudoable=False)
            received = time.time()
            if answer.get("rc") != 0:
                return result | {"failed": True, "msg": f"the clock cannot be read: {answer.get('stderr')}"}
            middle, half = (sent + received) / 2, (received - sent) / 2
            readings.append((half, float(answer["stdout"].strip().splitlines()[-1]) - middle))
        uncertainty, skew = min(readings)
        limit = float(self._task.args.get("limit", 2.0))
        result |= {"changed": False, "skew": round(skew, 4), "uncertainty": round(uncertainty, 4)}
        if abs(skew) - uncertainty > limit:
            words = f"the clock is {skew:+.3f} s from the controller's, at most {limit:g} s are allowed"
            result |= {"failed": True, "msg": f"{words}; is a time service running on both?"}
        return result
