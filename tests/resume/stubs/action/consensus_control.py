"""Action of the tests: the control socket of a pretended node."""

from __future__ import annotations

from typing import Any

import pretended
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks the file."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Answer as the node would."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        node, asked = str(self._task.delegate_to or task_vars["inventory_hostname"]), self._task.args
        waiting = pretended.status(node)["unacknowledged"]
        if asked["op"] == "ack":
            if not self._task.check_mode:
                pretended.keep(node, latched="")
            return result | {"changed": bool(waiting), "acknowledged": waiting}
        before = pretended.kept(node)["mode"]
        if asked["op"] == "set_mode" and before != asked["mode"]:
            if before != asked["if_mode"]:
                return result | {"failed": True, "msg": f"the node is in {before}"}
            pretended.keep(node, mode=asked["mode"])
        changed = before != pretended.kept(node)["mode"]
        return result | {"changed": changed, "status": pretended.status(node)}
