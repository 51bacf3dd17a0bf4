"""Action: the end of a host's part in a play; the exit status says whether nodes could not be asked."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs.reached import unreachable


class ActionModule(ActionBase):  # type: ignore[misc]
    """Fails with ``msg``, or ends as unreachable where ``silent`` names nodes with the reason for each."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ansible ends with 4 where a host is unreachable, with 2 where one has failed."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        msg, silent = str(self._task.args["msg"]), dict(self._task.args.get("silent") or {})
        if not silent:
            return result | {"failed": True, "msg": msg}
        causes = [str(why) for why in silent.values() if str(why) not in msg]
        return result | unreachable("; ".join([text for text in (msg, *causes) if text]))
