"""Action: a long command on the node; now and then the last line of its progress is shown."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.visible import visible
from ..plugin_utils.runs.watched_job import WatchedJob

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the command as a job that is watched."""

    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry it out, and return what Ansible's module ``command`` returned."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        argv, written = list(map(str, self._task.args["argv"])), str(self._task.args["progress"])
        execute = partial(self._execute_module, task_vars=task_vars)
        node = str(task_vars["inventory_hostname"])

        def progress() -> str:
            tail = {"argv": ["tail", "-n", "1", "--", written]}
            said = execute(module_name="ansible.legacy.command", module_args=tail).get("stdout")
            return f"{node}: {said}" if said else ""

        job = WatchedJob(
            execute,
            self.get_shell_option("async_dir", default="~/.ansible_async"),
            progress,
            lambda line: display.display(f"  {visible(line)}"),
        )
        return result | job.run("ansible.legacy.command", {"argv": argv})
