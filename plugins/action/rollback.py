"""Action: a node's way back without a restart, and the controller's copy of the journal that tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.runs import kept
from ..plugin_utils.runs.controller_run import ControllerGoneError, this_run
from ..plugin_utils.runs.delegation import ask
from ..plugin_utils.runs.journal_copy import note
from ..plugin_utils.runs.reached import asked, named


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module; where a mode takes longer to prepare, waits for that and runs it again."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry it out; a copy that cannot be written fails the task and says so."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if refuses := str(arguments.pop("refuses", "")):
            return result | {"failed": True, "msg": refuses}
        base, node = Path(arguments.pop("kept")), str(arguments.pop("node"))
        try:
            if arguments.get("network") == kept.FRESH:
                arguments["network"] = kept.fresh(this_run(), base)
        except ControllerGoneError as gone:
            return result | {"failed": True, "msg": str(gone)}
        arguments |= {"known": kept.copies(base, node)}
        answer = self._ask(arguments, task_vars)
        if answer.get("unreachable"):  # the host goes on, since the lock has to be given back
            return result | {"failed": True, "msg": answer["msg"], "silent": answer["msg"]}
        if answer.get("preparing"):
            waited = self._prepare(arguments, node, task_vars)
            failed = waited.get("failed") or waited.get("unreachable")
            answer = answer | {"refused": str(waited["msg"])} if failed else self._ask(arguments, task_vars)
        try:
            note(base, node, answer)
        except OSError as error:
            return result | {"failed": True, "msg": str(error)}
        return result | answer

    def _ask(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        return asked(
            lambda: self._execute_module(
                module_name="coinjecture.migration.rollback", module_args=arguments, task_vars=task_vars
            ),
            *named(self._task, task_vars),
        )

    def _prepare(self, arguments: dict[str, Any], node: str, task_vars: Any) -> dict[str, Any]:
        """Wait until the mode is prepared, and show how far it is."""
        wanted = {name: arguments[name] for name in ("mode", "who", "socket")} | {"op": "prepare"}
        return ask(self, "coinjecture.migration.consensus_control", wanted, node, task_vars)
