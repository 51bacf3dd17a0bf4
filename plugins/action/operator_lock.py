"""Action: the operator lock, asked for by this run; the lock of a run that has ended here is taken over.

Where the lock is given back, that of a run that has ended here goes too: nobody else would.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.runs.controller_run import ControllerGoneError, has_ended, place, run_id, this_run
from ..plugin_utils.runs.reached import asked, named

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module with the name of this run."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry out the request, a second time where the holder is known to have ended."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            main = this_run()
        except ControllerGoneError as gone:
            return result | {"failed": True, "msg": str(gone)}
        if arguments["state"] != "broken":
            arguments |= {"run": run_id(main), "place": place(), "pid": main}
        answer = self._ask(arguments, task_vars)
        held = answer.get("lock")
        if not held or not has_ended(held["id"], held["place"], int(held["pid"])):
            return result | answer
        told = f"the run {held['id']} of {held['who']} has ended here; its lock is"
        if answer.get("outcome") == "refused":
            display.display(f"{told} taken over")
            answer = self._ask(arguments | {"dead": held["id"]}, task_vars)
        elif arguments["state"] == "released":
            display.display(f"{told} given back")
            answer = self._ask(arguments | {"run": held["id"], "users": held["users"]}, task_vars)
        return result | answer

    def _ask(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        return asked(
            lambda: self._execute_module(
                module_name="coinjecture.migration.operator_lock", module_args=arguments, task_vars=task_vars
            ),
            *named(self._task, task_vars),
        )
