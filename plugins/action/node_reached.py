"""Action: does a node answer, and may this user work there as the plays do? Told in a sentence where not."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs.reached import asked, named, refused, unreachable


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs ``true`` on the node, as root where the task asks for that; changes nothing."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ask once; what goes wrong is put into words."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        host, user = named(self._task, task_vars)
        answer = asked(lambda: self._low_level_execute_command("true"), host, user, raised=())
        if not answer.get("unreachable") and answer.get("rc") != 0:
            words = f"{answer.get('stderr', '')} {answer.get('stdout', '')}".strip()
            answer = unreachable(refused(host, user, words))
        if answer.get("unreachable"):
            return result | answer | {"msg": f"{answer['msg']}. Nothing was changed on it"}
        return result | {"changed": False}
