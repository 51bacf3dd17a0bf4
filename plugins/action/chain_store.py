"""Action: the module of the same name; a task with ``async`` says now and then how far its copy is."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.visible import visible
from ..plugin_utils.runs.watched_job import WatchedJob

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module in one go, or as a job that is watched."""

    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Carry it out, and return what the module returned."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        execute = partial(self._execute_module, task_vars=task_vars)
        if not self._task.async_val:
            done: dict[str, Any] = execute(
                module_name="coinjecture.migration.chain_store", module_args=arguments
            )
            return result | done
        node, begun = str(task_vars["inventory_hostname"]), time.monotonic()

        def progress() -> str:
            asked = {name: arguments[name] for name in ("database", "copy", "folder")}
            said = execute(module_name="coinjecture.migration.copy_progress_info", module_args=asked).get(
                "said"
            )
            return f"{node}: {said}, {time.monotonic() - begun:.0f} s" if said else ""

        job = WatchedJob(
            execute,
            self.get_shell_option("async_dir", default="~/.ansible_async"),
            progress,
            lambda line: display.display(f"  {visible(line)}"),
        )
        return result | job.run("coinjecture.migration.chain_store", arguments)
