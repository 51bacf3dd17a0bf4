"""Action: stay until the gate lets the steps of these nodes start, or says no, or the time is over.

It asks every node again, ever more seldom, and shows each time how it stands. No lock is held meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.visible import visible
from ..plugin_utils.planning.steps import Step, plan
from ..plugin_utils.planning.waiting import LONGEST, next_look
from ..plugin_utils.runs.delegation import ask
from ..plugin_utils.status.screen import step_lines

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Returns ``answers``, what every node answered at the last look, and ``looks``, how many there were."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Look, and look again, until none of the nodes has to wait."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        results: list[dict[str, Any]] = list(self._task.args["results"])
        looks, began = 0, time.time()
        deadline = began + float(self._task.args["timeout"])
        while waiting := self._waiting(results):
            times = [step["ready_at"] for step in waiting if step["ready_at"] is not None]
            pause = next_look(began, deadline, min(times, default=None), time.time())
            if pause is None:
                break
            lines = [line for step in waiting for line in step_lines(step)]
            for line in ["", *lines, f"  asking again in {pause:.0f} s", ""]:
                display.display(visible(line))
            time.sleep(pause)
            looks += 1
            results = [self._look(found["item"], found["asked"], task_vars) for found in results]
        return result | {"changed": False, "answers": results, "looks": looks}

    def _waiting(self, results: Sequence[Mapping[str, Any]]) -> list[Step]:
        """The steps that have to wait by what was read last."""
        asked, now = self._task.args, time.time()
        states = {found["item"]: found.get("state") for found in results}
        calendar = asked["phases"], asked["criteria"]
        steps = [
            plan(int(asked["phase"]), node, states, *calendar, now, asked["serial"])
            for node in asked["nodes"]
        ]
        return [step for step in steps if step["action"] == "wait"]

    def _look(self, node: str, arguments: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        """What a node answers now; where it is being restarted, what it answers afterwards."""
        until = time.monotonic() + LONGEST
        answer = ask(self, "coinjecture.migration.node_info", arguments, node, task_vars)
        while (answer.get("state") or {}).get("restarting") and time.monotonic() < until:
            time.sleep(1)
            answer = ask(self, "coinjecture.migration.node_info", arguments, node, task_vars)
        return {**answer, "item": node, "asked": dict(arguments)}
