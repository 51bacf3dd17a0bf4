"""Action: the operator lock of every node, asked for once for all nodes that the run works on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs.delegation import ask_each
from ..plugin_utils.runs.operators import lock_refusals
from ..plugin_utils.runs.questions import questions
from ..plugin_utils.runs.race import PATIENCE, lost_by_others

AGAIN = 0.3  # seconds until the winner of a race asks again

Answers = dict[str, dict[str, Any]]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks the nodes side by side; returns ``answers`` as a loop over them would its results."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry it out; what was taken is given back where another run holds the rest."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        nodes = [str(node) for node in arguments.pop("nodes")]
        asked = self._asked(nodes, arguments, task_vars)
        answers = self._ask(asked, task_vars)
        if arguments["state"] == "taken":
            answers = self._raced(asked, answers, task_vars)
        results = [{"item": node, **answers[node]} for node in nodes]
        wrong = [f"{one['item']}: {one.get('msg')}" for one in results if one.get("failed")]
        refused = lock_refusals(results)
        if refused or wrong:
            taken = [node for node in nodes if answers[node].get("outcome") == "taken"]
            self._ask(dict.fromkeys(taken, arguments | {"state": "released"}), task_vars)
            result |= {"failed": True, "msg": "; ".join([*refused, *wrong])}
        silent = {one["item"]: str(one.get("msg")) for one in results if one.get("unreachable")}
        changed = any(one.get("changed") for one in results)
        return result | {"changed": changed, "answers": results, "silent": silent}

    def _asked(self, nodes: list[str], arguments: dict[str, Any], task_vars: Any) -> Answers:
        """What each node is asked; takes out of the arguments what is not for all of them."""
        base = Path(str(arguments.pop("kept", "")))
        reads = questions(arguments.pop("reads", ()), base, {"brief": True}, task_vars)
        closes = {node: given for node, given in arguments.pop("closes", {}).items() if given}
        asked = {node: dict(arguments) for node in nodes}
        for option, by_node in (("reads", reads), ("closes", closes)):
            for node, given in by_node.items():
                asked[node][option] = given
        return asked

    def _raced(self, asked: Answers, answers: Answers, task_vars: Any) -> Answers:
        """The answers when a race with another run is over."""
        deadline = time.monotonic() + PATIENCE
        while (lost := lost_by_others(list(asked), answers)) and time.monotonic() < deadline:
            time.sleep(AGAIN)
            answers = answers | self._ask({node: asked[node] for node in lost}, task_vars)
        return answers

    def _ask(self, asked: Mapping[str, Mapping[str, Any]], task_vars: Any) -> Answers:
        return ask_each(self, "coinjecture.migration.operator_lock", asked, task_vars)
