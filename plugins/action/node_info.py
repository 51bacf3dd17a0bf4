"""Action: what a node is now; one that cannot be asked says why."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs.reached import asked, named


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module; returns ``asked`` too, so that another action can ask the same again."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ask once."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        answer = asked(
            lambda: self._execute_module(
                module_name="coinjecture.migration.node_info",
                module_args=arguments,
                task_vars=task_vars,
            ),
            *named(self._task, task_vars),
        )
        return result | answer | {"asked": arguments}
