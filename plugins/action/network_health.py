"""Action: whether the chain is well, asked from several nodes at a time: each sees it from its place."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs.delegation import ask_each
from ..plugin_utils.runs.reached import unreachable


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks each with ``chain_health``; all of them have to find it well."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Ask once; one that finds something wrong fails the task, one that is silent ends it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        nodes = [str(node) for node in arguments.pop("nodes")]
        asked = dict.fromkeys(nodes, arguments)
        name = "coinjecture.migration.chain_health"  # it reads what users may read, so it needs no root
        answers = ask_each(self, name, asked, task_vars, become=False)
        wrong = [f"asked from {node}: {one.get('msg')}" for node, one in answers.items() if one.get("failed")]
        silent = [str(one.get("msg")) for one in answers.values() if one.get("unreachable")]
        result |= {"changed": False, "answers": [{**answers[node], "item": node} for node in nodes]}
        if wrong:
            return result | {"failed": True, "msg": "; ".join([*wrong, *silent])}
        return result | (unreachable("; ".join(silent)) if silent else {})
