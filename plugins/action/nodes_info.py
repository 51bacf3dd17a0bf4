"""Action: what every node is now, asked side by side, once for all that want to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs.delegation import ask_each
from ..plugin_utils.runs.questions import questions


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks each with ``node_info``; returns ``answers`` as a loop over them would its results."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ask once; a node that answers and cannot be read fails the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        nodes = [str(node) for node in arguments.pop("nodes")]
        asked = questions(nodes, Path(str(arguments.pop("kept"))), arguments, task_vars)
        answers = ask_each(self, "coinjecture.migration.node_info", asked, task_vars)
        results = [{**answers[node], "item": node, "asked": asked[node]} for node in nodes]
        wrong = [f"{one['item']}: {one.get('msg') or 'see above'}" for one in results if one.get("failed")]
        if wrong:
            result |= {"failed": True, "msg": "; ".join(wrong)}
        return result | {"changed": False, "answers": results}
