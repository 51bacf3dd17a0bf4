"""Action: the step journal of a node, beside the controller's copy of it, from one and the same call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.messages.typed_run import command
from ..plugin_utils.runs import kept
from ..plugin_utils.runs.controller_run import ControllerGoneError, this_run
from ..plugin_utils.runs.journal_copy import note
from ..plugin_utils.runs.reached import asked, named


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module with what the copies know, and keeps the journal that it returns with its network's."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry out the request; a copy that cannot be written fails the task and says so."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        base, node = Path(arguments.pop("kept")), str(arguments.pop("node"))
        try:
            if arguments.get("network") == kept.FRESH:
                arguments["network"] = kept.fresh(this_run(), base)
        except ControllerGoneError as gone:
            return result | {"failed": True, "msg": str(gone)}
        arguments |= {"known": kept.copies(base, node)}
        answer = asked(
            lambda: self._execute_module(
                module_name="coinjecture.migration.step_journal", module_args=arguments, task_vars=task_vars
            ),
            *named(self._task, task_vars),
        )
        if answer.pop("is_broken", False):
            mend = command("journal", str(task_vars["inventory_hostname"]), set_aside="the reason")
            answer["msg"] += f". Look into it, then: {mend}"
        moved = arguments["state"] == "set_aside" and answer.get("changed") and not self._task.check_mode
        try:
            copy = note(base, node, answer, aside=bool(moved))
        except OSError as error:
            return result | {"failed": True, "msg": str(error)}
        return result | answer | {"copy": copy}
