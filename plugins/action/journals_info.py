"""Action: the step journal of every node, read and verified side by side, beside the controller's copies."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs.delegation import ask_each


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks each with ``step_journal``; returns ``answers`` as a loop over them would its results."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ask once; a journal that could not be read is one of the answers."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        asked = {}
        for node in map(str, self._task.args["nodes"]):
            variables = task_vars["hostvars"][node]
            asked[node] = {
                "state": "verified",
                "folder": variables["migration_operator_dir"],
                "old": variables["migration_state_dir"],
                "kept": self._task.args["kept"],
                "node": node,
            }
        answers = ask_each(self, "coinjecture.migration.step_journal", asked, task_vars)
        return result | {"changed": False, "answers": [{**answers[node], "item": node} for node in asked]}
