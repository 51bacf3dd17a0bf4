"""Action of the tests: the state of a pretended node."""

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
        state = pretended.state(node, asked["operator_dir"])
        return result | {"changed": False, "state": state, "asked": dict(asked)}
